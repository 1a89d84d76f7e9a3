//! Over HTTP: who asks, whose a session is, and headers that say something else than the body.

use scopegate_core::Principal;
use scopegate_mcp::Guard;
use serde_json::{Value, json};

use crate::support::{ERAS, Era, House, Site, call, calling, is_error, modern};

/// A house with a clerk and a guest, who are known by secrets.
async fn site() -> (House, Site) {
    let house = House::new();
    let people = vec![("c", house.principal("clerk").await), ("g", house.principal("guest").await)];
    let site = house.http(&Guard::from_http(house.engine.clone()), people).await;
    (house, site)
}

const NEW: &str = "2026-07-28";

/// A call of 2026-07-28 with the headers it has to have, and these beside or in their place.
async fn post(site: &Site, body: &Value, headers: &[(&str, &str)]) -> crate::support::Posted {
    let mut all = vec![("authorization", "c"), ("mcp-protocol-version", NEW)];
    all.extend_from_slice(headers);
    site.post(&all, modern(body.clone()).to_string()).await
}

#[tokio::test]
async fn each_principal_sees_and_does_what_is_its_own() {
    for era in ERAS {
        let (house, site) = site().await;
        let (clerk, guest) = (site.client(era, "c").await, site.client(era, "g").await);
        let names =
            |tools: Vec<rmcp::model::Tool>| tools.into_iter().map(|tool| tool.name).collect::<Vec<_>>();
        assert_eq!(names(clerk.list_all_tools().await.expect("tools")), ["pay", "look", "wait"], "{era:?}");
        assert_eq!(names(guest.list_all_tools().await.expect("tools")), ["look"], "{era:?}");
        assert!(call(&guest, "pay", json!({"amount": 1})).await.is_err());
        assert!(!is_error(&call(&guest, "look", json!({})).await.expect("a result")));
        assert!(!is_error(&call(&clerk, "pay", json!({"amount": 1})).await.expect("a result")));
        assert_eq!(house.ran(), ["look", "pay"], "{era:?}");
    }
}

#[tokio::test]
async fn nobody_is_answered_who_is_not_verified_whatever_a_header_says() {
    let (house, site) = site().await;
    for era in ERAS {
        assert!(site.try_client(era, "x").await.is_err(), "{era:?}");
    }
    let session = house.principal("clerk").await;
    let Principal::Token(token) = &session else { panic!("a token") };
    let bearer = format!("Bearer {token}");
    for headers in [
        vec![],
        vec![("authorization", "x")],
        vec![("authorization", bearer.as_str())],
        vec![("x-agent-id", "agent-7"), ("x-principal", token)],
    ] {
        for body in [calling("look", &json!({})), json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})]
        {
            let posted = site.post(&headers, body.to_string()).await;
            assert_eq!((posted.status, posted.code()), (401, -32600), "{headers:?}");
            assert_eq!(posted.headers["www-authenticate"], "Bearer");
        }
    }
    // A guard that expects a principal with each request finds none on streams.
    let client = house.client(&Guard::from_http(house.engine.clone()), Era::Legacy).await;
    assert_eq!(client.list_all_tools().await.expect("a list"), []);
    let denied = call(&client, "look", json!({})).await.expect("a result");
    assert_eq!(crate::support::beside(&denied)["code"], "NO_SESSION");
    assert_eq!(house.ran(), [""; 0]);
}

#[tokio::test]
async fn a_session_belongs_to_whoever_began_it() {
    let (house, site) = site().await;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let begun = site.post(&[("authorization", "c")], hello.to_string()).await;
    assert_eq!(begun.status, 200);
    let session = begun.headers["mcp-session-id"].to_str().expect("text").to_owned();
    let look = calling("look", &json!({})).to_string();
    let asked = |secret: &'static str, session: String| {
        let (site, look) = (&site, look.clone());
        async move {
            let headers = [("authorization", secret), ("mcp-session-id", session.as_str())];
            site.post(&headers, look).await.status
        }
    };
    assert_eq!(asked("c", session.clone()).await, 200);
    assert_eq!(house.ran(), ["look"]);
    // Both are told the same: of somebody else's, and of none.
    assert_eq!(asked("g", session.clone()).await, 404);
    assert_eq!(asked("g", "nothing".to_owned()).await, 404);
    assert_eq!(house.ran(), ["look"]);
}

#[tokio::test]
async fn headers_that_disagree_with_the_body_are_refused() {
    let (house, site) = site().await;
    let pay = calling("pay", &json!({"amount": 1}));
    let good = [("mcp-method", "tools/call"), ("mcp-name", "pay"), ("mcp-param-amount", "1")];
    let posted = post(&site, &pay, &good).await;
    assert_eq!(posted.status, 200, "{posted:?}");
    assert_eq!(house.ran(), ["pay"]);

    let with = |changed: &[(&'static str, &'static str)]| {
        let kept = good.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        kept.chain(changed.iter().filter(|(_, value)| !value.is_empty())).copied().collect::<Vec<_>>()
    };
    for changed in [
        [("mcp-name", "look")].as_slice(),
        &[("mcp-name", "PAY")],
        &[("mcp-name", "")],
        // `look`, `pay` and nonsense, wrapped.
        &[("mcp-name", "=?base64?bG9vaw==?=")],
        &[("mcp-name", "=?base64?cGF5?=")],
        &[("mcp-name", "=?base64?%?=")],
        &[("mcp-method", "tools/list")],
        &[("mcp-method", "")],
        &[("mcp-param-amount", "2")],
        &[("mcp-param-amount", "")],
        &[("mcp-name", "pay"), ("mcp-name", "look")],
        &[("mcp-method", "tools/call"), ("mcp-method", "tools/call")],
        &[("mcp-protocol-version", "2025-11-25")],
    ] {
        let posted = post(&site, &pay, &with(changed)).await;
        assert_eq!((posted.status, posted.code()), (400, -32020), "{changed:?}");
    }
    assert_eq!(house.ran(), ["pay"]);
}

#[tokio::test]
async fn headers_of_older_versions_may_not_disagree_either() {
    let house = House::new();
    let config = rmcp::transport::StreamableHttpServerConfig::default().with_legacy_session_mode(false);
    let people = vec![("c", house.principal("clerk").await)];
    let site = house.http_with(&Guard::from_http(house.engine.clone()), people, config).await;
    let pay = calling("pay", &json!({"amount": 1})).to_string();
    let old = [("authorization", "c"), ("mcp-protocol-version", "2025-11-25")];
    for name in ["look", "=?base64?cGF5?="] {
        let posted = site.post(&[old[0], old[1], ("mcp-name", name)], pay.clone()).await;
        assert_eq!((posted.status, posted.code()), (400, -32020), "{name}");
    }
    assert_eq!(house.ran(), [""; 0]);
    assert_eq!(site.post(&[old[0], old[1], ("mcp-name", "pay")], pay).await.status, 200);
    assert_eq!(house.ran(), ["pay"]);
}

#[tokio::test]
async fn headers_tell_nothing_of_a_hidden_tool() {
    let (house, site) = site().await;
    // Both tools have a header for `amount`; the request has none.
    let headers = |tool| [("mcp-method", "tools/call"), ("mcp-name", tool)];
    let amount = json!({"amount": 1});
    let known = post(&site, &calling("pay", &amount), &headers("pay")).await;
    assert_eq!((known.status, known.code()), (400, -32020));
    let hidden = post(&site, &calling("wipe", &amount), &headers("wipe")).await;
    let unknown = post(&site, &calling("none", &amount), &headers("none")).await;
    assert_eq!((hidden.status, hidden.message()), (unknown.status, unknown.message()));
    assert_eq!(hidden.code(), -32602);
    assert_eq!(house.ran(), [""; 0]);
}
