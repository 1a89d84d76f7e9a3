//! `scopegate audit verify`: the chain holds, or the first bad record is named.

use std::path::Path;

use scopegate_core::{DecisionRecord, Event, PermitId, SessionId, Timestamp};
use scopegate_engine::{FileSink, RecordSink};
use tempfile::TempDir;

use super::{file, scopegate};

/// Appends this many records to the chain in the folder.
fn record(folder: &Path, records: u64) {
    let mut sink = FileSink::open(folder, 0).expect("a sink");
    let mut head = sink.head();
    let of = |number| {
        let id = PermitId { session: SessionId::from_bits(7), number };
        DecisionRecord::new(id, Timestamp::from_secs(1_800_000_000 + number), Event::Permit)
    };
    let batch: Vec<_> = (0..records).map(|number| head.append(of(number))).collect();
    sink.write(&batch, true).expect("records");
}

/// A folder with a chain of ten, the path of its file, and its lines.
fn log() -> (TempDir, String, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    record(folder.path(), 10);
    let path = folder.path().join("records.jsonl");
    let text = std::fs::read_to_string(&path).expect("the log");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path, text.lines().map(str::to_owned).collect())
}

fn head(path: &str) -> String {
    let told = scopegate(&["audit", "verify", path, "--output", "json"]).json();
    told[0]["head"].as_str().expect("a head").to_owned()
}

#[test]
fn a_good_log_tells_its_head() {
    let (folder, path, lines) = log();
    let folder = folder.path().to_str().expect("UTF-8");
    for place in [folder, &path] {
        scopegate(&["audit", "verify", place]).assert(0, "ok\n  chain ", "");
        scopegate(&["audit", "verify", place]).assert(0, "  records  10\n  head     ", "");
    }
    let head = head(&path);
    assert!(lines.last().expect("a line").contains(&head));
    let run = scopegate(&["audit", "verify", &path, "--expect-head", &head.to_uppercase()]);
    run.assert(0, &head, "");
    let told = scopegate(&["audit", "verify", &path, "--output", "json"]).json();
    assert_eq!(
        (&told[0]["ok"], &told[0]["records"], &told[0]["first"]),
        (&true.into(), &10.into(), &0.into())
    );
}

#[test]
fn every_tampering_is_named() {
    let (_log, path, lines) = log();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        std::fs::write(&path, lines.join("\n") + "\n").expect("the log");
        scopegate(&["audit", "verify", &path])
    };
    for (change, told) in [
        (
            (&|l: &mut Vec<String>| l[3] = l[3].replace("permit", "JWT_INVALID"))
                as &dyn Fn(&mut Vec<String>),
            ":4: record 3 was changed after it was written",
        ),
        (&|l| drop(l.remove(5)), ":6: record 6 where record 5 belongs"),
        (&|l| l.swap(1, 2), ":2: record 2 where record 1 belongs"),
        (&|l| l.insert(4, l[4].clone()), ":6: record 4 where record 5 belongs"),
        (&|l| l[8] = l[8].replace("\"seq\":8", "\"seq\":8,\"seq\":8"), ":9: not a record: "),
        (&|l| l[9].truncate(20), ":10: not a record: "),
        (&|l| l[2] = String::new(), ":3: not a record: "),
    ] {
        let run = with(change);
        run.assert(1, "", &format!("records.jsonl{told}"));
        assert_eq!(run.stdout, "");
    }
    let told = scopegate(&["audit", "verify", &path, "--output", "json"]);
    assert_eq!((told.code, &told.json()[0]["ok"]), (1, &false.into()));
}

#[test]
fn a_cut_at_the_end_shows_when_the_head_is_expected() {
    let (_log, path, lines) = log();
    let head = head(&path);
    std::fs::write(&path, lines[..7].join("\n") + "\n").expect("the log");
    scopegate(&["audit", "verify", &path]).assert(0, "records  7", "");
    let run = scopegate(&["audit", "verify", &path, "--expect-head", &head]);
    run.assert(1, "", "ends at record 6 with head ");
    run.assert(1, "", "records were cut off");
}

#[test]
fn a_head_noted_earlier_is_still_in_a_log_that_grew() {
    let (folder, path, _) = log();
    let noted = head(&path);
    record(folder.path(), 5);
    for place in [folder.path().to_str().expect("UTF-8"), &path] {
        scopegate(&["audit", "verify", place, "--expect-head", &noted]).assert(0, "records  15", "");
    }
}

#[test]
fn a_log_without_its_start_says_so() {
    let (_log, path, lines) = log();
    std::fs::write(&path, lines[4..].join("\n") + "\n").expect("the log");
    let note = "the chain was followed from record 4; older files were not given";
    scopegate(&["audit", "verify", &path]).assert(1, "", "records before it are missing");
    scopegate(&["audit", "verify", &path, "--allow-missing-start"]).assert(0, "records  6", note);
}

#[test]
fn nothing_to_verify_is_wrong_usage() {
    let (folder, empty) = file("records.jsonl", "");
    scopegate(&["audit", "verify", &empty]).assert(2, "", "no records");
    std::fs::remove_file(&empty).expect("the file");
    let folder = folder.path().to_str().expect("UTF-8");
    scopegate(&["audit", "verify", folder]).assert(2, "", "no records");
    scopegate(&["audit", "verify", "missing.jsonl"]).assert(2, "", "missing.jsonl: ");
    scopegate(&["audit", "verify", folder, "--expect-head", "abc"]).assert(2, "", "64 hexadecimal digits");
    scopegate(&["audit"]).assert(2, "", "verify");
}
