//! A call that is asked about again because its answer was lost.

use serde_json::{Value, json};

use super::plane::Home;

#[tokio::test]
async fn the_same_nonce_gives_the_same_decision_once() {
    let home = Home::new();
    let plane = home.serve().await;
    let role = json!({ "name": "clerk", "allowed_tools": ["read", "pay"], "approval_required": ["pay"],
        "rate_limit_per_minute": 2 });
    plane.role(&home.dev, role).await;
    let session = plane.open(&home.agent, "clerk").await;
    let ask = async |more: Value| plane.enforce(&home.agent, &session.jwt, more).await;

    let first = ask(json!({ "decision_nonce": "n1" })).await;
    assert_eq!((first.0, &first.1["decision"]), (200, &json!("allow")));
    for _ in 0..5 {
        let again = ask(json!({ "decision_nonce": "n1" })).await;
        assert_eq!(again.1["permit"], first.1["permit"], "one permit, however often it is asked for");
    }
    let (status, other) = ask(json!({ "decision_nonce": "n1", "call_args": { "x": 1 } })).await;
    assert_eq!((status, other["decision"].as_str()), (409, None), "another call under the same nonce");
    // Six answers spent one call of the two: one is left.
    assert_eq!(ask(json!({ "decision_nonce": "n2" })).await.1["decision"], "allow");
    let full = ask(json!({ "decision_nonce": "n3" })).await.1;
    assert_eq!((&full["deny_code"], &full["window"]), (&json!("RATE_LIMIT_EXCEEDED"), &json!("minute")));
    assert!(full["until"].is_string(), "{full}");

    // In another session the same nonce is another question; call_id names nothing.
    let second = plane.open(&home.agent, "clerk").await;
    let elsewhere = plane.enforce(&home.agent, &second.jwt, json!({ "decision_nonce": "n1" })).await.1;
    assert_eq!(elsewhere["decision"], "allow");
    let by_call_id = plane.enforce(&home.agent, &second.jwt, json!({ "call_id": "n1" })).await.1;
    assert_eq!((&by_call_id["decision"], by_call_id.get("permit")), (&json!("allow"), None));
    let permits = plane.events(&home.dev).await.iter().filter(|event| event["decision"] == "allow").count();
    assert_eq!(permits, 4, "n1, n2, and two of the other session");
    plane.stop().await;
}

#[tokio::test]
async fn an_approval_whose_answer_was_lost_is_not_used_twice() {
    let home = Home::new();
    let plane = home.serve().await;
    let role = json!({ "name": "payer", "allowed_tools": ["pay"], "approval_required": ["pay"] });
    plane.role(&home.dev, role).await;
    let session = plane.open(&home.agent, "payer").await;
    let pay = |nonce: &str| json!({ "tool_name": "pay", "call_args": { "to": 1 }, "decision_nonce": nonce });
    let (status, held) = plane.enforce(&home.agent, &session.jwt, pay("a")).await;
    assert_eq!(status, 202);
    let approve = format!("/v1/approvals/{}/approve", held["approval_id"].as_str().expect("an id"));
    assert_eq!(plane.ask(&home.dev, "POST", &approve, Value::Null).await.0, 200);
    assert_eq!(plane.enforce(&home.agent, &session.jwt, pay("a")).await.0, 202, "what was decided stays so");

    // Eight at once under one nonce: one decision, eight times the same permit.
    let asked = (0..8).map(|_| plane.enforce(&home.agent, &session.jwt, pay("b")));
    let answers = futures_util::future::join_all(asked).await;
    let permits: Vec<_> = answers.iter().map(|(_, answer)| &answer["permit"]).collect();
    assert!(permits.iter().all(|permit| permit.is_u64() && *permit == permits[0]), "{permits:?}");
    assert_eq!(plane.enforce(&home.agent, &session.jwt, pay("c")).await.0, 202, "the approval is used up");
    plane.stop().await;
}

#[tokio::test]
async fn an_answer_ends_with_its_session() {
    let home = Home::new();
    let plane = home.serve().await;
    plane.role(&home.dev, json!({ "name": "clerk", "allowed_tools": ["read"] })).await;
    let session = plane.open(&home.agent, "clerk").await;
    let ask = async || plane.enforce(&home.agent, &session.jwt, json!({ "decision_nonce": "n" })).await.1;
    assert_eq!(ask().await["decision"], "allow");
    let revoke = format!("/v1/sessions/{}", session.id);
    assert_eq!(plane.ask(&home.agent, "DELETE", &revoke, Value::Null).await.0, 200);
    assert_eq!(ask().await["deny_code"], "SESSION_REVOKED");
    plane.stop().await;
}
