//! What keeps `danger_fail_open` shut: whatever was heard that is not silence.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::follow;
use super::plane::{Plane, Way, refuse, say};
use super::scene::Scene;
use crate::remote::lock;

/// What a call comes to once nobody is there, after this.
async fn after(step: impl AsyncFnOnce(&Scene)) -> &'static str {
    let scene = Scene::new(true).await;
    assert_eq!(scene.at_once("read"), Some("PERMIT"));
    step(&scene).await;
    scene.silence().await;
    let word = scene.word("read").await;
    assert_eq!(scene.enforcer.counts().fail_open, u64::from(word == "PERMIT"));
    word
}

/// The lease is confirmed, if the plane says so.
async fn confirm(scene: &Scene) {
    let _ = scene.inner().confirm().await;
}

/// The plane's events are heard until they end.
async fn hear(scene: &Scene, status: u16, events: &str) {
    scene.plane.turn("events", say(status, events));
    let _ = follow::hear(&Arc::downgrade(scene.inner())).await;
}

fn change(more: &Value) -> String {
    let mut data = json!({ "incarnation": 7, "counter": 6 });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("event: change\ndata: {data}\n\n")
}

#[tokio::test]
async fn silence_alone_leaves_it_open() {
    assert_eq!(after(async |_| ()).await, "PERMIT");
    assert_eq!(after(confirm).await, "PERMIT", "nothing has changed");
    for way in [Way::Hang, Way::Drop, Way::Begin, say(502, "<html>"), refuse(503), say(504, "")] {
        let silent = async |scene: &Scene| {
            scene.plane.turn("epoch", way.clone());
            confirm(scene).await;
        };
        assert_eq!(after(silent).await, "PERMIT", "{way:?}");
    }
    let comment = async |scene: &Scene| hear(scene, 200, ":\n\nid: 9\n\n").await;
    assert_eq!(after(comment).await, "PERMIT");
    let known = "event: epoch\ndata: {\"incarnation\":7,\"counter\":5}\n\n";
    assert_eq!(after(async |scene: &Scene| hear(scene, 200, known).await).await, "PERMIT");
    let elsewhere = change(&json!({ "role": "other" }));
    assert_eq!(after(async |scene: &Scene| hear(scene, 200, &elsewhere).await).await, "PERMIT");
}

#[tokio::test]
async fn a_denial_of_the_session_shuts_it() {
    for code in ["AGENT_SUSPENDED", "SESSION_REVOKED", "SESSION_EXPIRED", "JWT_EXPIRED", "JWT_INVALID"] {
        let denied = async |scene: &Scene| assert_eq!(denied(scene, code).await, code);
        assert_eq!(after(denied).await, "NONE", "{code}");
    }
}

#[tokio::test]
async fn a_tool_that_the_plane_refused_is_not_opened_for() {
    for code in ["SCOPE_VIOLATION", "ACTION_FORBIDDEN", "APPROVAL_REJECTED", "OF_A_LATER_PLANE"] {
        let refused = async |scene: &Scene| _ = denied(scene, code).await;
        assert_eq!(after(refused).await, "NONE", "{code}");
    }
    let held = async |scene: &Scene| {
        assert_eq!(
            verdict(
                scene,
                202,
                json!({ "decision": "pending", "approval_id": "0".repeat(32),
            "expires_at": "2027-11-21T06:16:00.000Z" })
            )
            .await,
            "HOLD"
        );
    };
    assert_eq!(after(held).await, "NONE");
    let permitted = async |scene: &Scene| {
        assert_eq!(verdict(scene, 200, json!({ "decision": "allow", "permit": 1 })).await, "PERMIT");
    };
    assert_eq!(after(permitted).await, "PERMIT");
}

async fn denied(scene: &Scene, code: &str) -> &'static str {
    verdict(scene, 200, json!({ "decision": "deny", "deny_code": code, "reason": "no" })).await
}

/// Asks, and the plane answers this call with that.
async fn verdict(scene: &Scene, status: u16, more: Value) -> &'static str {
    lock(&scene.plane.says).verdict = Some((status, more));
    scene.clocks.0.advance(super::scene::PAST);
    scene.plane.turn("scope", Way::Hang);
    scene.word("read").await
}

#[tokio::test]
async fn what_an_event_names_shuts_it() {
    for more in [
        json!({ "owner": "ann" }),
        json!({ "role": "clerk" }),
        json!({ "session": format!("{:032x}", 1) }),
        json!({ "server": "crm" }),
        json!({ "role": "other", "later": 1 }),
        json!({}),
    ] {
        let event = change(&more);
        assert_eq!(after(async |scene: &Scene| hear(scene, 200, &event).await).await, "NONE", "{more}");
    }
}

#[tokio::test]
async fn a_parents_change_shuts_it() {
    let roles = json!([{ "name": "clerk", "allowed_tools": ["read"], "parent_role_id": "base" },
        { "name": "base", "allowed_tools": ["list"] }]);
    let scene = Scene::with(true, |plane: &Plane| lock(&plane.says).roles = roles).await;
    assert_eq!(scene.at_once("list"), Some("PERMIT"));
    hear(&scene, 200, &change(&json!({ "role": "base" }))).await;
    scene.silence().await;
    assert_eq!((scene.word("read").await, scene.word("list").await), ("NONE", "NONE"));
}

#[tokio::test]
async fn events_that_mean_another_plane_or_nothing_shut_it() {
    for events in [
        "event: epoch\ndata: {\"incarnation\":8,\"counter\":5}\n\n", // another incarnation
        "event: epoch\ndata: {\"incarnation\":7,\"counter\":7}\n\n", // some were missed
        "event: change\ndata: {\"incarnation\":7,\"counter\":9,\"role\":\"other\"}\n\n",
        "data: <html>\n\n",
        "event: change\ndata: {\"incarnation\":7}\n\n",
        "event: change\ndata: {\"incarnation\":7,\"counter\":-6}\n\n",
        "event: change\ndata: {\"incarnation\":7,\"counter\":6,\"counter\":5}\n\n",
    ] {
        assert_eq!(after(async |scene: &Scene| hear(scene, 200, events).await).await, "NONE", "{events}");
    }
}

#[tokio::test]
async fn an_epoch_that_is_another_or_none_shuts_it() {
    let now = "2027-01-15T08:00:00.000Z";
    for (status, body) in [
        (200, json!({ "incarnation": 7, "counter": 4, "now": now })), // an older copy of the plane
        (200, json!({ "incarnation": 8, "counter": 5, "now": now })), // another plane
        (200, json!({ "incarnation": 7, "counter": 6, "now": now })), // something changed
        (200, json!({ "incarnation": 7, "counter": "5", "now": now })),
        (200, json!({ "incarnation": 7, "counter": -5, "now": now })),
        (200, json!({ "incarnation": 7, "counter": 5 })),
        (200, json!({})),
        (200, json!([7, 5, now])),
        (200, json!("<html>")),
        (204, json!("")),
        (307, json!("")),
        (400, json!({ "error": { "message": "no" } })),
        (404, json!({ "error": { "message": "no" } })),
        (404, json!("<html>")),
        (429, json!("slow down")),
        (500, json!("")),
    ] {
        let told = async |scene: &Scene| {
            scene.plane.turn("epoch", say(status, &body));
            confirm(scene).await;
        };
        assert_eq!(after(told).await, "NONE", "{status} {body}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_anywhere_shuts_it() {
    for status in [401, 403] {
        for route in ["epoch", "events", "scope", "rate", "journal", "enforce"] {
            let told = async |scene: &Scene| {
                scene.plane.turn(route, refuse(status));
                match route {
                    "epoch" => confirm(scene).await,
                    "events" => drop(follow::hear(&Arc::downgrade(scene.inner())).await),
                    "scope" => drop(scene.inner().load(scene.seat.clone()).await),
                    "rate" => scene.inner().load_rate(&scene.seat).await,
                    "journal" => drop(scene.enforcer.flush().await),
                    _ => assert_eq!(scene.told("read", refuse(status)).await, "NONE"),
                }
                assert_eq!(scene.at_once("read"), None, "nor is it lent any more");
            };
            assert_eq!(after(told).await, "NONE", "{status} {route}");
        }
    }
}

#[tokio::test]
async fn a_scope_that_is_not_lent_any_more_shuts_it() {
    for way in [
        say(
            200,
            json!({ "owner": "ann", "version": 1, "roles": null, "lease_ms": 5_000,
            "epoch": { "incarnation": 7, "counter": 5 }, "now": "2027-01-15T08:00:00.000Z" }),
        ),
        say(
            200,
            json!({ "owner": "ann", "version": 1, "roles": [], "lease_ms": 5_000,
            "epoch": { "incarnation": 7, "counter": 5 }, "now": "2027-01-15T08:00:00.000Z" }),
        ),
        say(200, "{}"),
        say(200, "<html>"),
        refuse(404),
        say(500, ""),
    ] {
        let told = async |scene: &Scene| {
            scene.plane.turn("scope", way.clone());
            assert!(!scene.inner().load(scene.seat.clone()).await, "{way:?}");
        };
        assert_eq!(after(told).await, "NONE", "{way:?}");
    }
}

#[tokio::test]
async fn an_answer_that_was_overtaken_opens_nothing() {
    // It left before the denial came, and comes after it.
    let scene = Scene::new(true).await;
    let left = scene.inner().leaving().asks_for(&scene.seat);
    assert_eq!(denied(&scene, "AGENT_SUSPENDED").await, "AGENT_SUSPENDED");
    let scope = json!({ "owner": "ann", "version": 1, "lease_ms": 5_000, "now": "2027-01-15T08:00:05.000Z",
        "roles": [{ "name": "clerk", "allowed_tools": ["read"] }], "epoch": { "incarnation": 7, "counter": 5 } });
    assert!(!scene.inner().take_up(&scene.seat, scope.clone(), left));
    assert_eq!(scene.at_once("read"), None);

    // The same where the key was refused meanwhile.
    let left = scene.inner().leaving().asks_for(&scene.seat);
    scene.plane.turn("epoch", refuse(401));
    confirm(&scene).await;
    assert!(!scene.inner().take_up(&scene.seat, scope.clone(), left));
    // What leaves from here on is another matter.
    let left = scene.inner().leaving().asks_for(&scene.seat);
    assert!(scene.inner().take_up(&scene.seat, scope, left));
    assert_eq!(scene.at_once("read"), Some("PERMIT"));
}
