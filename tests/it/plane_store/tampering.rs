//! Whatever is done to an export of a thousand records is seen, and the first bad record named.

use scopegate_engine::Durability::Durable;
use scopegate_server::audit::{ExportFault, Known, verify_export};
use scopegate_server::store::{Change, Store};

use super::{at, denial, exported, permit, session, store};

const RECORDS: u64 = 1000;

/// A thousand records with a checkpoint after every hundred, exported from each hundred on: a
/// verification then need not read all that comes before a fault.
struct Exports(Vec<Vec<String>>);

impl Exports {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut plane = store(folder.path());
        plane.commit(&[Change::Session(session(1, None))], Durable).expect("a session");
        for hundred in 0..RECORDS / 100 {
            let numbers = hundred * 100 + 1..=hundred * 100 + 100;
            let batch: Vec<_> =
                numbers.map(|n| if n % 3 == 0 { denial(1, n) } else { permit(1, n) }).collect();
            plane.commit(&batch, Durable).expect("a commit");
            plane.checkpoint(at(hundred)).expect("a checkpoint");
        }
        Self((0..RECORDS / 100).map(|hundred| exported(&plane, hundred * 100).0).collect())
    }

    fn whole(&self) -> &[String] {
        &self.0[0]
    }

    /// Each record: its number, an export that begins shortly before it, and its line there. Every
    /// fiftieth is also looked at in the export of everything.
    fn each(&self) -> impl Iterator<Item = (u64, Vec<&str>, usize)> {
        let places: Vec<_> = self.0.iter().map(|export| places(export)).collect();
        (0..RECORDS).flat_map(move |seq| {
            let near = (seq / 100) as usize;
            let exports = [Some(near), (seq % 50 == 0).then_some(0)].into_iter().flatten();
            let cases: Vec<_> = exports
                .map(|export| {
                    let at = places[export][seq as usize - export * 100];
                    (seq, self.0[export].iter().map(String::as_str).collect(), at)
                })
                .collect();
            cases
        })
    }
}

fn fault(lines: &[&str]) -> Option<ExportFault> {
    verify_export(lines.concat().as_bytes(), &Known::default()).err()
}

/// Where each record stands.
fn places(lines: &[String]) -> Vec<usize> {
    lines.iter().enumerate().filter(|(_, line)| line.contains("\"record\":")).map(|(at, _)| at).collect()
}

fn check(what: &str, lines: &[&str], first_bad: u64) {
    let seen = fault(lines).unwrap_or_else(|| panic!("{what}: not seen"));
    assert_eq!(seen.record(), Some(first_bad), "{what}: {seen}");
}

#[test]
fn a_bit_in_any_record_is_seen() {
    let exports = Exports::new();
    for export in &exports.0 {
        verify_export(export.concat().as_bytes(), &Known::default()).expect("an honest export");
    }
    for (seq, mut lines, at) in exports.each() {
        // Another bit of another byte in each; all bits but the highest, which would not be text.
        let mut bytes = lines[at].as_bytes().to_vec();
        let byte = (seq as usize * 37) % (bytes.len() - 1);
        bytes[byte] ^= 1 << (seq % 7);
        let changed = String::from_utf8(bytes).expect("text");
        lines[at] = &changed;
        check(&format!("byte {byte} of {changed}"), &lines, seq);
    }
}

#[test]
fn a_record_that_is_dropped_moved_or_repeated_is_seen() {
    let exports = Exports::new();
    for (seq, lines, at) in exports.each() {
        let mut dropped = lines.clone();
        dropped.remove(at);
        check(&format!("{seq} dropped"), &dropped, seq);
        let mut repeated = lines.clone();
        repeated.insert(at, lines[at]);
        check(&format!("{seq} repeated"), &repeated, seq + 1);
        let Some(next) = (at + 1..lines.len()).find(|next| lines[*next].contains("\"record\":")) else {
            continue;
        };
        let mut swapped = lines.clone();
        swapped.swap(at, next);
        check(&format!("{seq} and the next swapped"), &swapped, seq);
    }
}

#[test]
fn a_cut_anywhere_is_seen() {
    let exports = Exports::new();
    for (seq, lines, at) in exports.each() {
        check(&format!("cut before {seq}"), &lines[..at], seq);
        let half = &lines[at][..lines[at].len() / 2];
        check(&format!("cut in {seq}"), &[&lines[..at], &[half]].concat(), seq);
    }
}

#[test]
fn a_rewritten_chain_does_not_fit_its_checkpoints() {
    let exports = Exports::new();
    let lines = exports.whole();
    // Whoever changes a record can compute every hash after it anew, but cannot sign.
    let changed = 555;
    let mut chain: Option<scopegate_core::ChainHead> = None;
    let mut forged = Vec::new();
    for line in lines {
        let mut value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let seq = value["seq"].as_u64().filter(|_| value.get("record").is_some());
        if let Some(seq) = seq.filter(|seq| *seq >= changed) {
            let head =
                chain.get_or_insert_with(|| scopegate_core::ChainHead::before(&value).expect("a place"));
            if seq == changed {
                value["record"]["owner"] = "eve".into();
            }
            // Members of a record are sorted, as its canonical form has them.
            value["prev"] = head.hash().into();
            let (_, hash) = head.append_canonical(value["record"].to_string().as_bytes());
            value["hash"] = hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        }
        forged.push(format!("{value}\n"));
    }
    let forged: Vec<&str> = forged.iter().map(String::as_str).collect();
    let seen = fault(&forged).expect("a fault");
    assert!(matches!(seen, ExportFault::Root(600)), "{seen}");
}

#[test]
fn a_checkpoint_that_is_changed_or_moved_is_seen() {
    let exports = Exports::new();
    let lines = exports.whole();
    let places: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains("\"checkpoint\":")).collect();
    assert!(places.len() >= 10, "{}", places.len());
    for at in places {
        let honest: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut moved = honest.clone();
        moved.swap(at, at - 1);
        assert!(matches!(fault(&moved), Some(ExportFault::Place { .. })), "line {at} moved");
        let note_begins = lines[at].find("scopegate/").expect("a note");
        for byte in note_begins..lines[at].len() - 3 {
            let mut bytes = lines[at].clone().into_bytes();
            bytes[byte] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let mut changed_lines = honest[..at].to_vec();
            changed_lines.push(&changed);
            let seen = fault(&changed_lines);
            let seen_here = matches!(
                seen,
                Some(
                    ExportFault::Note { .. }
                        | ExportFault::Line { .. }
                        | ExportFault::Place { .. }
                        | ExportFault::Root(_)
                )
            );
            assert!(seen_here, "line {at}, byte {byte}: {seen:?}");
            if at > 200 && byte % 16 != 0 {
                break; // every byte of the first ones is enough
            }
        }
    }
}
