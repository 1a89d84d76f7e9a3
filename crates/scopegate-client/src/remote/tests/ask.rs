//! A call that the plane is asked about, and whose answer does not come whole.

use scopegate_core::{Decision, Enforcer, Outcome, Provision, Sessions};
use serde_json::json;

use super::super::lock;
use super::plane::{Plane, Way, say};
use super::scene::{PAST, Scene};

#[tokio::test]
async fn nobody_there_after_an_answer_broke_off_is_not_silence() {
    for (way, open) in [
        (Way::Die, "NONE"),   // the connection ends without an answer, and then nobody is there
        (Way::Begin, "NONE"), // an answer begins and does not end in time
        (Way::Drop, "NONE"),  // it ends each time
        (Way::Hang, "PERMIT"),
        (say(503, ""), "PERMIT"),
    ] {
        let scene = Scene::new(true).await;
        assert_eq!(scene.told("read", way.clone()).await, open, "{way:?}");
    }
}

#[tokio::test]
async fn an_answer_that_broke_off_opens_nothing_behind_the_breaker_either() {
    let scene = Scene::new(true).await;
    let told = scene.told("read", say(503, ""));
    assert_eq!(told.await, "PERMIT");
    let asked = scene.plane.asked("enforce").len();
    for _ in 0..5 {
        scene.word("read").await;
    }
    assert_eq!(scene.word("read").await, "PERMIT", "it is open, as the last known scope is");
    assert!(scene.plane.asked("enforce").len() <= asked + 5, "and nothing is sent");
    // The probe breaks off: whoever asks gets nothing, and whoever is not let out may.
    scene.clocks.0.advance(std::time::Duration::from_secs(30));
    scene.plane.turn("enforce", Way::Drop);
    assert_eq!(scene.word("read").await, "NONE");
}

#[tokio::test]
async fn who_was_told_that_a_session_is_over_is_not_let_through_in_it() {
    let scene = Scene::new(true).await;
    let agent = scene.enforcer.agent("clerk", "ann").unwrap();
    assert_eq!(super::scene::word(&scene.enforcer, &agent, "read").await, "PERMIT");
    // The plane says that the session is expired, opens another, and is silent.
    scene.clocks.0.advance(PAST);
    scene.plane.turn("scope", Way::Hang);
    lock(&scene.plane.says).then_hang = true;
    lock(&scene.plane.says).verdict = Some((200, json!({ "decision": "deny", "deny_code": "JWT_EXPIRED" })));
    assert_eq!(super::scene::word(&scene.enforcer, &agent, "read").await, "NONE");
    assert_eq!(scene.enforcer.counts().fail_open, 0);
}

#[tokio::test]
async fn nor_where_no_other_could_be_opened() {
    let scene = Scene::new(true).await;
    let agent = scene.enforcer.agent("clerk", "ann").unwrap();
    assert_eq!(super::scene::word(&scene.enforcer, &agent, "read").await, "PERMIT");
    scene.clocks.0.advance(PAST);
    scene.plane.turn("scope", Way::Hang);
    scene.plane.turn("provision", Way::Hang);
    lock(&scene.plane.says).verdict = Some((200, json!({ "decision": "deny", "deny_code": "JWT_EXPIRED" })));
    assert_eq!(super::scene::word(&scene.enforcer, &agent, "read").await, "NONE");
    scene.silence().await;
    assert_eq!(super::scene::word(&scene.enforcer, &agent, "read").await, "NONE");
    assert_eq!(scene.enforcer.counts().fail_open, 0);
}

#[tokio::test]
async fn an_ended_session_has_no_permit_whatever_the_plane_says() {
    let scene = Scene::new(true).await;
    scene.plane.turn("session", say(503, "")); // it cannot be told
    assert!(scene.enforcer.revoke(scene.seat.id).await.is_err());
    for _ in 0..2 {
        assert_eq!(scene.word("read").await, "SESSION_REVOKED");
    }
    assert_eq!(scene.at_once("read"), None);
    assert!(!scene.inner().load(scene.seat.clone()).await, "and it is not lent again");
    scene.silence().await;
    assert_eq!(scene.word("read").await, "NONE");
}

#[tokio::test]
async fn what_becomes_of_a_call_is_told_also_where_nothing_is_lent() {
    let strict = |plane: &Plane| lock(&plane.says).roles = serde_json::Value::Null;
    let scene = Scene::with(false, strict).await;
    let call = scopegate_core::ToolCall::new("read").with_args(scopegate_core::Args::none());
    let request = scopegate_core::AccessRequest::new(scene.who.as_ref(), &call);
    let Ok(Decision::Permit(permit)) = scene.enforcer.enforce(&request).await else { panic!("permitted") };
    scene.enforcer.complete(permit.id, Outcome::Ok);
    assert!(scene.enforcer.flush().await);
    let [sent] = &scene.plane.asked("journal")[..] else { panic!("one batch") };
    assert_eq!((&sent["entries"][0]["event"], &sent["entries"][0]["number"]), (&json!("ran"), &json!(1)));
    // Its sub-agents are sessions too, and what it is revoked as is its own.
    assert!(scene.enforcer.child(&scene.who, Provision::new("clerk", "ann")).await.is_ok());
    // A session of nobody here has no journal.
    scene.enforcer.complete(
        scopegate_core::PermitId { session: scopegate_core::SessionId::from_bits(0), number: 9 },
        Outcome::Ok,
    );
    assert!(scene.enforcer.flush().await);
    assert_eq!((scene.plane.asked("journal").len(), scene.enforcer.counts().lost), (1, 1));
}
