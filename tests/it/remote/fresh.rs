//! How old what a client decides with can be.

use std::time::Duration;

use scopegate_core::{Provision, Sessions};
use serde_json::{Value, json};

use super::client::{Agent, PAST};
use super::plane::{Home, Plane};
use super::proxy::{Mode, Proxy};

async fn prepared() -> (Home, Plane) {
    let home = Home::new();
    let plane = home.serve().await;
    plane.role(&home.dev, json!({ "name": "clerk", "allowed_tools": ["read"] })).await;
    (home, plane)
}

/// The session that was opened last.
async fn newest(plane: &Plane, home: &Home) -> String {
    let (_, listed) = plane.ask(&home.dev, "GET", "/v1/sessions", Value::Null).await;
    listed["sessions"][0]["session_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_change_is_seen_as_it_happens() {
    let (home, plane) = prepared().await;
    plane.role(&home.dev, json!({ "name": "other", "allowed_tools": ["read"] })).await;
    let agent = Agent::new(&plane.url, &home.agent);
    let who = agent.session("clerk").await;
    let opened = agent.enforcer.provision(Provision::new("other", "ann")).await.expect("a session");
    let other = opened.principal;
    assert_eq!(agent.at_once(&who, "read", "{}"), Some("PERMIT"));
    tokio::time::sleep(Duration::from_millis(300)).await; // it listens by then
    let narrowed = json!({ "allowed_tools": ["list"] });
    assert_eq!(plane.ask(&home.dev, "PUT", "/mgmt/v1/roles/clerk", narrowed).await.0, 200);
    agent.until(&who, "read", None).await;
    assert_eq!(agent.at_once(&other, "read", "{}"), Some("PERMIT"), "nothing else was dropped");
    assert_eq!(agent.word(&who, "read", "{}").await, "SCOPE_VIOLATION");
    agent.until(&who, "read", Some("SCOPE_VIOLATION")).await; // the new scope was lent

    let path = format!("/v1/sessions/{}", opened.session);
    assert_eq!(plane.ask(&home.dev, "DELETE", &path, Value::Null).await.0, 200);
    agent.until(&other, "read", None).await;
    for _ in 0..3 {
        assert_eq!(agent.word(&other, "read", "{}").await, "SESSION_REVOKED");
    }
    assert_eq!(agent.at_once(&other, "read", "{}"), None, "and it is never lent again");
    plane.stop().await;
}

#[tokio::test]
async fn what_was_revoked_unheard_is_not_permitted_past_the_lease() {
    for step in ["both", "wall", "back"] {
        let (home, plane) = prepared().await;
        let proxy = Proxy::before(&plane.url).await;
        let agent = Agent::new(&proxy.url, &home.agent);
        let who = agent.session("clerk").await;
        proxy.turn(Mode::Hang); // whatever is asked from here on gets no answer
        let session = newest(&plane, &home).await;
        assert_eq!(
            plane.ask(&home.dev, "DELETE", &format!("/v1/sessions/{session}"), Value::Null).await.0,
            200
        );
        match step {
            "both" => agent.clocks.advance(PAST),
            "wall" => agent.clocks.set_wall(PAST.as_nanos() as i64),
            _ => agent.clocks.set_wall(-1_000_000_000),
        }
        assert_eq!(agent.at_once(&who, "read", "{}"), None, "{step}");
        assert_eq!(agent.word(&who, "read", "{}").await, "NONE", "{step}");
        plane.stop().await;
    }
}

#[tokio::test]
async fn a_plane_that_starts_again_is_another_one() {
    let (home, plane) = prepared().await;
    let agent = Agent::new(&plane.url, &home.agent);
    let who = agent.session("clerk").await;
    let port = plane.url.rsplit(':').next().expect("a port").parse().expect("a number");
    plane.stop().await;
    let plane = Plane::start(home.path().to_owned(), port).await;
    agent.until(&who, "read", None).await;
    assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
    agent.until(&who, "read", Some("PERMIT")).await;
    plane.stop().await;
}

#[tokio::test]
async fn what_the_client_ends_is_over_at_once() {
    let (home, plane) = prepared().await;
    let agent = Agent::new(&plane.url, &home.agent);
    let opened = agent.enforcer.provision(Provision::new("clerk", "ann")).await.expect("a session");
    assert_eq!(agent.at_once(&opened.principal, "read", "{}"), Some("PERMIT"));
    agent.enforcer.revoke(opened.session).await.expect("ended");
    assert_eq!(agent.word(&opened.principal, "read", "{}").await, "SESSION_REVOKED");
    agent.enforcer.revoke(opened.session).await.expect("ending it twice is fine");
    plane.stop().await;
}

#[tokio::test]
async fn an_agent_gets_a_session_when_it_first_calls_and_another_when_that_expired() {
    let home = Home::new();
    let plane = home.serve().await;
    plane
        .role(&home.dev, json!({ "name": "brief", "allowed_tools": ["read"], "default_ttl_seconds": 1 }))
        .await;
    let agent = Agent::new(&plane.url, &home.agent);
    let who = agent.enforcer.agent("brief", "ann").expect("a principal");
    let sessions = async || {
        let (_, listed) = plane.ask(&home.dev, "GET", "/v1/sessions", Value::Null).await;
        listed["sessions"].as_array().expect("a list").len()
    };
    assert_eq!(sessions().await, 0, "nothing was sent yet");
    let asked = (0..8).map(|_| agent.word(&who, "read", "{}"));
    assert_eq!(futures_util::future::join_all(asked).await, ["PERMIT"; 8]);
    assert_eq!(sessions().await, 1, "eight who ask at once share one");
    assert_eq!(agent.at_once(&who, "read", "{}"), Some("PERMIT"));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
    assert_eq!(sessions().await, 2);

    let session = newest(&plane, &home).await;
    assert_eq!(plane.ask(&home.dev, "DELETE", &format!("/v1/sessions/{session}"), Value::Null).await.0, 200);
    agent.until(&who, "read", None).await;
    assert_eq!(agent.word(&who, "read", "{}").await, "SESSION_REVOKED");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(
        agent.word(&who, "read", "{}").await,
        "SESSION_REVOKED",
        "who was revoked comes back as nobody"
    );
    assert_eq!(sessions().await, 2);
    plane.stop().await;
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_what_was_lent_to_it() {
    let (home, plane) = prepared().await;
    let agent = Agent::new(&plane.url, &home.agent);
    let who = agent.session("clerk").await;
    assert_eq!(agent.at_once(&who, "read", "{}"), Some("PERMIT"));
    home.revoke(&home.agent); // by the command line, in another process
    agent.until(&who, "read", None).await;
    assert_eq!(agent.word(&who, "read", "{}").await, "NONE");
    plane.stop().await;
}
