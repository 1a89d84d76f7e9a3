//! `scopegate status`.

use serde_json::json;

use super::Desk;
use crate::cli::run_in;

#[test]
fn a_plane_tells_how_it_is_and_what_the_key_may_see() {
    let desk = Desk::open();
    desk.payer();
    let agent = desk.agent();
    agent.hold(json!({}));
    let told = &desk.json("admin", &["status"])[0];
    let expected = json!({
        "url": desk.plane.url, "status": "ok", "reason": null, "version": env!("CARGO_PKG_VERSION"), "audit": "durable",
        "roles": 1, "active_sessions": 1, "waiting_reviews": 1,
    });
    assert_eq!(*told, expected);
    desk.run("approver", &["status"]).assert(0, "active sessions  not with this key", "");
    desk.run("approver", &["status"]).assert(0, "waiting reviews  1", "");
    let nobody = desk.run_with("", &["status", "--output", "json"]);
    nobody.assert(0, "", "");
    assert_eq!(nobody.json()[0]["roles"], json!(null));
    desk.run_with("sb-adm-wrong", &["status"]).assert(2, "", "does not know this API key");
}

#[test]
fn a_plane_that_cannot_work_says_so() {
    let desk = Desk::open();
    let body = r#"{"status":"failed","version":"9","reason":"the disk is full"}"#;
    let url = super::connection::always("503 Service Unavailable", body);
    let run = run_in(desk.folder.path(), &[], &["status", "--url", &url]);
    run.assert(1, "why              the disk is full", "");
}
