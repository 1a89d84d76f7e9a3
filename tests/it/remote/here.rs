//! Calls that are decided in the client, and what the plane learns of them.

use scopegate_core::{Decision, Enforcer, Outcome, Principal, Reviews};
use serde_json::{Value, json};

use super::client::Agent;
use super::plane::{Home, Plane};

/// A plane with one role, and an agent in a session of it.
async fn prepared(role: Value) -> (Home, Plane, Agent, Principal) {
    let home = Home::new();
    let plane = home.serve().await;
    let name = role["name"].as_str().expect("a name").to_owned();
    plane.role(&home.dev, role).await;
    let agent = Agent::new(&plane.url, &home.agent);
    let who = agent.session(&name).await;
    (home, plane, agent, who)
}

/// A role whose every call is the plane's to decide.
fn strict() -> Value {
    json!({ "name": "strict", "allowed_tools": ["read"], "consistency": "strict" })
}

#[tokio::test]
async fn calls_of_an_opened_session_need_no_network_and_reach_the_log() {
    let role = json!({ "name": "clerk", "allowed_tools": ["read", "pay"], "approval_required": ["pay"],
        "parameter_constraints": { "read": [{ "field": "n", "operator": "lt", "value": 5, "when_absent": "allow" }] } });
    let (home, plane, agent, who) = prepared(role).await;
    assert_eq!(agent.at_once(&who, "read", "{}"), Some("PERMIT"));
    assert_eq!(agent.at_once(&who, "read", r#"{"n": 9}"#), Some("PARAMETER_VIOLATION"));
    assert_eq!(agent.at_once(&who, "write", "{}"), Some("SCOPE_VIOLATION"));
    assert_eq!(agent.at_once(&who, "pay", "{}"), None, "a person is asked at the plane");
    let Ok(Decision::Permit(permit)) = agent.ask(&who, "read", "{}").await else { panic!("permitted") };
    agent.enforcer.complete(permit.id, Outcome::Failed);
    let seen = agent.enforcer.visible(who.as_ref(), &["read", "write"]).await.expect("a list");
    assert_eq!(seen, [true, false]);

    assert!(agent.enforcer.close().await, "everything was sent");
    let counts = agent.enforcer.counts();
    assert_eq!((counts.here, counts.by_the_plane, counts.lost), (4, 0, 0));
    let events = plane.events(&home.dev).await;
    let told: Vec<_> = events.iter().map(|event| event["decision"].as_str().unwrap_or_default()).collect();
    assert_eq!(told, ["allow", "deny", "deny", "allow", ""], "{events:#?}");
    assert!(events.iter().all(|event| event["source"] == "client"));
    assert_eq!(events[4]["event"], "failed", "what became of it too");
    plane.stop().await;
}

#[tokio::test]
async fn held_calls_are_held_by_the_plane_and_run_once() {
    let role = json!({ "name": "payer", "allowed_tools": ["pay"], "approval_required": ["pay"] });
    let (home, plane, agent, who) = prepared(role).await;
    let args = r#"{"to": "VND-1"}"#;
    let Ok(Decision::Hold(hold)) = agent.ask(&who, "pay", args).await else { panic!("held") };
    assert_eq!(agent.word(&who, "pay", args).await, "HOLD", "the same call waits once");
    let person = Agent::new(&plane.url, &home.dev);
    let waiting = person.enforcer.pending().await.expect("a list");
    assert_eq!(
        waiting.iter().map(|review| (review.id, &*review.tool)).collect::<Vec<_>>(),
        [(hold.review, "pay")]
    );
    assert!(agent.enforcer.approve(hold.review, "me").await.is_err(), "an agent's key agrees to nothing");
    person.enforcer.approve(hold.review, "a person").await.expect("approved");
    let settled = agent.enforcer.await_review(hold.review).await.expect("a review");
    assert_eq!(settled.state, scopegate_core::ReviewState::Approved);

    let Ok(Decision::Permit(permit)) = agent.ask(&who, "pay", args).await else { panic!("permitted") };
    agent.enforcer.complete(permit.id, Outcome::Ok);
    assert_eq!(agent.word(&who, "pay", args).await, "HOLD", "once");
    assert!(agent.enforcer.close().await);
    let ran = plane.events(&home.dev).await.into_iter().filter(|event| event["event"] == "ran").count();
    assert_eq!(ran, 1, "the outcome of what the plane permitted is in its log");
    plane.stop().await;
}

#[tokio::test]
async fn a_strict_role_is_decided_by_the_plane() {
    let (_home, plane, agent, who) = prepared(strict()).await;
    for _ in 0..3 {
        assert_eq!(agent.at_once(&who, "read", "{}"), None);
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
    }
    assert_eq!((agent.enforcer.counts().here, agent.enforcer.counts().by_the_plane), (0, 3));
    plane.stop().await;
}

#[tokio::test]
async fn several_clients_together_get_no_more_than_the_limit() {
    const LIMIT: u64 = 300;
    let home = Home::new();
    let plane = home.serve().await;
    let role = json!({ "name": "busy", "allowed_tools": ["read"], "rate_limit_per_minute": LIMIT, "rate_scope": "key" });
    plane.role(&home.dev, role).await;
    let began = std::time::Instant::now();
    let call = async |agent: Agent| {
        let who = agent.session("busy").await;
        let mut permits = 0;
        for _ in 0..250 {
            permits += u64::from(agent.word(&who, "read", "{}").await == "PERMIT");
            // Others, and what is loaded meanwhile, get their turn.
            tokio::task::yield_now().await;
        }
        agent.enforcer.close().await;
        (permits, agent.enforcer.counts().here)
    };
    let agents = (0..4).map(|_| call(Agent::new(&plane.url, &home.agent)));
    let counts = futures_util::future::join_all(agents).await;
    let (permits, here) =
        counts.iter().fold((0, 0), |(permits, here), count| (permits + count.0, here + count.1));
    // Filled up again while this ran.
    let most = LIMIT + LIMIT * began.elapsed().as_secs() / 60 + 5;
    assert!(permits <= most, "{permits} permits of {most}");
    assert!(permits >= LIMIT / 2, "{permits}: what is lent is not lost");
    assert!(here > 0, "some were decided in the clients");
    let events = plane.events(&home.dev).await;
    let logged = events.iter().filter(|event| event["decision"] == "allow").count() as u64;
    assert_eq!(logged, permits, "and each is in the log once");
    plane.stop().await;
}

#[tokio::test]
async fn arguments_that_nobody_read_are_asked_for_before_the_plane_is() {
    let (home, plane, agent, who) = prepared(strict()).await;
    let call = scopegate_core::ToolCall::new("read");
    let quick = agent.enforcer.try_enforce(&scopegate_core::AccessRequest::new(who.as_ref(), &call));
    assert!(matches!(quick, scopegate_core::Quick::Need(scopegate_core::Need::Args)), "{quick:?}");
    assert_eq!(agent.word(&who, "read", r#"{"a":1,"a":2}"#).await, "INVALID_ARGUMENTS");
    let (_, open) = plane.ask(&home.dev, "GET", "/v1/sessions", Value::Null).await;
    assert_eq!(open["sessions"][0]["task_type"], "ann", "who acts is written beside the session");
    plane.stop().await;
}
