//! Scopes and epochs on the wire.

use scopegate_core::Timestamp;
use scopegate_engine::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::plane::{Home, Plane};

#[tokio::test]
async fn a_scope_holds_the_role_and_its_parents_and_when_it_was_so() {
    let home = Home::new();
    let plane = home.serve().await;
    plane
        .role(&home.dev, json!({ "name": "base", "allowed_tools": ["list"], "denied_actions": ["drop_*"] }))
        .await;
    let role = json!({ "name": "clerk", "allowed_tools": ["read"], "parent_role_id": "base",
        "parameter_constraints": { "read": [{ "field": "n", "operator": "lt", "value": 5 }] } });
    plane.role(&home.dev, role).await;

    let session = plane.open(&home.agent, "clerk").await;
    let scope = &session.scope;
    let names: Vec<_> = scope["roles"].as_array().expect("roles").iter().map(|role| &role["name"]).collect();
    assert_eq!(names, ["clerk", "base"], "{scope}");
    assert_eq!(scope["roles"][0]["parameter_constraints"]["read"][0]["operator"], "lt");
    assert_eq!(scope["roles"][1]["denied_actions"], json!(["drop_*"]));
    assert_eq!((&scope["version"], &scope["lease_ms"]), (&json!(1), &json!(5000)));
    let (_, epoch) = plane.ask(&home.agent, "GET", "/v1/epoch", Value::Null).await;
    assert_eq!(scope["epoch"]["counter"], epoch["counter"]);
    assert_eq!(scope["epoch"]["incarnation"], epoch["incarnation"]);

    // Asked for later, it is the same but for the time; not asked for, there is none.
    let path = format!("/v1/sessions/{}/scope", session.id);
    let (status, again) = plane.ask(&home.agent, "GET", &path, Value::Null).await;
    assert_eq!((status, &again["roles"]), (200, &scope["roles"]));
    let (_, plain) = plane.ask(&home.agent, "POST", "/v1/provision", json!({ "role_id": "clerk" })).await;
    assert_eq!(plain.get("scope"), None);
    plane.stop().await;
}

#[tokio::test]
async fn what_a_client_cannot_decide_is_not_lent() {
    let home = Home::new();
    let plane = home.serve().await;
    plane
        .role(&home.dev, json!({ "name": "strict", "allowed_tools": ["read"], "consistency": "strict" }))
        .await;
    plane
        .role(&home.dev, json!({ "name": "heir", "allowed_tools": ["list"], "parent_role_id": "strict" }))
        .await;
    plane
        .role(&home.dev, json!({ "name": "boss", "allowed_tools": ["read"], "max_delegation_depth": 1 }))
        .await;
    assert_eq!(plane.open(&home.agent, "strict").await.scope["roles"], Value::Null);
    // Policies stand against everyone, and are asked on the plane.
    plane.role(&home.dev, json!({ "name": "free", "allowed_tools": ["read"] })).await;
    assert!(plane.open(&home.agent, "free").await.scope["roles"].is_array());
    let policy = json!({ "name": "p", "policy_type": "action_type", "decision": "block", "mode": "shadow" });
    let (status, made) = plane.ask(&home.dev, "POST", "/v1/enforce/policies", policy).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(plane.open(&home.agent, "free").await.scope["roles"], Value::Null);
    let at = format!("/v1/enforce/policies/{}", made["policy"]["policy_id"].as_str().expect("an id"));
    assert_eq!(plane.ask(&home.dev, "DELETE", &at, Value::Null).await.0, 200);
    assert!(plane.open(&home.agent, "free").await.scope["roles"].is_array());
    assert_eq!(plane.open(&home.agent, "heir").await.scope["roles"], Value::Null);

    let boss = plane.open(&home.agent, "boss").await;
    assert!(boss.scope["roles"].is_array());
    let child = json!({ "role_id": "boss", "parent_session_id": boss.id, "scope": true });
    let (status, child) = plane.ask(&home.agent, "POST", "/v1/provision", child).await;
    assert_eq!(
        (status, &child["scope"]["roles"]),
        (200, &Value::Null),
        "a sub-agent's calls go to the plane"
    );

    let revoke = format!("/v1/sessions/{}", boss.id);
    assert_eq!(plane.ask(&home.agent, "DELETE", &revoke, Value::Null).await.0, 200);
    let (status, over) = plane.ask(&home.agent, "GET", &format!("{revoke}/scope"), Value::Null).await;
    assert_eq!((status, &over["roles"]), (200, &Value::Null), "nor is anything of a session that is over");
    let (status, _) =
        plane.ask(&home.dev, "POST", "/mgmt/v1/roles", json!({ "name": "r", "consistency": "loose" })).await;
    assert_eq!(status, 400);
    plane.stop().await;
}

#[tokio::test]
async fn what_is_lent_is_lent_to_the_key_that_opened_the_session() {
    let home = Home::new();
    let plane = home.serve().await;
    plane
        .role(&home.dev, json!({ "name": "clerk", "allowed_tools": ["read"], "rate_limit_per_minute": 60 }))
        .await;
    let session = plane.open(&home.agent, "clerk").await;
    let batch = json!({ "batch": 1, "from": 281_474_976_710_657_u64, "to": 281_474_976_710_657_u64,
        "omitted": { "SCOPE_VIOLATION": 1 } });
    for (method, what, body) in
        [("GET", "scope", Value::Null), ("POST", "rate", Value::Null), ("POST", "journal", batch)]
    {
        let path = format!("/v1/sessions/{}/{what}", session.id);
        let unknown = format!("/v1/sessions/{:032x}/{what}", 7);
        for stranger in [&home.other_agent, &home.foreign, &home.dev] {
            let theirs = plane.ask(stranger, method, &path, body.clone()).await;
            let nobodys = plane.ask(stranger, method, &unknown, body.clone()).await;
            assert_eq!(theirs.0, 404, "{what}: {}", theirs.1);
            assert_eq!(theirs, nobodys, "someone else's looks unknown");
        }
        assert_eq!(plane.ask(&home.agent, method, "/v1/sessions/x/scope", body.clone()).await.0 / 100, 4);
        assert_eq!(plane.ask(&home.agent, method, &path, body).await.0, 200, "{what}");
    }
    plane.stop().await;
}

#[tokio::test]
async fn every_change_is_told_with_what_it_touched_and_only_to_its_tenant() {
    let home = Home::new();
    let plane = home.serve().await;
    let mut here = Listener::new(&plane, &home.agent).await;
    let mut elsewhere = Listener::new(&plane, &home.foreign).await;
    let begun = here.next().await;
    assert_eq!(begun["what"], Value::Null);
    elsewhere.next().await;

    plane.role(&home.dev, json!({ "name": "clerk", "allowed_tools": ["read"] })).await;
    let session = plane.open(&home.agent, "clerk").await;
    let revoke = format!("/v1/sessions/{}", session.id);
    assert_eq!(plane.ask(&home.agent, "DELETE", &revoke, Value::Null).await.0, 200);
    assert_eq!(plane.ask(&home.agent, "DELETE", &revoke, Value::Null).await.0, 200, "ended twice, told once");
    assert_eq!(plane.ask(&home.dev, "POST", "/mgmt/v1/agents/ann/suspend", Value::Null).await.0, 200);
    assert_eq!(plane.ask(&home.dev, "DELETE", "/mgmt/v1/roles/clerk", Value::Null).await.0, 200);
    let policy = json!({ "name": "p", "policy_type": "action_type", "decision": "block" });
    assert_eq!(plane.ask(&home.dev, "POST", "/v1/enforce/policies", policy).await.0, 201);
    let touched = [
        json!({ "role": "clerk" }),
        json!({ "session": session.id }),
        json!({ "owner": "ann" }),
        json!({ "role": "clerk" }),
        json!({ "policies": true }),
    ];
    for (touched, step) in touched.into_iter().zip(1..) {
        let mut expected = touched;
        expected["incarnation"] = begun["incarnation"].clone();
        expected["counter"] = json!(begun["counter"].as_u64().expect("a count") + step);
        assert_eq!(here.next().await, expected);
    }
    plane.role(&home.foreign, json!({ "name": "theirs" })).await;
    assert_eq!(elsewhere.next().await["role"], "theirs", "the first that is heard there");
    plane.stop().await; // also while someone listens
}

#[tokio::test]
async fn a_restart_is_another_incarnation() {
    let home = Home::new();
    let plane = home.serve().await;
    let (_, before) = plane.ask(&home.agent, "GET", "/v1/epoch", Value::Null).await;
    plane.stop().await;
    let plane = home.serve().await;
    let (_, after) = plane.ask(&home.agent, "GET", "/v1/epoch", Value::Null).await;
    assert_ne!(before["incarnation"], after["incarnation"]);
    plane.stop().await;
}

/// Hears server-sent events.
struct Listener(BufReader<TcpStream>);

impl Listener {
    async fn new(plane: &Plane, key: &str) -> Self {
        let mut stream =
            TcpStream::connect(plane.url.trim_start_matches("http://")).await.expect("a connection");
        let request =
            format!("GET /v1/epoch/events HTTP/1.1\r\nhost: plane\r\nx-scopebound-api-key: {key}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        Self(BufReader::new(stream))
    }

    /// The data of the next event.
    async fn next(&mut self) -> Value {
        self.hear().await.expect("the stream ended")
    }

    /// The same; `None` once the stream has ended.
    async fn hear(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            // A reset is an end too.
            let read = self.0.read_line(&mut line).await.unwrap_or(0);
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).expect("JSON"));
            }
            // The last chunk is empty.
            if read == 0 || line == "0\r\n" {
                return None;
            }
        }
    }
}

#[tokio::test]
async fn one_key_has_sixteen_streams_and_another_key_its_own() {
    let home = Home::new();
    let plane = home.serve().await;
    let mut listeners = Vec::new();
    for _ in 0..16 {
        let mut listener = Listener::new(&plane, &home.agent).await;
        listener.next().await;
        listeners.push(listener);
    }
    let ask = || plane.ask(&home.agent, "GET", "/v1/epoch/events", Value::Null);
    let (status, answer) = ask().await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("UNAVAILABLE")));
    let told = answer["detail"].as_str().expect("words");
    assert_eq!(told, "this key has 16 event streams; ask for `/v1/epoch`");
    Listener::new(&plane, &home.other_agent).await.next().await;
    // Everything else goes on, and a place that is left is taken again.
    assert_eq!(plane.ask(&home.agent, "GET", "/v1/epoch", Value::Null).await.0, 200);
    listeners.pop();
    loop {
        if let Some(told) = Listener::new(&plane, &home.agent).await.hear().await {
            assert!(told["incarnation"].is_u64(), "{told}");
            break;
        }
    }
    plane.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_key() {
    let home = Home::new();
    let plane = home.serve().await;
    let (mut revoked, mut other) =
        (Listener::new(&plane, &home.agent).await, Listener::new(&plane, &home.dev).await);
    revoked.next().await;
    other.next().await;
    home.revoke(&home.agent);
    assert_eq!(revoked.hear().await, None, "it hears of nothing more, not even of its own end");
    assert!(other.next().await["owner"].is_string(), "who still has a key does");

    // Nobody tells of a key that ends by itself: it is looked at again.
    let soon = Timestamp::from_nanos(SystemClock::new().now().nanos() + 300_000_000);
    let mut short = Listener::new(&plane, &home.key_until(soon)).await;
    short.next().await;
    assert_eq!(short.hear().await, None);
    plane.stop().await;
}

#[tokio::test]
async fn a_child_of_a_revoked_session_is_never_called_expired() {
    let home = Home::new();
    let plane = home.serve().await;
    let role = json!({ "name": "boss", "allowed_tools": ["read"], "max_delegation_depth": 2 });
    plane.role(&home.dev, role).await;
    let boss = plane.open(&home.agent, "boss").await;
    let mut young = Vec::new();
    let mut parent = boss.id.clone();
    for _ in 0..2 {
        let order = json!({ "role_id": "boss", "parent_session_id": parent });
        let (status, child) = plane.ask(&home.agent, "POST", "/v1/provision", order).await;
        assert_eq!(status, 200, "{child}");
        child["session_id"].as_str().expect("an id").clone_into(&mut parent);
        young.push(child["jwt"].as_str().expect("a token").to_owned());
    }
    let alone = plane.open(&home.agent, "boss").await;
    // Once there is a record, a store knows how late it is.
    assert_eq!(plane.enforce(&home.agent, &alone.jwt, json!({})).await.1["decision"], "allow");
    let end = format!("/v1/sessions/{}", boss.id);
    assert_eq!(plane.ask(&home.agent, "DELETE", &end, Value::Null).await.0, 200);
    plane.stop().await;
    // As if all of them had ended two hours ago: nobody remembers them.
    let long_ago = SystemClock::new().now().nanos() - 7_200_000_000_000;
    home.tamper("UPDATE sessions SET expires_at = ?", i64::try_from(long_ago).expect("a time"));
    let plane = home.serve().await;
    let mut codes = Vec::new();
    for jwt in [&boss.jwt, &young[0], &young[1], &alone.jwt] {
        let (_, answer) = plane.enforce(&home.agent, jwt, json!({})).await;
        codes.push(answer["deny_code"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(codes, ["SESSION_REVOKED", "SESSION_REVOKED", "SESSION_REVOKED", "SESSION_EXPIRED"]);
    plane.stop().await;
}
