//! Rate that is lent: counted before it is sent, and never more than there is.

use serde_json::{Value, json};

use super::plane::{Home, Plane};

async fn lend(plane: &Plane, key: &str, session: &str) -> u64 {
    let (status, lent) = plane.ask(key, "POST", &format!("/v1/sessions/{session}/rate"), Value::Null).await;
    assert_eq!(status, 200, "{lent}");
    lent["calls"].as_u64().expect("a count")
}

#[tokio::test]
async fn what_is_lent_is_at_most_five_seconds_of_every_limit() {
    let home = Home::new();
    let plane = home.serve().await;
    for (minute, hour, calls) in [
        (60, 0, 5),
        (600, 0, 50),
        (16, 0, 1),
        (15, 0, 0),      // too small to be lent
        (600, 1_000, 1), // the tighter of the two
        (600, 100, 0),   // an hour's limit that refills nothing in five seconds
        (0, 0, 0),       // nothing to lend where nothing is counted
    ] {
        let name = format!("r{minute}-{hour}");
        let role = json!({ "name": name, "allowed_tools": ["read"], "rate_limit_per_minute": minute,
            "rate_limit_per_hour": hour });
        plane.role(&home.dev, role).await;
        let session = plane.open(&home.agent, &name).await;
        assert_eq!(lend(&plane, &home.agent, &session.id).await, calls, "{minute} a minute, {hour} an hour");
    }
    let path = format!("/v1/sessions/{:032x}/rate", 7);
    let (status, _) = plane.ask(&home.agent, "POST", &path, json!({ "calls": 1_000_000 })).await;
    assert_eq!(status, 400, "how much is not the client's to say");
    plane.stop().await;
}

#[tokio::test]
async fn what_was_lent_is_spent_also_after_a_restart() {
    let home = Home::new();
    let plane = home.serve().await;
    let role =
        json!({ "name": "r", "allowed_tools": ["read"], "rate_limit_per_hour": 3_600, "rate_scope": "key" });
    plane.role(&home.dev, role).await;
    let session = plane.open(&home.agent, "r").await;
    let mut lent = 0;
    // 3,600 an hour are one a second, and 3,600 at once: lent until it is nearly gone.
    for _ in 0..200 {
        lent += lend(&plane, &home.agent, &session.id).await;
    }
    assert_eq!(lent, 1_000, "five at a time");
    plane.stop().await;
    let plane = home.serve().await;
    for _ in 0..600 {
        lent += lend(&plane, &home.agent, &session.id).await;
    }
    let refilled = 60; // more seconds than this test may take
    assert!((3_600..=3_600 + refilled).contains(&lent), "{lent} were lent of 3,600");
    plane.stop().await;
}

#[tokio::test]
async fn a_session_that_is_over_is_lent_nothing() {
    let home = Home::new();
    let plane = home.serve().await;
    let role = json!({ "name": "r", "allowed_tools": ["read"], "rate_limit_per_minute": 600, "max_delegation_depth": 1 });
    plane.role(&home.dev, role).await;
    let session = plane.open(&home.agent, "r").await;
    let child = json!({ "role_id": "r", "parent_session_id": session.id });
    let (_, child) = plane.ask(&home.agent, "POST", "/v1/provision", child).await;
    assert_eq!(lend(&plane, &home.agent, child["session_id"].as_str().expect("an id")).await, 0);
    assert!(lend(&plane, &home.agent, &session.id).await > 0);
    let revoke = format!("/v1/sessions/{}", session.id);
    assert_eq!(plane.ask(&home.agent, "DELETE", &revoke, Value::Null).await.0, 200);
    assert_eq!(lend(&plane, &home.agent, &session.id).await, 0);
    plane.stop().await;
}
