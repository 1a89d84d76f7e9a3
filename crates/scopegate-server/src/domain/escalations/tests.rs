//! In which session a yes is taken up.

use scopegate_core::{Reviews as _, SessionId};
use serde_json::json;

use super::*;
use crate::keys::Kind;
use crate::store::SessionEnd;
use crate::trial::{Trial, key};

/// What the key that asked is told, once the session that asked has ended so; with another one or without.
async fn told(revoked: bool, another: bool, run: bool) -> Told {
    let folder = tempfile::tempdir().expect("a folder");
    let key_of = |kind, owner| key(folder.path(), ("default", kind, owner));
    let (agent, admin) = (key_of(Kind::Agent, "bot"), key_of(Kind::Admin, "root"));
    let trial = Trial::start(folder.path()).await;
    let role = json!({ "name": "xybern-baseline", "allowed_tools": ["pay"], "approval_required": ["pay"] });
    trial.role(&admin, role).await;
    let begin = async || {
        let (_, told) = trial.post(&agent, "/v1/enforce/sessions/start", json!({})).await;
        SessionId::parse(told["session_id"].as_str().expect("an id")).expect("an id")
    };
    let open = async || if run { begin().await } else { trial.session(&agent, "xybern-baseline").await };
    let asked = open().await;
    let id = trial.held(asked, 5).await;
    let tenant = trial.tenant();
    tenant.enforcer.approve(id, "eve").await.expect("a yes");
    if another {
        open().await;
    }
    let (caller, now) =
        (caller(&tenant, asked), scopegate_engine::Clock::now(&scopegate_engine::SystemClock::new()));
    let end = SessionEnd { at: now, revoked, reason: "replaced".to_owned() };
    let ended = tenant.change(|| Ok(((), tenant.end_in_memory(asked, end).into_iter().collect()))).await;
    ended.expect("an end");
    let (_, told) = tenant.read_escalation(&caller, id, now).await.expect("a word");
    trial.stop().await;
    told
}

/// Whoever holds the key of a session.
fn caller(tenant: &Tenant, session: SessionId) -> Caller {
    let row = tenant.book.session(session).expect("the session");
    let (key, owner) = (row.key.clone(), row.owner.clone());
    Caller { tenant: tenant.id.clone(), key, kind: Kind::Agent, owner, credential: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_outlives_a_session_that_was_replaced_and_no_other() {
    for (revoked, another, run, permitted) in [
        (false, true, false, true),
        (false, false, false, false),
        (true, true, false, false),
        (false, true, true, false),
    ] {
        let told = told(revoked, another, run).await;
        let allowed = matches!(told, Told::Asker(Reading::Permitted(_)));
        assert_eq!(allowed, permitted, "revoked {revoked}, another {another}, run {run}: {told:?}");
        assert_eq!(told.code().is_some(), !permitted, "it is denied, and used up");
    }
}
