//! `scopegate escalations`.

use serde_json::{Value, json};

use super::Desk;

const KNOWN: &str = "esc_000000000000000000000000000000aa";

#[test]
fn none_waits_and_none_is_known() {
    let desk = Desk::open();
    desk.run("approver", &["escalations", "list"]).assert(0, "", "");
    assert_eq!(desk.json("approver", &["escalations", "list", "--status", "all"]), [Value::Null; 0]);
    desk.run("approver", &["escalations", "list", "--status", "open"]).assert(2, "", "possible values");
    desk.run("approver", &["escalations", "list", "--last", "0"]).assert(2, "", "0 is not in 1..=200");
    desk.run("approver", &["escalations", "show", KNOWN]).assert(2, "", "no such escalation");
    let resolve = ["escalations", "resolve", KNOWN, "approved", "--yes"];
    desk.run("approver", &resolve).assert(2, "", "no such escalation");
    desk.run("agent", &resolve).assert(2, "", "no such escalation");
    desk.run("approver", &["escalations", "resolve", KNOWN, "maybe"]).assert(2, "", "possible values");
    desk.run("agent", &["escalations", "wait", KNOWN, "--for", "0"]).assert(2, "", "no such escalation");
}

#[test]
fn waiting_ends_with_what_the_call_may_do() {
    for (status, decision, exit, words) in [
        ("approved", "allow", 0, "approved: the call may run, once (known"),
        ("approved", "pending", 1, "approved: agreed to, and not for this key to run"),
        ("approved", "warn", 1, "not for this key"),
        ("rejected", "block", 1, "rejected: the call may not run"),
        ("expired", "block", 1, "expired: the call may not run"),
        ("unheard", "allow", 1, "the call may not run"),
        ("pending", "pending", 3, "pending: nobody has decided yet"),
    ] {
        let told = json!({ "ok": true, "escalation_id": KNOWN, "status": status, "decision": decision,
            "resolution_reason": "known\u{1b} payee", "expires_at": "2030-01-01T00:00:00.000Z" });
        let run = waited(&told);
        assert_eq!(run.code, exit, "{status} {decision}: {}", run.stderr);
        let seen = &run.stderr;
        assert!(seen.contains(words), "{status}: {seen}");
        assert!(!seen.contains('\u{1b}'), "what cannot be seen is spelled out: {seen}");
    }
}

/// What waiting comes to where the plane says this.
fn waited(told: &Value) -> crate::cli::Run {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let told = told.clone();
    let answer = async move || axum::Json(told.clone());
    runtime.spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    let home = tempfile::tempdir().expect("a folder");
    let variables = [("SCOPEGATE_URL", url.as_str()), ("SCOPEGATE_API_KEY", "k")];
    crate::cli::run_in(home.path(), &variables, &["escalations", "wait", KNOWN, "--for", "0"])
}
