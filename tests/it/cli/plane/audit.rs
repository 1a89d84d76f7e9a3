//! `scopegate audit` of a plane: tail, export, and its verification offline.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Desk, read};
use crate::cli::binary;
use crate::served::key;

/// A desk with this many calls in its log, all of them signed.
fn desk(calls: u64) -> Desk {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    for n in 0..calls {
        let _ = agent.ask(if n % 5 == 4 { "steal" } else { "read" }, json!({ "n": n }));
    }
    let signed = desk.data().join("checkpoints/default.txt");
    let covers = format!("\n{calls}\n");
    while !std::fs::read_to_string(&signed).is_ok_and(|text| text.contains(&covers)) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    desk
}

impl Desk {
    /// An export, its key and the plane's checkpoints.
    fn export(&self) -> [String; 3] {
        let (log, data) = (self.path("log.jsonl"), self.path("data"));
        self.run("auditor", &["audit", "export", "--out", &log]).assert(0, "", "bytes written to ");
        let key = self.run("auditor", &["audit", "key", "--data", &data]);
        key.assert(0, "scopegate/default-", "");
        [log, self.write("log.key", &key.stdout), self.path("data/checkpoints/default.txt")]
    }
}

#[test]
fn an_export_verifies_offline() {
    let desk = desk(25);
    let [log, key, checkpoints] = desk.export();
    let alone = desk.run_with("", &["audit", "verify", &log]);
    alone.assert(0, "  records      25, from number 0 on", "who signed it is known with --key");
    let all = ["audit", "verify", &log, "--key", &key, "--checkpoints", &checkpoints];
    let told = desk.run_with("", &all);
    told.assert(0, "the last over 25 records", "");
    assert_eq!(told.stderr, "", "nothing is left open");
    let told = &desk.run_with("", &[&all[..], &["--output", "json"]].concat()).json()[0];
    assert_eq!((&told["ok"], &told["records"], &told["signed"]), (&json!(true), &json!(25), &json!(25)));
    assert_eq!(told["tenant"], "default");

    let later = desk.path("later.jsonl");
    desk.run("auditor", &["audit", "export", "--from", "20", "--out", &later]).assert(0, "", "");
    desk.run_with("", &["audit", "verify", &later, "--key", &key]).assert(
        0,
        "records      5, from number 20 on",
        "",
    );
    let early = desk.run_with("", &["audit", "verify", &later, "--checkpoints", &checkpoints]);
    early.assert(1, "", "the export begins at record 20");
}

#[test]
fn the_first_bad_record_is_named() {
    let desk = desk(25);
    let [log, key, checkpoints] = desk.export();
    let lines: Vec<String> = read(&log).lines().map(str::to_owned).collect();
    let at = |seq: u64| {
        lines.iter().position(|line| line.ends_with(&format!("\"seq\":{seq}}}"))).expect("a record")
    };
    let verify = |lines: Vec<String>, more: &[&str]| {
        let changed = desk.write("changed.jsonl", &(lines.join("\n") + "\n"));
        desk.run_with("", &[&["audit", "verify", &changed, "--output", "json"], more].concat())
    };
    let mut changed = lines.clone();
    changed[at(7)] = changed[at(7)].replace("\"tool\":\"read\"", "\"tool\":\"reed\"");
    let mut dropped = lines.clone();
    dropped.remove(at(11));
    let mut cut = lines.clone();
    cut.truncate(at(13));
    for (lines, record, told) in [
        (changed, 7, "record 7"),
        (dropped, 11, "record 12 where record 11"),
        (cut, 13, "from 13 on are missing"),
    ] {
        let run = verify(lines, &[]);
        run.assert(1, "", told);
        assert_eq!((&run.json()[0]["ok"], &run.json()[0]["record"]), (&json!(false), &json!(record)));
    }
    // Whoever cuts the end can correct the first line too; a checkpoint shows it.
    let mut shorter = lines[..at(13)].to_vec();
    shorter[0] = shorter[0].replace("\"records\":25", "\"records\":13");
    verify(shorter.clone(), &["--key", &key]).assert(0, "", "");
    verify(shorter, &["--checkpoints", &checkpoints]).assert(
        1,
        "",
        "records from 13 on are missing: there were 25",
    );
    // Another plane's log, and another plane's key.
    let other = self::desk(5);
    let [_, others_key, others_checkpoints] = other.export();
    verify(lines.clone(), &["--key", &others_key]).assert(1, "", "signed with another key");
    verify(lines, &["--checkpoints", &others_checkpoints]).assert(1, "", "is not signed by");
}

#[test]
fn an_export_is_whole_or_not_there() {
    let desk = desk(5);
    let log = desk.path("log.jsonl");
    desk.run("agent", &["audit", "export", "--out", &log]).assert(
        2,
        "",
        "this needs a key of kind auditor or dev",
    );
    desk.run("auditor", &["audit", "export", "--hours", "721", "--format", "csv", "--out", &log]).assert(
        2,
        "",
        "window_hours",
    );
    desk.run("auditor", &["audit", "export", "--hours", "1", "--from", "1"]).assert(
        2,
        "",
        "cannot be used with",
    );
    assert!(!std::path::Path::new(&log).exists() && !std::path::Path::new(&format!("{log}.part")).exists());
    let csv = desk.run("auditor", &["audit", "export", "--format", "csv", "--hours", "1"]);
    csv.assert(0, "seq,timestamp,event", "bytes written to standard output");
    assert_eq!(csv.stdout.lines().count(), 6);
    let json = desk.run("auditor", &["audit", "export", "--format", "json", "--from", "3"]);
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&json["count"], &json["events"][0]["seq"]), (&json!(2), &json!(3)));
    let nowhere = desk.path("none/log.jsonl");
    desk.run("auditor", &["audit", "export", "--out", &nowhere]).assert(2, "", "log.jsonl.part: ");
}

#[test]
fn the_newest_decisions_are_shown_and_followed() {
    let desk = desk(25);
    let tail = desk.run("auditor", &["audit", "tail", "-n", "6"]);
    tail.assert(0, "permit    read  payer", "");
    tail.assert(0, "deny      steal  payer  SCOPE_VIOLATION", "");
    assert_eq!(tail.stdout.lines().count(), 6);
    let seqs: Vec<_> = desk
        .json("auditor", &["audit", "tail", "-n", "3"])
        .iter()
        .map(|event| event["seq"].clone())
        .collect();
    assert_eq!(seqs, [22, 23, 24]);

    let mut follow = Command::new(binary());
    follow
        .args(["audit", "tail", "-n", "1", "--follow", "--output", "json"])
        .env("SCOPEGATE_URL", &desk.plane.url);
    follow
        .env("SCOPEGATE_API_KEY", key(&desk.data(), "auditor"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut follow = follow.spawn().expect("a follower");
    let mut lines = BufReader::new(follow.stdout.take().expect("stdout")).lines();
    let mut next =
        || serde_json::from_str::<Value>(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert_eq!(next()["seq"], 24);
    let agent = desk.agent();
    agent.ask("read", json!({ "later": true })).expect("a permit");
    assert_eq!(next()["seq"], 25);
    follow.kill().expect("its end");
    follow.wait().expect("its end");
}

#[test]
fn options_are_for_what_they_fit() {
    let desk = desk(5);
    let [log, key, _] = desk.export();
    desk.run_with("", &["audit", "verify", &log, "--allow-missing-start"]).assert(
        2,
        "",
        "this is an export of a plane",
    );
    let file = desk.write("records.jsonl", "");
    desk.run_with("", &["audit", "verify", &file, "--key", &key]).assert(2, "", "not an export of a plane");
    let bad = desk.write("bad.key", "not a key");
    desk.run_with("", &["audit", "verify", &log, "--key", &bad]).assert(2, "", "bad.key: a key reads");
    desk.run_with("", &["audit", "verify", &log, "--checkpoints", &bad]).assert(2, "", "holds no checkpoint");
    let nobody = desk.run_with("", &["audit", "key", "--data", &desk.path("data"), "--tenant", "nobody"]);
    nobody.assert(2, "", "no tenant `nobody`");
}
