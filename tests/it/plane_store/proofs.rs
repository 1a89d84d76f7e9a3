//! The tree and its proofs, beside another implementation of RFC 9162 and of checkpoints.

use scopegate_core::Timestamp;
use scopegate_server::audit::merkle::{self, Frontier, Hash};
use scopegate_server::audit::{Checkpoint, Log, NoteKey, NoteSigner};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles as oracle;

use super::{acme, decision};

/// The other implementation's storage: a plain list.
struct Stored(Vec<oracle::Hash>);

impl oracle::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<oracle::Hash>, oracle::Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

/// `count` leaves in our trees and in the other one.
fn leaves(count: u64) -> (Vec<Hash>, Stored) {
    let mut stored = Stored(Vec::new());
    let leaves = (0..count).map(|n| {
        let data = format!("record {n}");
        let more = oracle::stored_hashes(n, data.as_bytes(), &stored).expect("stored hashes");
        stored.0.extend(more);
        merkle::leaf(data.as_bytes())
    });
    (leaves.collect(), stored)
}

const MOST: u64 = 70;

#[test]
fn roots_and_proofs_are_those_of_the_other_implementation() {
    let (leaves, stored) = leaves(MOST);
    let mut tree = Frontier::default();
    for size in 0..=MOST {
        let part = &leaves[..size as usize];
        let root = oracle::tree_hash(size, &stored).expect("a root").0;
        assert_eq!((merkle::root(part), tree.root()), (root, root), "{size} leaves");
        let again = Frontier::resume(size, tree.roots().to_vec()).expect("as many subtrees as it needs");
        assert_eq!(again, tree);
        assert_eq!(
            Frontier::resume(size + 1, tree.roots().to_vec()).is_some(),
            (size + 1).count_ones() == size.count_ones()
        );
        for index in 0..size {
            let proof = merkle::prove_inclusion(part, index as usize).expect("a proof");
            let theirs = oracle::prove_record(size, index, &stored).expect("a proof");
            assert!(proof.iter().eq(theirs.iter().map(|hash| &hash.0)), "leaf {index} of {size}");
            assert!(merkle::verify_inclusion(&leaves[index as usize], index, size, &proof, &root));
        }
        for old in 1..=size {
            let proof = merkle::prove_consistency(part, old as usize).expect("a proof");
            let theirs = oracle::prove_tree(size, old, &stored).expect("a proof");
            assert!(proof.iter().eq(theirs.iter().map(|hash| &hash.0)), "{old} of {size}");
            let before = merkle::root(&leaves[..old as usize]);
            assert!(merkle::verify_consistency(old, size, &before, &root, &proof), "{old} of {size}");
        }
        tree.push(format!("record {size}").as_bytes());
    }
}

#[test]
fn a_proof_proves_nothing_else() {
    let (leaves, _) = leaves(23);
    for size in 1..=23u64 {
        let root = merkle::root(&leaves[..size as usize]);
        let outside = merkle::prove_inclusion(&leaves[..size as usize], size as usize);
        assert_eq!(outside, None);
        for index in 0..size {
            let proof = merkle::prove_inclusion(&leaves[..size as usize], index as usize).expect("a proof");
            for other in (0..26).filter(|other| *other != index) {
                let leaf = &leaves[index as usize];
                assert!(
                    !merkle::verify_inclusion(leaf, other, size, &proof, &root),
                    "{index} as {other} of {size}"
                );
            }
            refuse_variants(&proof, |proof| {
                merkle::verify_inclusion(&leaves[index as usize], index, size, proof, &root)
            });
        }
        for old in 1..=size {
            let proof = merkle::prove_consistency(&leaves[..size as usize], old as usize).expect("a proof");
            let before = merkle::root(&leaves[..old as usize]);
            for other in (0..=size + 1).filter(|other| *other != old) {
                let verified = merkle::verify_consistency(other, size, &before, &root, &proof);
                assert!(!verified, "{old} as {other} of {size}");
            }
            let forged = merkle::leaf(b"another beginning");
            assert!(!merkle::verify_consistency(old, size, &forged, &root, &proof));
            assert!(!merkle::verify_consistency(old, size, &before, &forged, &proof));
            refuse_variants(&proof, |proof| merkle::verify_consistency(old, size, &before, &root, proof));
        }
    }
    assert_eq!(merkle::prove_consistency(&leaves, 0), None);
    assert_eq!(merkle::prove_consistency(&leaves, 24), None);
}

/// Each hash changed, left out or repeated.
fn refuse_variants(proof: &[Hash], verify: impl Fn(&[Hash]) -> bool) {
    assert!(verify(proof));
    for at in 0..proof.len() {
        let (mut changed, mut shorter, mut longer) = (proof.to_vec(), proof.to_vec(), proof.to_vec());
        changed[at][at % 32] ^= 1;
        shorter.remove(at);
        longer.insert(at, proof[at]);
        assert!(!verify(&changed) && !verify(&shorter) && !verify(&longer), "variants at {at}");
    }
    let longer = [proof, &[merkle::leaf(b"more")]].concat();
    assert!(!verify(&longer));
}

#[test]
fn a_checkpoint_is_read_and_verified_by_the_other_implementation() {
    let mut log = Log::new(&acme().chain);
    for number in 1..=5 {
        log.append(&decision(1, number, scopegate_core::Event::Permit));
    }
    let note = log.sign(&[5; 32], Timestamp::from_secs(1)).expect("a note");
    let origin = scopegate_server::audit::origin(&acme().chain);
    let key = NoteSigner::new(&origin, &[5; 32]).expect("a key").public().clone();

    let theirs = StandardVerifier::new(&key.to_string()).expect("a key as they write it");
    let opened = Note::from_bytes(note.as_bytes()).expect("a note");
    let (verified, _) = opened.verify(&VerifierList::new(vec![Box::new(theirs)])).expect("a signature");
    assert_eq!((verified.len(), verified[0].name()), (1, origin.as_str()));
    let read = oracle::Checkpoint::from_bytes(opened.text()).expect("a checkpoint");
    assert_eq!((read.origin(), read.size(), read.hash().0), (origin.as_str(), 5, log.tree().root()));
    let ours = Checkpoint::open(&note, &key).expect("a checkpoint");
    assert_eq!((ours.size, ours.root), (5, log.tree().root()));
}

#[test]
fn a_note_opens_for_its_own_key_only() {
    let mut log = Log::new(&acme().chain);
    log.append(&decision(1, 1, scopegate_core::Event::Permit));
    let note = log.sign(&[5; 32], Timestamp::from_secs(1)).expect("a note");
    let origin = scopegate_server::audit::origin(&acme().chain);
    let key = |name: &str, seed| NoteSigner::new(name, &[seed; 32]).expect("a key").public().clone();
    Checkpoint::open(&note, &key(&origin, 5)).expect("its own");
    Checkpoint::open(&note, &key(&origin, 6)).expect_err("another key");
    Checkpoint::open(&note, &key("scopegate/other", 5)).expect_err("another name");
    for (at, _) in note.char_indices() {
        let mut bytes = note.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        Checkpoint::open(&changed, &key(&origin, 5)).expect_err(&format!("byte {at} of {changed:?}"));
    }
    // Somebody else may sign as well.
    let other = NoteSigner::new("witness.example/one", &[8; 32]).expect("a key");
    let text = other.public().open(&other.sign("a text\n")).map(str::to_owned);
    assert_eq!(text.as_deref(), Ok("a text\n"));
    let line = other.sign("a text\n").lines().next_back().expect("a signature").to_owned();
    Checkpoint::open(&format!("{note}{line}\n"), &key(&origin, 5)).expect("two signatures");

    let written = key(&origin, 5).to_string();
    assert_eq!(NoteKey::parse(&written).expect("a key"), key(&origin, 5));
    for (at, _) in written.char_indices() {
        let mut changed = written.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8(changed).expect("text");
        NoteKey::parse(&changed).expect_err(&changed);
    }
    for name in ["", "two words", "a+b", "line\nbreak"] {
        NoteSigner::new(name, &[5; 32]).expect_err(name);
    }
}
