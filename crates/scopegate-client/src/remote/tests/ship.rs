//! The journal on its way: which answers end it, and what a refusal ends.

use scopegate_core::{Provision, Sessions};
use serde_json::json;

use super::plane::{Way, refuse, say};
use super::scene::{Scene, at_once};

/// One permit is in the journal, and the plane says this of it.
async fn shipped(scene: &Scene, way: Way) -> bool {
    assert_eq!(scene.at_once("read"), Some("PERMIT"));
    scene.plane.turn("journal", way);
    scene.enforcer.flush().await
}

#[tokio::test]
async fn what_says_nothing_of_a_batch_leaves_it_waiting() {
    let taken = |batch: u64, number: u64| json!({ "batch": batch, "number": number, "missing": 0 });
    for way in [
        say(200, ""),
        say(200, "<html>"),
        say(200, "{}"),
        say(200, json!([1, (1_u64 << 48) + 1])),
        say(200, taken(2, (1 << 48) + 1)),
        say(200, json!({ "batch": 1 })),
        say(200, json!({ "batch": "1", "number": (1_u64 << 48) + 1 })),
        say(204, ""),
        say(307, ""),
        say(400, "<html>"),
        say(404, "not here"),
        say(409, "{}"),
        say(413, ""),
        refuse(401),
        refuse(403),
        refuse(405),
        refuse(408),
        refuse(415),
        refuse(422),
        refuse(429),
        refuse(500),
        refuse(503),
        say(502, ""),
        Way::Begin,
        Way::Drop,
        Way::Hang,
    ] {
        let scene = Scene::new(true).await;
        assert!(!shipped(&scene, way.clone()).await, "{way:?}");
        assert!(!scene.enforcer.flush().await, "{way:?}");
        assert_eq!(scene.enforcer.counts().lost, 0, "{way:?}");
        scene.plane.usual("journal");
        assert!(scene.enforcer.flush().await, "{way:?}");
        let sent = scene.plane.asked("journal");
        assert!(sent.len() > 2 && sent.iter().all(|batch| *batch == sent[0]), "{way:?}: it stays the same");
    }
}

#[tokio::test]
async fn a_refused_journal_ends_deciding_here_and_loses_nothing_silently() {
    for way in [
        refuse(400),
        refuse(404),
        refuse(409),
        refuse(413),
        // Another holder of the key sent a batch of this number first.
        say(200, json!({ "batch": 1, "number": (1_u64 << 48) + 500, "missing": 0 })),
    ] {
        let scene = Scene::new(true).await;
        let neighbour = scene.enforcer.provision(Provision::new("clerk", "ann")).await.unwrap().principal;
        assert!(shipped(&scene, way.clone()).await, "{way:?}: nothing waits any more");
        assert_eq!(scene.enforcer.counts().lost, 1, "{way:?}");
        assert_eq!(scene.at_once("read"), None, "{way:?}");
        scene.plane.usual("journal");
        assert!(!scene.inner().load(scene.seat.clone()).await, "{way:?}: it is never lent again");
        let asked = scene.enforcer.counts().by_the_plane;
        assert_eq!(scene.word("read").await, "PERMIT");
        assert_eq!(scene.enforcer.counts().by_the_plane, asked + 1, "the plane decides, and records");
        assert_eq!(at_once(&scene.enforcer, &neighbour, "read"), Some("PERMIT"), "other sessions go on");
        assert!(scene.enforcer.flush().await);
        scene.silence().await;
        assert_eq!(scene.word("read").await, "NONE", "{way:?}: nor is it opened for");
    }
}

#[tokio::test]
async fn one_journal_that_is_not_taken_does_not_hold_others_up() {
    let scene = Scene::new(false).await;
    let mut sessions = vec![scene.who.clone()];
    for _ in 0..7 {
        sessions.push(scene.enforcer.provision(Provision::new("clerk", "ann")).await.unwrap().principal);
    }
    assert!(sessions.iter().all(|who| at_once(&scene.enforcer, who, "read") == Some("PERMIT")));
    scene.plane.turn_session("journal", scene.seat.id, refuse(500));
    assert!(!scene.enforcer.flush().await);
    let taken = super::super::lock(&scene.plane.says).taken.len();
    assert_eq!(taken, 7);
    scene.plane.usual("journal");
    assert!(scene.enforcer.flush().await);
    assert_eq!(super::super::lock(&scene.plane.says).taken.len(), 8);
}

#[tokio::test]
async fn a_full_journal_has_the_plane_decide() {
    let scene = Scene::new(false).await;
    scene.plane.turn("journal", refuse(500));
    let (mut here, mut waits) = (0, 0);
    while waits < 10 {
        match scene.at_once("read") {
            Some(word) => {
                assert_eq!(word, "PERMIT");
                (here, waits) = (here + 1, 0);
            }
            // The writer gets its turn.
            None => {
                waits += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        assert!(here < 60_000, "it is full some time");
    }
    assert!(here > 20_000, "{here}");
    assert_eq!(scene.word("read").await, "PERMIT", "by the plane, which records it");
    assert_eq!(scene.enforcer.counts().by_the_plane, 1);
    scene.plane.usual("journal");
    let told = tokio::time::timeout(std::time::Duration::from_secs(60), scene.enforcer.close());
    scene.plane.turn("session", say(200, "{}"));
    assert!(told.await.unwrap());
    assert_eq!(scene.enforcer.counts().lost, 0);
    assert_eq!(scene.enforcer.counts().here, here);
}
