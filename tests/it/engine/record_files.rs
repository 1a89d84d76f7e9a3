//! Records on disk: rotated, continued, and repaired after a crash.

use std::path::Path;

use scopegate_core::Event;
use scopegate_engine::{Durability, FileSink, Policy, Verified, verify};

use super::{World, call, wait};

pub(super) const POLICY: &str = "
version: 1
roles:
  - {name: r, allowed_tools: [read], record_arguments: digest}
";

/// An enforcer that records into a folder.
pub(super) fn recording(folder: &Path, rotate_bytes: u64) -> World {
    let sink = FileSink::open(folder, rotate_bytes).expect("a folder for records");
    World::with(POLICY, |builder| builder.record_to(sink, Durability::Buffered))
}

/// Makes so many calls, each in a batch of its own.
pub(super) fn make(world: &World, calls: usize) {
    let session = world.open("r", "ann");
    for index in 0..calls {
        let tool = if index % 3 == 2 { "rm" } else { "read" };
        world.decide(&session.principal, &call(tool, format!(r#"{{"index":{index}}}"#)));
        assert!(wait(world.engine.flush()), "{:?}", world.engine.record_failure());
    }
}

/// What the folder holds, verified: chain, first, count and head.
fn whole(folder: &Path) -> Verified {
    verify(folder).unwrap_or_else(|error| panic!("{error}"))
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

#[test]
fn a_record_says_who_asked_for_what_and_what_came_of_it() {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    let permit = world.permit(&session, &call("read", r#"{"a":1}"#));
    world.ask(&session, &call("rm", r#"{"a":1}"#));
    assert_eq!(world.events().len(), 2);
    let lines = world.engine.records();
    for (line, number) in lines.iter().zip(1..) {
        let record = &line.record;
        assert_eq!((record.id.session, record.id.number), (session.session, number), "{record:?}");
        assert_eq!(record.owner.as_deref(), Some("ann"), "{record:?}");
        assert_eq!(record.role.as_ref().map(|(role, _)| &**role), Some("r"), "{record:?}");
        assert_eq!((line.seq, &*line.chain), (number - 1, "memory"), "{record:?}");
    }
    assert_eq!((lines[0].record.event, lines[0].record.id), (Event::Permit, permit.id));
    assert_eq!(lines[0].record.tool.as_deref(), Some("read"));
    assert!(lines[0].record.arguments.is_some(), "the role asks for a digest");
    assert_eq!(lines[1].record.event.as_str(), "SCOPE_VIOLATION");
    assert_eq!(lines[1].record.tool.as_deref(), Some("rm"));
}

#[test]
fn a_large_file_is_put_aside_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = recording(folder.path(), 1000);
    make(&world, 20);
    drop(world);
    let names = files(folder.path());
    assert!(names.len() >= 4, "{names:?}");
    assert_eq!(names.last().map(String::as_str), Some("records.jsonl"));
    assert_eq!(names[0], "records-000000000000.jsonl");
    assert_eq!((whole(folder.path()).records, whole(folder.path()).first), (20, 0));
    for name in &names[..names.len() - 1] {
        let size = std::fs::metadata(folder.path().join(name)).expect("a file").len();
        assert!((1000..2000).contains(&size), "{name} has {size} bytes");
    }
    std::fs::remove_file(folder.path().join(&names[1])).expect("a file");
    assert!(verify(folder.path()).is_err(), "a whole file is missing in the middle");
}

#[test]
fn a_chain_is_continued_by_the_next_process() {
    for rotate_bytes in [0, 1, 1000] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut chain = None;
        for round in 1..=4 {
            make(&recording(folder.path(), rotate_bytes), 5);
            let verified = whole(folder.path());
            assert_eq!((verified.records, verified.first), (round * 5, 0), "rotating at {rotate_bytes}");
            assert_eq!(chain.get_or_insert(verified.chain.clone()), &verified.chain, "one chain");
        }
    }
}

#[test]
fn a_folder_has_one_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = recording(folder.path(), 0);
    let second = FileSink::open(folder.path(), 0).expect_err("a second writer").to_string();
    assert!(second.contains("in use by another process"), "{second}");
    drop(world);
    FileSink::open(folder.path(), 0).expect("the first one is gone");
}

#[test]
fn a_line_that_a_crash_tore_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    make(&recording(folder.path(), 0), 3);
    let file = folder.path().join("records.jsonl");
    let complete = std::fs::read(&file).expect("records");
    let head = whole(folder.path()).head;
    let last = complete[..complete.len() - 1].iter().rposition(|b| *b == b'\n').expect("three lines") + 1;
    for torn in [&b"{"[..], &complete[last..complete.len() - 1], b"\xff\xfe", b"\0\0\0\0"] {
        std::fs::write(&file, [&complete, torn].concat()).expect("a file");
        drop(FileSink::open(folder.path(), 0).expect("a torn line is no obstacle"));
        assert_eq!(whole(folder.path()).head, head, "after {torn:?}");
        assert_eq!(std::fs::read(&file).expect("records"), complete, "after {torn:?}");
    }
    make(&recording(folder.path(), 0), 2);
    assert_eq!(whole(folder.path()).records, 5, "and the chain goes on");
}

#[test]
fn a_file_that_is_no_record_is_not_continued() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["hello\n", "{}\n", "\n", "[1]\n"] {
        std::fs::write(folder.path().join("records.jsonl"), text).expect("a file");
        let error = FileSink::open(folder.path(), 0).expect_err(text).to_string();
        assert!(error.starts_with("not a record file: "), "{text:?}: {error}");
        let text =
            format!("version: 1\nallow_empty: true\nrecords: {{file: {{folder: {:?}}}}}\n", folder.path());
        let policy = Policy::from_text(&text, "policy").expect("a valid policy");
        assert!(scopegate_engine::LocalEnforcer::new(policy).is_err(), "no enforcer without its records");
    }
}

#[test]
fn only_the_words_none_turn_records_off() {
    for (records, kept) in [("", true), ("records: memory\n", true), ("records: none\n", false)] {
        let world = World::new(&format!("{records}{}", POLICY.trim_start()));
        make(&world, 1);
        assert_eq!(!world.engine.records().is_empty(), kept, "{records:?}");
    }
    for records in [
        "",
        "~",
        "null",
        "None",
        "off",
        "no",
        "false",
        "[]",
        "{}",
        "''",
        "{none: {}}",
        "{none: ~, memory: ~}",
    ] {
        let text = format!("records: {records}\n{}", POLICY.trim_start());
        assert!(Policy::from_text(&text, "policy").is_err(), "`records: {records}` was read");
    }
}

#[test]
fn a_flood_of_a_name_leaves_a_record_that_verifies() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = recording(folder.path(), 0);
    let session = world.open("r", "ann");
    let huge =
        ["x".repeat(70_000), "\u{1}".repeat(60_000), "\"\\\n\0".to_owned(), "\u{2028}\u{fffd}".to_owned()];
    for tool in &huge {
        assert_eq!(world.ask(&session, &call(tool, "{}")), "SCOPE_VIOLATION");
    }
    make(&world, 1);
    drop(world);
    assert_eq!(whole(folder.path()).records, 5);
    make(&recording(folder.path(), 0), 1);
    assert_eq!(whole(folder.path()).records, 6, "and can be continued");
}
