//! What clients decided, on its way into the plane's log.

use scopegate_core::Timestamp;
use scopegate_engine::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::plane::{Home, Plane};

const FIRST: u64 = (1 << 48) + 1;

fn entry(number: u64, event: &str) -> Value {
    json!({ "number": FIRST + number, "at": "2026-11-26T00:00:00.000Z", "event": event, "tool": "read",
        "role_version": 1 })
}

fn batch(batch: u64, (from, to): (u64, u64), entries: Vec<Value>, omitted: Value) -> Value {
    json!({ "batch": batch, "from": FIRST + from, "to": FIRST + to, "entries": entries, "omitted": omitted })
}

async fn ship(plane: &Plane, key: &str, session: &str, batch: Value) -> (u16, Value) {
    plane.ask(key, "POST", &format!("/v1/sessions/{session}/journal"), batch).await
}

async fn prepared(home: &Home) -> (Plane, String) {
    let plane = home.serve().await;
    plane.role(&home.dev, json!({ "name": "clerk", "allowed_tools": ["read"] })).await;
    let session = plane.open(&home.agent, "clerk").await.id;
    (plane, session)
}

#[tokio::test]
async fn a_batch_is_taken_up_once_however_often_it_comes() {
    let home = Home::new();
    let (plane, session) = prepared(&home).await;
    let entries = vec![entry(0, "permit"), entry(1, "SCOPE_VIOLATION"), entry(0, "ran")];
    let sent = batch(1, (0, 4), entries, json!({ "PARAMETER_VIOLATION": 3 }));
    for _ in 0..3 {
        let (status, taken) = ship(&plane, &home.agent, &session, sent.clone()).await;
        assert_eq!(status, 200, "{taken}");
        assert_eq!((&taken["batch"], &taken["number"]), (&json!(1), &json!(FIRST + 4)));
    }
    plane.stop().await;
    // Also after a restart.
    let plane = home.serve().await;
    assert_eq!(ship(&plane, &home.agent, &session, sent).await.0, 200);
    let records = plane.events(&home.dev).await;
    let told: Vec<_> = records
        .iter()
        .map(|event| {
            (event["event"].as_str().unwrap_or_default(), event["source"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(told.len(), 4, "{records:#?}");
    assert!(told.iter().all(|(_, source)| *source == "client"), "{told:?}");
    plane.stop().await;
}

#[tokio::test]
async fn what_is_missing_shows() {
    let home = Home::new();
    let (plane, session) = prepared(&home).await;
    for (sent, missing) in [
        (batch(1, (0, 0), vec![entry(0, "permit")], json!({})), 0),
        (batch(2, (3, 3), vec![entry(3, "permit")], json!({})), 2),
        (batch(3, (4, 9), vec![entry(4, "permit"), entry(9, "permit")], json!({ "ENV_VIOLATION": 1 })), 3),
        (batch(4, (10, 9), vec![entry(9, "failed")], json!({})), 0),
        (batch(9, (10, 10), vec![entry(10, "permit")], json!({})), 0),
    ] {
        let (status, taken) = ship(&plane, &home.agent, &session, sent.clone()).await;
        assert_eq!((status, &taken["missing"]), (200, &json!(missing)), "{sent}");
    }
    // What comes after a later batch is not swallowed.
    let late = batch(5, (11, 11), vec![entry(11, "permit")], json!({}));
    assert_eq!(ship(&plane, &home.agent, &session, late).await.0, 409);
    let missing: u64 =
        plane.events(&home.dev).await.iter().filter_map(|event| event["missing"].as_u64()).sum();
    assert_eq!(missing, 5, "and the log says so");
    plane.stop().await;
}

#[tokio::test]
async fn a_batch_that_cannot_be_is_refused_whole() {
    let home = Home::new();
    let (plane, session) = prepared(&home).await;
    let permit = |number| entry(number, "permit");
    let unknown = |member: &str| {
        let mut sent = batch(1, (0, 0), vec![permit(0)], json!({}));
        sent[member] = json!(1);
        sent
    };
    let many = (0..1_001).map(permit).collect();
    for bad in [
        Value::Null,
        json!({}),
        batch(1, (0, 0), vec![], json!({})),
        batch(0, (0, 0), vec![permit(0)], json!({})),
        batch(1, (5, 3), vec![permit(5)], json!({})),
        batch(1, (0, 1), vec![permit(1), permit(0)], json!({})),
        batch(1, (0, 1), vec![permit(0), permit(0)], json!({})),
        batch(1, (0, 0), vec![permit(1)], json!({})),
        batch(1, (1, 1), vec![permit(0)], json!({})),
        batch(1, (0, 0), vec![permit(0)], json!({ "ENV_VIOLATION": 1 })),
        batch(1, (0, 0), vec![permit(0)], json!({ "ENV_VIOLATION": u64::MAX })),
        batch(1, (0, 0), vec![permit(0)], json!({ "NO_SUCH_CODE": 1 })),
        batch(1, (0, 0), vec![permit(0)], json!({ "ENV_VIOLATION": -1 })),
        batch(1, (0, 0), vec![entry(0, "hold")], json!({})),
        batch(1, (0, 0), vec![entry(0, "agreed")], json!({})),
        batch(1, (0, 2_000), many, json!({})),
        json!({ "batch": 1, "from": 1, "to": 1, "entries": [{ "number": 1, "at": "2026-11-26T00:00:00.000Z",
            "event": "permit" }] }),
        json!({ "batch": 1, "from": FIRST, "to": u64::MAX, "entries": [permit(0)] }),
        unknown("source"),
    ] {
        let (status, answer) = ship(&plane, &home.agent, &session, bad.clone()).await;
        assert_eq!(status, 400, "{bad}: {answer}");
    }
    let twice = format!(r#"{{"batch":1,"batch":2,"from":{FIRST},"to":{FIRST},"entries":[]}}"#);
    let path = format!("/v1/sessions/{session}/journal");
    assert_eq!(plane.send(&home.agent, "POST", &path, &twice).await.0, 400);
    assert_eq!(
        ship(&plane, &home.agent, &session, batch(1, (0, 0), vec![permit(0)], json!({}))).await.0,
        200
    );
    let (status, _) = ship(&plane, &home.agent, &session, batch(2, (0, 1), vec![permit(1)], json!({}))).await;
    assert_eq!(status, 409, "a number that was taken up before");
    assert_eq!(plane.events(&home.dev).await.len(), 1, "nothing else was written");
    plane.stop().await;
}

#[tokio::test]
async fn what_was_permitted_without_the_plane_is_a_journal_of_its_own() {
    let home = Home::new();
    let (plane, session) = prepared(&home).await;
    // Its numbers are others, so that neither journal shows what the other holds as missing.
    let number = (1_u64 << 49) + 1;
    let permit = json!({ "number": number, "at": "2026-11-26T00:00:00.000Z", "event": "permit" });
    let open = json!({ "batch": 1, "from": number, "to": number, "entries": [permit], "fail_open": true });
    let (status, taken) = ship(&plane, &home.agent, &session, open.clone()).await;
    assert_eq!((status, &taken["missing"]), (200, &json!(0)));
    for (member, other) in [("fail_open", json!(false)), ("from", json!(FIRST))] {
        let mut odd = open.clone();
        odd[member] = other;
        assert_eq!(ship(&plane, &home.agent, &session, odd).await.0, 400, "{member}");
    }
    let (status, taken) =
        ship(&plane, &home.agent, &session, batch(1, (0, 0), vec![entry(0, "permit")], json!({}))).await;
    assert_eq!((status, &taken["missing"]), (200, &json!(0)));
    let records = plane.events(&home.dev).await;
    let marked = records.iter().filter(|event| event["fail_open"] == true).count();
    assert_eq!((records.len(), marked), (2, 1));
    plane.stop().await;
}

#[tokio::test]
async fn a_journal_is_taken_up_until_an_hour_after_its_session() {
    let home = Home::new();
    let (plane, session) = prepared(&home).await;
    let sent = batch(1, (0, 0), vec![entry(0, "permit")], json!({}));
    assert_eq!(ship(&plane, &home.agent, &session, sent.clone()).await.0, 200);
    plane.stop().await;
    for (seconds_ago, status) in [(3_500, 200), (3_700, 404)] {
        let end = Timestamp::from_secs(SystemClock::new().now().secs() - seconds_ago);
        home.tamper("UPDATE sessions SET body = json_set(body, '$.expires_at', ?)", end.to_string());
        let plane = home.serve().await;
        let (told, _) = ship(&plane, &home.agent, &session, sent.clone()).await;
        assert_eq!(told, status, "{seconds_ago} seconds after its end");
        plane.stop().await;
    }
    let plane = home.serve().await;
    assert_eq!(plane.events(&home.dev).await.len(), 1, "once");
    plane.stop().await;
}
