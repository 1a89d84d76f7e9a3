//! An export holds everything that its verification needs.

use scopegate_engine::Durability::Durable;
use scopegate_server::audit::{ExportFault, Known, VerifiedExport, notes, verify_export};
use scopegate_server::store::{Archive, Store};

use super::{acme, at, exported, permit, store, tenant};

fn verify(lines: &[String]) -> Result<VerifiedExport, ExportFault> {
    verify_export(lines.concat().as_bytes(), &Known::default())
}

#[test]
fn an_export_verifies_from_wherever_it_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    for n in 1..=40 {
        plane.commit(&[permit(1, n)], Durable).expect("a commit");
        if n % 7 == 0 {
            plane.checkpoint(at(n)).expect("a checkpoint");
        }
    }
    let last =
        plane.archive().expect("an archive").records(&tenant("acme"), 39, 1).expect("records").remove(0);
    for from in 0..=41 {
        let (lines, key) = exported(&plane, from);
        let seen = verify(&lines).unwrap_or_else(|fault| panic!("from {from}: {fault}"));
        let from = from.min(40);
        assert_eq!((seen.from, seen.records), (from, 40 - from));
        assert_eq!((seen.tenant.as_str(), seen.chain.as_str()), ("acme", acme().chain.as_str()));
        assert_eq!(seen.signed, if from < 35 { 35 } else { 0 }, "from {from}");
        // After records 1, 7, 14, 21, 28 and 35.
        let signed = [1, 7, 14, 21, 28, 35].iter().filter(|size| **size > from).count() as u64;
        assert_eq!(seen.checkpoints, signed, "from {from}");
        assert_eq!(seen.key, key.to_string());
        let head: String = last.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(seen.head, head);
    }
}

#[test]
fn its_lines_are_a_chain_for_the_other_verifier_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let batch: Vec<_> = (1..=5).map(|n| permit(1, n)).collect();
    plane.commit(&batch, Durable).expect("a commit");
    let (lines, _) = exported(&plane, 0);
    let records: Vec<_> = lines.into_iter().filter(|line| line.contains("\"record\":")).collect();
    let file = folder.path().join("records.jsonl");
    std::fs::write(&file, records.concat()).expect("a file");
    let seen = scopegate_engine::verify(&file).expect("a chain");
    assert_eq!((seen.records, seen.chain.as_str()), (5, acme().chain.as_str()));
}

#[test]
fn what_is_known_from_elsewhere_shows_a_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    for n in 1..=30 {
        plane.commit(&[permit(1, n)], Durable).expect("a commit");
        if n % 10 == 0 {
            plane.checkpoint(at(n)).expect("a checkpoint");
        }
    }
    let (lines, key) = exported(&plane, 0);
    let text = std::fs::read_to_string(folder.path().join("checkpoints/acme.txt")).expect("the file");
    let mut known = Known::default();
    known.checkpoints = notes(&text);
    known.key = Some(key);
    let verify = |lines: &[String], known: &Known| verify_export(lines.concat().as_bytes(), known);
    assert_eq!(verify(&lines, &known).expect("all of it").signed, 30);

    // Whoever can write the export can also correct its first line.
    let cut = |records: usize| -> Vec<String> {
        let at =
            lines.iter().position(|line| line.contains(&format!("\"seq\":{records}}}"))).expect("a record");
        let mut shorter = lines[..at].to_vec();
        shorter[0] = shorter[0].replace("\"records\":30", &format!("\"records\":{records}"));
        shorter
    };
    for records in 1..30 {
        let shorter = cut(records);
        let alone = verify(&shorter, &Known::default()).expect("a shorter log, for all that it says");
        assert_eq!(alone.records, records as u64);
        let seen = verify(&shorter, &known);
        let Err(ExportFault::Truncated { has, had: 30 }) = seen else { panic!("{records}: {seen:?}") };
        assert_eq!(has, records as u64);
    }
    // Another log of the same length.
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder.path().join("checkpoint.key"), elsewhere.path().join("checkpoint.key"))
        .expect("the key");
    let mut forged = store(elsewhere.path());
    let batch: Vec<_> = (1..=30).map(|n| permit(2, n)).collect();
    forged.commit(&batch, Durable).expect("a commit");
    let (others, _) = exported(&forged, 0);
    verify(&others, &Known::default()).expect("a log, for all that it says");
    let seen = verify(&others, &known);
    assert!(matches!(seen, Err(ExportFault::Root(1))), "{seen:?}");
    // Another key.
    let stranger = tempfile::tempdir().expect("a folder");
    let (lines, _) = exported(&store(stranger.path()), 0);
    let seen = verify(&lines, &known);
    assert!(matches!(seen, Err(ExportFault::Header(_))), "{seen:?}");
}
