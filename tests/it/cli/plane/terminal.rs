//! Somebody at a terminal: asked before anything is changed, and shown long lists page by page.

use std::io::Write as _;
use std::process::{Command, Stdio};

use scopegate_client::{ClientError, RoleDraft};
use serde_json::json;

use super::Desk;
use crate::cli::{Run, binary, told};
use crate::served::key;

/// Runs what follows in a terminal of its own, and ends as that ended.
const TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// A command in a terminal of so many lines, where somebody types this.
fn at_terminal(desk: &Desk, kind: &str, lines: u32, typed: &str, command: &str) -> Run {
    let command = format!("stty rows {lines} cols 200; exec {} {command}", binary().display());
    let mut terminal = Command::new("python3");
    terminal.args(["-c", TERMINAL, "sh", "-c", &command]).env("SCOPEGATE_URL", &desk.plane.url);
    terminal.env("SCOPEGATE_API_KEY", key(&desk.data(), kind)).env("PAGER", "sed s/^/PAGED/");
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut terminal = terminal.spawn().expect("python3 has a terminal");
    let mut keyboard = terminal.stdin.take().expect("stdin");
    keyboard.write_all(typed.as_bytes()).expect("typed");
    let run = told(terminal.wait_with_output().expect("its end"));
    drop(keyboard);
    run
}

#[test]
fn a_person_is_shown_the_call_and_asked() {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    let id = agent.hold(json!({ "to": "bob" }));
    let no = at_terminal(&desk, "approver", 24, "n\n", &format!("reviews approve {id}"));
    no.assert(1, "\"to\": \"bob\"", "");
    no.assert(1, "Let this call run, once? [y/N]", "");
    assert!(matches!(agent.ask("pay", json!({ "to": "bob" })), Err(ClientError::Pending(_))));
    let yes = at_terminal(&desk, "approver", 24, "y\n", &format!("reviews approve {id}"));
    yes.assert(0, "approved", "");
    agent.ask("pay", json!({ "to": "bob" })).expect("one permit");

    let no = at_terminal(&desk, "admin", 24, "\n", "roles delete payer");
    no.assert(1, "End role `payer` and its sessions? [y/N]", "");
    desk.run("admin", &["roles", "get", "payer"]).assert(0, "payer", "");
}

#[test]
fn a_list_longer_than_the_terminal_is_paged() {
    let desk = Desk::open();
    let admin = desk.client("admin");
    for n in 0..8 {
        desk.wait(admin.create_role(&RoleDraft::new().with("name", format!("role-{n}"))));
    }
    let paged = at_terminal(&desk, "admin", 5, "", "roles list");
    paged.assert(0, "PAGED role-7", "");
    let whole = at_terminal(&desk, "admin", 50, "", "roles list");
    whole.assert(0, " role-7", "");
    assert!(!whole.stdout.contains("PAGED"), "{}", whole.stdout);
    assert!(!desk.run("admin", &["roles", "list"]).stdout.contains("PAGED"), "and nowhere else");
}
