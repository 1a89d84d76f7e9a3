//! `scopegate sessions` and `scopegate agents`.

use scopegate_client::ClientError;
use scopegate_core::DenyCode;
use serde_json::json;

use super::{Agent, Desk};

#[track_caller]
fn denied(agent: &Agent<'_>) -> Option<DenyCode> {
    match agent.ask("read", json!({})) {
        Ok(()) => None,
        Err(ClientError::Denied(denied)) => denied.code(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_found_and_ended() {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    let id = agent.session.id.as_str();
    assert_eq!(denied(&agent), None);
    desk.run("auditor", &["sessions", "list"]).assert(0, id, "");
    let shown = &desk.json("admin", &["sessions", "show", id])[0];
    assert_eq!((&shown["status"], &shown["role_name"]), (&json!("active"), &json!("payer")));
    let owner = shown["owner"].as_str().expect("an owner");
    desk.run("admin", &["sessions", "show", id]).assert(0, "status", "");
    assert_eq!(desk.json("admin", &["sessions", "list", "--owner", owner, "--role", "payer"]).len(), 1);
    assert_eq!(desk.json("admin", &["sessions", "list", "--owner", "somebody"]).len(), 0);
    assert_eq!(desk.json("admin", &["sessions", "list", "--role", "clerk"]).len(), 0);

    desk.run("auditor", &["sessions", "revoke", id]).assert(2, "", "this needs a key of kind");
    desk.run("admin", &["sessions", "revoke", id, "--reason", "odd & loud"]).assert(0, "", "is ended");
    assert_eq!(denied(&agent), Some(DenyCode::SessionRevoked));
    assert_eq!(desk.json("admin", &["sessions", "list"]).len(), 0);
    let all = desk.json("admin", &["sessions", "list", "--all"]);
    assert_eq!((&all[0]["status"], &all[0]["reason"]), (&json!("revoked"), &json!("odd & loud")));
    desk.run("admin", &["sessions", "revoke", &"7".repeat(32)]).assert(2, "", "no such session");
    desk.run("admin", &["sessions", "show", ".."]).assert(2, "", "`..` cannot stand in a path");
}

#[test]
fn an_agent_is_suspended_and_readmitted() {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    let owner = desk.json("admin", &["sessions", "list"])[0]["owner"].as_str().expect("an owner").to_owned();
    desk.run("agent", &["agents", "suspend", &owner]).assert(2, "", "kind admin or dev; yours is agent");
    desk.run("admin", &["agents", "suspend", &owner]).assert(0, "", "is suspended");
    assert_eq!(denied(&agent), Some(DenyCode::AgentSuspended));
    desk.run("admin", &["sessions", "list"]).assert(0, "suspended", "");
    desk.run("admin", &["agents", "readmit", &owner]).assert(0, "", "is readmitted");
    assert_eq!(denied(&agent), None);
}
