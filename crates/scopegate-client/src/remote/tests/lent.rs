//! What was lent, and how long it is of use.

use scopegate_core::{Provision, Sessions};
use scopegate_engine::Lender;
use serde_json::{Value, json};

use super::super::events::Event;
use super::super::lock;
use super::super::seats::Touched;
use super::plane::Plane;
use super::scene::{Scene, at_once};
use crate::wire::Epoch;

fn limited(calls: u64) -> impl FnOnce(&Plane) {
    move |plane| {
        let mut says = lock(&plane.says);
        says.roles = json!([{ "name": "clerk", "allowed_tools": ["read"], "rate_limit_per_minute": 600 }]);
        says.calls = calls;
    }
}

/// The role changes, and the change is heard.
fn change(scene: &Scene, roles: Value) {
    let mut says = lock(&scene.plane.says);
    (says.roles, says.version, says.counter) = (roles, says.version + 1, says.counter + 1);
    let epoch = Epoch { incarnation: says.incarnation, counter: says.counter };
    drop(says);
    scene.inner().hear(&Event::Change(epoch, Touched::Role("clerk".into())));
}

#[tokio::test]
async fn rate_ends_with_the_version_that_counted_it() {
    let scene = Scene::with(false, limited(50)).await;
    assert_eq!(scene.at_once("read"), Some("PERMIT"));
    let loan = scene.seat.lend().unwrap();
    change(&scene, json!([{ "name": "clerk", "allowed_tools": ["read"], "rate_limit_per_minute": 60 }]));
    assert!(scene.inner().load(scene.seat.clone()).await);
    assert_eq!(scene.at_once("read"), None, "what is left was counted by other limits");
    scene.seat.unspent(loan);
    assert_eq!(scene.at_once("read"), None, "also what comes back");
    lock(&scene.plane.says).calls = 1;
    assert!(scene.seat.wants_rate());
    scene.inner().load_rate(&scene.seat).await;
    assert_eq!([scene.at_once("read"), scene.at_once("read")], [Some("PERMIT"), None]);
}

#[tokio::test]
async fn rate_of_another_version_is_not_taken_up() {
    let scene = Scene::with(false, limited(0)).await;
    lock(&scene.plane.says).calls = 50;
    lock(&scene.plane.says).version = 9;
    scene.inner().load_rate(&scene.seat).await;
    assert_eq!(scene.at_once("read"), None);
    lock(&scene.plane.says).version = 1;
    scene.inner().load_rate(&scene.seat).await;
    assert_eq!(scene.at_once("read"), Some("PERMIT"));
}

#[tokio::test]
async fn a_limit_that_comes_is_counted_at_once() {
    let scene = Scene::new(false).await;
    assert_eq!(scene.at_once("read"), Some("PERMIT"), "nothing is limited");
    change(&scene, json!([{ "name": "clerk", "allowed_tools": ["read"], "rate_limit_per_minute": 60 }]));
    assert!(scene.inner().load(scene.seat.clone()).await);
    assert_eq!(scene.at_once("read"), None);
}

#[tokio::test]
async fn parents_that_are_not_whole_are_not_lent() {
    for roles in [
        json!([{ "name": "clerk", "allowed_tools": ["read"], "parent_role_id": "base" }]),
        json!([{ "name": "base", "allowed_tools": ["read"] }]),
        json!([{ "name": "clerk", "allowed_tools": ["read"] }, { "name": "base", "allowed_tools": ["list"] }]),
        json!([{ "name": "clerk", "allowed_tools": ["read"], "of_a_later_plane": true }]),
        json!({}),
    ] {
        let scene = Scene::with(true, |plane: &Plane| lock(&plane.says).roles = roles.clone()).await;
        assert_eq!(scene.at_once("read"), None, "{roles}");
        scene.silence().await;
        assert_eq!(scene.word("read").await, "NONE", "{roles}");
    }
}

#[tokio::test]
async fn after_close_nothing_is_decided_here_and_nothing_is_opened() {
    let scene = Scene::new(true).await;
    let unused = scene.enforcer.agent("clerk", "ann").unwrap();
    scene.plane.turn("session", super::plane::say(200, "{}"));
    assert!(scene.enforcer.close().await);
    assert_eq!(scene.at_once("read"), None);
    assert_eq!(scene.word("read").await, "SESSION_REVOKED");
    assert!(scene.enforcer.provision(Provision::new("clerk", "ann")).await.is_err());
    assert_eq!(super::scene::word(&scene.enforcer, &unused, "read").await, "NONE");
    // An answer that was on its way lends nothing.
    let _ = scene.inner().confirm().await;
    assert!(!scene.inner().load(scene.seat.clone()).await);
    assert_eq!(at_once(&scene.enforcer, &scene.who, "read"), None);
    scene.silence().await;
    assert_eq!(scene.word("read").await, "NONE");
    assert_eq!(scene.plane.asked("provision").len(), 1);
}
