//! Runs over the wire: they begin with budgets, and are over when those are.

use std::path::Path;

use reqwest::Method;
use scopegate_core::{AccessRequest, Args, Decision, Enforcer, PrincipalRef, SessionId, ToolCall};
use serde_json::{Value, json};

use crate::keys::Kind;
use crate::trial::{Trial, key};

const BASE: &str = "/api/v1/enforce/sessions";

struct Keys {
    agent: String,
    twin: String,
    admin: String,
    foreign: String,
}

impl Keys {
    fn make(folder: &Path) -> Self {
        let key = |tenant, kind, owner| key(folder, (tenant, kind, owner));
        Self {
            agent: key("default", Kind::Agent, "bot"),
            twin: key("default", Kind::Agent, "bot"),
            admin: key("default", Kind::Admin, "root"),
            foreign: key("other", Kind::Agent, "bot"),
        }
    }
}

async fn start(folder: &Path, keys: &Keys) -> Trial {
    let trial = Trial::start(folder).await;
    let role = json!({ "name": "xybern-baseline", "allowed_tools": ["read"], "default_ttl_seconds": 3600 });
    trial.role(&keys.admin, role).await;
    trial
}

/// A run, by its id.
async fn begun(trial: &Trial, key: &str, budgets: Value) -> SessionId {
    let (status, told) = trial.post(key, &format!("{BASE}/start"), json!({ "budgets": budgets })).await;
    assert_eq!((status, &told["status"]), (201, &json!("active")), "{told}");
    SessionId::parse(told["session_id"].as_str().expect("an id")).expect("an id")
}

async fn call(trial: &Trial, id: SessionId) -> &'static str {
    let call = ToolCall::new("read").with_args(Args::none());
    let request = AccessRequest::new(PrincipalRef::Session(id), &call);
    match trial.tenant().enforcer.enforce(&request).await.expect("a decision") {
        Decision::Permit(_) => "PERMIT",
        Decision::Hold(_) => "HOLD",
        Decision::Deny(denial) => denial.code.as_str(),
    }
}

async fn beat(trial: &Trial, key: &str, id: SessionId) -> Value {
    let (status, told) = trial.post(key, &format!("{BASE}/{id}/heartbeat"), json!({})).await;
    assert_eq!(status, 200, "{told}");
    assert!(told.as_object().expect("an object").values().all(|value| !value.is_null()), "{told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_over_when_it_has_made_its_calls_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    let id = begun(&trial, &keys.agent, json!({ "max_actions": 3, "ttl_seconds": 600 })).await;
    let told = beat(&trial, &keys.agent, id).await;
    assert_eq!(told["budgets"], json!({ "max_actions": 3, "ttl_seconds": 600 }));
    assert_eq!((&told["consumed"]["actions"], told.get("kill_reason")), (&json!(0), None));
    assert_eq!([call(&trial, id).await, call(&trial, id).await], ["PERMIT"; 2]);
    // Nobody else decides for it.
    let (_, lent) = trial.get(&keys.agent, &format!("/v1/sessions/{id}/scope")).await;
    assert!(lent["roles"].as_array().is_none_or(Vec::is_empty), "{lent}");
    trial.stop().await;

    let trial = Trial::start(folder.path()).await;
    assert_eq!(beat(&trial, &keys.agent, id).await["consumed"]["actions"], 2);
    assert_eq!(call(&trial, id).await, "PERMIT");
    assert_eq!(call(&trial, id).await, "SESSION_TERMINATED");
    let told = beat(&trial, &keys.agent, id).await;
    let expected = (&json!("terminated"), &json!("max_actions"), &json!(3));
    assert_eq!((&told["status"], &told["kill_reason"], &told["consumed"]["actions"]), expected);
    let other = begun(&trial, &keys.agent, Value::Null).await;
    assert_eq!(call(&trial, other).await, "PERMIT", "another run is another budget");
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_its_keys_own_and_ends_by_its_hand_or_an_admins() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    let id = begun(&trial, &keys.agent, json!({ "max_actions": 5 })).await;
    let plain = trial.session(&keys.agent, "xybern-baseline").await;
    for (key, id) in [(&keys.twin, id), (&keys.foreign, id), (&keys.agent, plain)] {
        for verb in ["heartbeat", "end"] {
            let (status, told) = trial.post(key, &format!("{BASE}/{id}/{verb}"), json!({})).await;
            assert_eq!((status, &told["ok"]), (404, &json!(false)), "{verb}: {told}");
        }
    }
    assert_eq!(trial.post(&keys.admin, &format!("{BASE}/{id}/end"), json!({})).await.0, 403);
    for _ in 0..2 {
        let (status, told) =
            trial.post(&keys.agent, &format!("/v1/enforce/sessions/{id}/end"), json!({})).await;
        assert_eq!((status, &told["status"]), (200, &json!("ended")), "{told}");
    }
    assert_eq!(call(&trial, id).await, "SESSION_REVOKED");

    let id = begun(&trial, &keys.agent, json!({})).await;
    let path = format!("/v1/sessions/{id}?reason=runaway");
    assert_eq!(trial.ask(&keys.admin, Method::DELETE, &path, Value::Null).await.0, 200);
    let told = beat(&trial, &keys.agent, id).await;
    assert_eq!((&told["status"], &told["kill_reason"]), (&json!("killed"), &json!("runaway")));
    let (_, told) = trial.post(&keys.agent, &format!("{BASE}/{id}/end"), json!({})).await;
    assert_eq!(told["kill_reason"], "runaway", "what has ended stays as it ended");

    let id = begun(&trial, &keys.agent, json!({})).await;
    assert_eq!(trial.post(&keys.admin, "/mgmt/v1/agents/bot/suspend", json!({})).await.0, 200);
    assert_eq!(beat(&trial, &keys.agent, id).await["status"], "killed");
    let (status, _) = trial.post(&keys.agent, &format!("{BASE}/start"), json!({})).await;
    assert_eq!(status, 403, "whoever is suspended begins nothing");
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    for budgets in [
        json!({ "max_actions": 0 }),
        json!({ "max_actions": -1 }),
        json!({ "max_actions": 1.5 }),
        json!({ "max_actions": "3" }),
        json!({ "ttl_seconds": 0 }),
        json!({ "max_cost_usd": 5 }),
        json!([3]),
        json!("none"),
    ] {
        let (status, told) =
            trial.post(&keys.agent, &format!("{BASE}/start"), json!({ "budgets": budgets })).await;
        assert_eq!((status, &told["ok"]), (400, &json!(false)), "{budgets}: {told}");
    }
    let (status, _) = trial.post(&keys.agent, &format!("{BASE}/start"), json!({ "budget": {} })).await;
    assert_eq!(status, 400, "a member that is not known may be one that limits");
    // What the published client sends.
    let nulls = json!({ "agent_id": null, "budgets": {}, "label": null, "credential_id": null });
    let (status, told) = trial.post(&keys.agent, &format!("{BASE}/start"), nulls).await;
    assert_eq!((status, &told["budgets"]["ttl_seconds"]), (201, &json!(3600)), "{told}");
    let long = begun(
        &trial,
        &keys.agent,
        json!({ "ttl_seconds": 9_999_999, "max_actions": 9_007_199_254_740_991_u64 }),
    )
    .await;
    let told = beat(&trial, &keys.agent, long).await;
    assert_eq!(
        told["budgets"],
        json!({ "max_actions": 9_007_199_254_740_991_u64, "ttl_seconds": 3600 }),
        "the role says how long"
    );
    trial.stop().await;
}
