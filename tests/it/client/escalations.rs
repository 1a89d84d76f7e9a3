//! Waiting for a person, and runs with budgets, in the words of Xybern's clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::{Json, Router};
use scopegate_client::xybern::{EscalationDecision, EscalationState, RunDraft, RunStatus};
use scopegate_client::{Call, Client, ClientError, RoleDraft, Token};
use serde_json::{Value, json};

use super::Served;

/// A plane that says one thing after another, and the last one for ever.
async fn saying(answers: Vec<(u16, Value)>) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = async move || {
        let at = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let (status, body) = answers[at].clone();
        (StatusCode::from_u16(status).expect("a status"), Json(body))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (Client::builder().url(url).api_key("k").build().expect("a client"), asked)
}

fn stands(status: &str, decision: &str) -> (u16, Value) {
    let told = json!({ "ok": true, "escalation_id": "esc_1", "status": status, "decision": decision,
        "expires_at": "2030-01-01T00:00:00.000Z" });
    (200, told)
}

#[tokio::test]
async fn waiting_ends_with_a_decision_and_outlasts_an_outage() {
    let pending = stands("pending", "pending");
    let (client, asked) = saying(vec![
        pending.clone(),
        (503, json!({ "ok": false, "error": "later" })),
        stands("approved", "allow"),
    ])
    .await;
    let (pause, patience) = (Duration::ZERO, Duration::from_secs(60));
    let told = client.xybern().wait_for_escalation("esc_1", pause, patience).await.expect("a word");
    assert!(told.is_permitted());
    assert_eq!(asked.load(Ordering::SeqCst), 3);

    let (client, asked) = saying(vec![pending]).await;
    let told = client.xybern().wait_for_escalation("esc_1", pause, Duration::ZERO).await.expect("a word");
    assert_eq!((told.status, told.is_permitted()), (EscalationState::Pending, false), "the time is over");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let (client, _) = saying(vec![(404, json!({ "ok": false, "error": "no such escalation" }))]).await;
    let told = client.xybern().wait_for_escalation("esc_1", pause, Duration::MAX).await;
    assert!(matches!(told, Err(ClientError::NotFound(_))), "{told:?}");
}

#[tokio::test]
async fn only_both_words_together_are_a_permission() {
    for (status, decision) in [
        ("approved", "pending"),
        ("approved", "block"),
        ("approved", "Allow"),
        ("rejected", "allow"),
        ("expired", "allow"),
        ("pending", "allow"),
        ("granted", "allow"),
        ("expired", "block"),
    ] {
        let (client, _) = saying(vec![stands(status, decision)]).await;
        let told = client.xybern().get_escalation_status("esc_1").await.expect("a word");
        assert!(!told.is_permitted(), "{status} {decision}");
    }
    let (client, _) = saying(vec![stands("approved", "allow_with_warning")]).await;
    let told = client.xybern().get_escalation_status("esc_1").await.expect("a word");
    assert_eq!((told.decision, told.is_permitted()), (EscalationDecision::Other, false));
}

#[tokio::test]
async fn a_run_is_begun_watched_and_ended() {
    let served = Served::start();
    let (admin, agent, other) = (served.client("admin"), served.client("agent"), served.client("agent"));
    let begin = RunDraft::of_actions(2).for_seconds(60);
    let none = agent.xybern().start_session(&begin).await;
    assert!(matches!(&none, Err(ClientError::Conflict(why)) if why.contains("xybern-baseline")), "{none:?}");
    let role = RoleDraft::new().with("name", "xybern-baseline").with("allowed_tools", json!(["read"]));
    admin.create_role(&role).await.expect("a role");

    let run = agent.xybern().start_session(&begin).await.expect("a run");
    assert_eq!((run.status, run.budgets.max_actions), (RunStatus::Active, Some(2)));
    assert_eq!((run.budgets.ttl_seconds, run.consumed.actions), (Some(60), Some(0)));
    let beat = agent.xybern().heartbeat(&run.session_id).await.expect("how it stands");
    assert_eq!(beat.status, RunStatus::Active);
    assert!(matches!(other.xybern().heartbeat(&run.session_id).await, Err(ClientError::NotFound(_))));
    let ended = agent.xybern().end_session(&run.session_id).await.expect("an end");
    assert_eq!(ended.status, RunStatus::Ended);
    assert_eq!(agent.xybern().end_session(&run.session_id).await.expect("an end").status, RunStatus::Ended);
}

#[tokio::test]
async fn a_session_with_a_budget_makes_so_many_calls() {
    let served = Served::start();
    let (admin, agent) = (served.client("admin"), served.client("agent"));
    let role = RoleDraft::new().with("name", "reader").with("allowed_tools", json!(["read"]));
    admin.create_role(&role).await.expect("a role");
    let order = scopegate_client::Provision::new("reader").for_calls(2);
    let session = agent.provision(&order).await.expect("a session");
    let call = Call::new("read", json!({}));
    let ask = async |token: &Token| match agent.enforce(token, &call).await {
        Ok(_) => "PERMIT".to_owned(),
        Err(ClientError::Denied(denied)) => denied.code().expect("a code").to_string(),
        Err(other) => panic!("{other:?}"),
    };
    let told = [ask(&session.token).await, ask(&session.token).await, ask(&session.token).await];
    assert_eq!(told, ["PERMIT", "PERMIT", "SESSION_TERMINATED"]);
    let nothing = agent.provision(&scopegate_client::Provision::new("reader").for_calls(0)).await;
    assert!(matches!(&nothing, Err(ClientError::Invalid(why)) if why.contains("max_calls")), "{nothing:?}");
}
