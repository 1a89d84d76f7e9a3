//! Agents whose session is over: who gets another.

use std::time::Duration;

use serde_json::{Value, json};

use super::plane::{Way, refuse, say};
use super::scene::{Scene, word};

const HOUR: Duration = Duration::from_secs(3_601);

fn view(status: &str) -> Value {
    json!({ "session_id": "x", "status": status, "key": "k", "owner": "ann", "role_id": "r", "role_name": "clerk",
        "task_type": "", "framework": "", "created_at": "2027-01-15T08:00:00.000Z",
        "expires_at": "2027-01-15T09:00:00.000Z" })
}

#[tokio::test]
async fn a_session_that_was_revoked_unheard_is_not_replaced_when_its_time_is_over() {
    for (way, expected, opened) in [
        (say(200, view("revoked")), "SESSION_REVOKED", 0),
        (say(200, view("expired")), "PERMIT", 1),
        (say(200, view("suspended")), "PERMIT", 1), // the plane opens none for an owner that is
        (refuse(404), "PERMIT", 1),                 // long forgotten
        (say(404, "<html>"), "NONE", 0),
        (say(200, "{}"), "NONE", 0),
        (refuse(401), "NONE", 0),
        (say(503, ""), "NONE", 0),
        (Way::Hang, "NONE", 0),
    ] {
        let scene = Scene::new(true).await;
        let agent = scene.enforcer.agent("clerk", "ann").unwrap();
        assert_eq!(word(&scene.enforcer, &agent, "read").await, "PERMIT");
        let before = scene.plane.asked("provision").len();
        scene.clocks.0.advance(HOUR);
        scene.plane.turn("session", way.clone());
        assert_eq!(word(&scene.enforcer, &agent, "read").await, expected, "{way:?}");
        assert_eq!(scene.plane.asked("provision").len() - before, opened, "{way:?}");
        if expected == "SESSION_REVOKED" {
            scene.plane.turn("session", say(200, view("expired")));
            assert_eq!(word(&scene.enforcer, &agent, "read").await, expected, "and never is");
        }
    }
}
