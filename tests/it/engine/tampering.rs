//! Whatever is done to a record file, `verify` sees it.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use scopegate_engine::{Verified, VerifyError, verify};

use super::record_files::{make, recording};

/// The lines of a small record file.
fn lines(count: usize) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    make(&recording(folder.path(), 0), count);
    let text = std::fs::read_to_string(folder.path().join("records.jsonl")).expect("records");
    text.lines().map(|line| format!("{line}\n")).collect()
}

fn check(folder: &Path, text: impl AsRef<[u8]>) -> Result<Verified, VerifyError> {
    let file = folder.join("records.jsonl");
    std::fs::write(&file, text).expect("a file");
    verify(&file)
}

#[test]
fn no_byte_can_be_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = lines(3).concat().into_bytes();
    let original = check(folder.path(), &text).expect("an honest file");
    let file = folder.path().join("records.jsonl");
    let mut patched = File::options().write(true).open(&file).expect("a file");
    let mut put = |at: usize, byte: u8| {
        patched.seek(SeekFrom::Start(at as u64)).expect("a place");
        patched.write_all(&[byte]).expect("room");
    };
    for (at, byte) in text.iter().copied().enumerate() {
        // The next character, the other case, and what a lenient reader of digits lets pass.
        for other in [byte ^ 1, byte ^ 0x20, b'+', b' ', 0xff] {
            if other == byte || (at + 1 == text.len() && other.is_ascii_whitespace()) {
                continue; // the last newline only ends the file
            }
            put(at, other);
            let seen = verify(&file);
            let before = String::from_utf8_lossy(&text[at.saturating_sub(40)..at]);
            let (was, is) = (byte as char, other as char);
            assert_ne!(seen.ok().as_ref(), Some(&original), "{was:?} may be {is:?} after {before}");
        }
        put(at, byte);
    }
    assert_eq!(verify(&file).expect("as it was"), original);
}

#[test]
fn no_line_can_be_moved_removed_or_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = lines(6);
    let original = check(folder.path(), lines.concat()).expect("an honest file");
    let mut cases = Vec::new();
    for at in 0..lines.len() {
        let mut removed = lines.clone();
        removed.remove(at);
        cases.push((format!("line {at} removed"), removed));
        for to in 0..lines.len() {
            let mut repeated = lines.clone();
            repeated.insert(to, lines[at].clone());
            cases.push((format!("line {at} again before line {to}"), repeated));
            if at != to {
                let mut swapped = lines.clone();
                swapped.swap(at, to);
                cases.push((format!("lines {at} and {to} swapped"), swapped));
            }
        }
        for foreign in ["\n", "{}\n", "null\n", "# a comment\n"] {
            let mut inserted = lines.clone();
            inserted.insert(at, foreign.to_owned());
            cases.push((format!("{foreign:?} before line {at}"), inserted));
        }
    }
    for (what, lines) in cases {
        let seen = check(folder.path(), lines.concat());
        let whole_but_shorter = seen.as_ref().is_ok_and(|v| v.records != original.records);
        assert!(seen.is_err() || whole_but_shorter, "{what}: {seen:?}");
        let at_an_end = what == "line 0 removed" || what == "line 5 removed";
        assert_eq!(seen.is_ok(), at_an_end, "{what}: only a cut at an end needs the head to be seen");
    }
}

#[test]
fn no_end_can_be_cut_unseen() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = lines(3).concat();
    let original = check(folder.path(), &text).expect("an honest file");
    let file = folder.path().join("records.jsonl");
    let shorter = File::options().write(true).open(&file).expect("a file");
    // Without its last newline, the file still says the same.
    for length in (0..text.len() as u64 - 1).rev() {
        shorter.set_len(length).expect("a shorter file");
        let seen = verify(&file);
        assert!(seen.ok().is_none_or(|v| v.head != original.head), "cut after {length} bytes");
    }
}

#[test]
fn nothing_can_be_added_to_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = lines(6);
    for (what, from, to) in [
        ("a member", "{\"chain\"", "{\"note\":1,\"chain\""),
        ("a member of the record", "\"record\":{", "\"record\":{\"note\":1,"),
        ("a second event", "\"event\":", "\"event\":\"permit\",\"event\":"),
        ("a second event by an escape", "\"event\":", "\"\\u0065vent\":\"permit\",\"event\":"),
        ("another event", "SCOPE_VIOLATION", "permit"),
        ("another owner", "\"ann\"", "\"bob\""),
        ("another hash", "\"hash\":\"", "\"hash\":\"0"),
    ] {
        let at = lines.iter().position(|line| line.contains(from)).expect("a line to change");
        let mut changed = lines.clone();
        changed[at] = changed[at].replacen(from, to, 1);
        let error = check(folder.path(), changed.concat()).expect_err(what).to_string();
        assert!(error.contains(&format!("records.jsonl:{}: ", at + 1)), "{what}: {error}");
    }
}

#[test]
fn the_last_line_can_be_rewritten_only_with_another_head() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lines = lines(6);
    let original = check(folder.path(), lines.concat()).expect("an honest file");
    // Whoever can write the file can also hash: only a head kept elsewhere shows it.
    let last: serde_json::Value = serde_json::from_str(&lines[5]).expect("a record");
    let mut head = scopegate_core::ChainHead::before(&last).expect("a record");
    let mut record = serde_json::from_value::<scopegate_core::ChainedRecord>(last).expect("a record").record;
    record.owner = Some("bob".into());
    lines[5] = serde_json::to_string(&head.append(record)).expect("a record") + "\n";
    let forged = check(folder.path(), lines.concat()).expect("a chain that holds together");
    assert_eq!(forged.records, original.records);
    assert_ne!(forged.head, original.head);
}
