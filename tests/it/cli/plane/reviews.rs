//! `scopegate reviews`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use scopegate_client::ClientError;
use serde_json::{Value, json};

use super::Desk;
use crate::cli::binary;
use crate::served::key;

const HOSTILE: &str = "pay\u{1b}[2J\u{202e}\u{200b}\u{430}";

#[test]
fn a_call_is_shown_in_full_before_anyone_agrees() {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    let long = "x".repeat(5_000);
    let arguments = json!({ "to": HOSTILE, "note": long, "amount": 12 });
    let id = agent.hold(arguments.clone());
    for args in [vec!["reviews", "show", &id], vec!["reviews", "list"]] {
        let run = desk.run("approver", &args);
        run.assert(0, r"\u001b[2J<U+202E><U+200B>а<U+0430>", "");
        run.assert(0, &long, "");
        assert!(!run.stdout.contains(['\u{1b}', '\u{202e}', '\u{200b}']), "{}", run.stdout);
    }
    let shown = &desk.json("approver", &["reviews", "show", &id])[0];
    assert_eq!((&shown["call_args"], &shown["status"]), (&arguments, &json!("pending")));
    assert_eq!(desk.json("approver", &["reviews", "list"])[0]["id"], id.as_str());

    let unasked = desk.run("approver", &["reviews", "approve", &id]);
    unasked.assert(2, &long, "add --yes");
    assert!(matches!(agent.ask("pay", arguments.clone()), Err(ClientError::Pending(_))), "nobody agreed");
}

#[test]
fn a_person_agrees_or_refuses_once() {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    let (yes, no) = (agent.hold(json!({ "n": 1 })), agent.hold(json!({ "n": 2 })));

    desk.run("admin", &["reviews", "approve", &yes, "--yes"]).assert(
        2,
        "",
        "this needs a key of kind approver or dev",
    );
    let run =
        desk.run("approver", &["reviews", "approve", &yes, "--yes", "--label", "Ann", "--output", "json"]);
    run.assert(0, "", "approved");
    assert_eq!((&run.json()[0]["status"], &run.json()[0]["label"]), (&json!("approved"), &json!("Ann")));
    agent.ask("pay", json!({ "n": 1 })).expect("one permit");
    desk.run("approver", &["reviews", "show", &yes]).assert(0, "approved, and used", "");

    desk.run("approver", &["reviews", "reject", &no, "--yes"]).assert(0, "", "rejected");
    assert!(matches!(agent.ask("pay", json!({ "n": 2 })), Err(ClientError::Denied(_))));
    desk.run("approver", &["reviews", "approve", &no, "--yes"]).assert(2, "", "conflict: ");
    desk.run("approver", &["reviews", "approve", "0", "--yes"]).assert(2, "", "no such approval");
}

#[test]
fn a_watcher_sees_calls_come_and_go() {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    let mut watch = Command::new(binary());
    watch
        .args(["reviews", "watch", "--every", "1", "--output", "json"])
        .env("SCOPEGATE_URL", &desk.plane.url);
    watch
        .env("SCOPEGATE_API_KEY", key(&desk.data(), "approver"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut watch = watch.spawn().expect("a watcher");
    let mut lines = BufReader::new(watch.stdout.take().expect("stdout")).lines();
    let mut next =
        || serde_json::from_str::<Value>(&lines.next().expect("a line").expect("text")).expect("JSON");

    let id = agent.hold(json!({ "n": 1 }));
    let seen = next();
    assert_eq!((&seen["id"], &seen["status"]), (&json!(id), &json!("pending")));
    desk.run("approver", &["reviews", "approve", &id, "--yes"]).assert(0, "", "");
    let seen = next();
    assert_eq!((&seen["id"], &seen["status"]), (&json!(id), &json!("approved")));
    watch.kill().expect("its end");
    watch.wait().expect("its end");
}
