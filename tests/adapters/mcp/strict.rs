//! Messages that no client would send. None of them reaches a tool.

use rmcp::transport::StreamableHttpServerConfig;
use rmcp::{ClientServiceExt, ServiceExt};
use serde_json::{Value, json};

use crate::support::{ERAS, Era, House, calling, modern};

/// Bodies that are refused, and with which code; `None` where nothing is answered.
fn hostile() -> Vec<(String, Option<i64>)> {
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":"#;
    let params = |params: &str| format!("{call}{params}}}");
    let mut bodies = vec![
        // A standard method that does not decode as itself.
        (params(r#"{"name":"pay","arguments":{"amount":1},"requestState":5}"#), Some(-32602)),
        (params(r#"{"name":"pay","arguments":{"amount":1},"inputResponses":"z"}"#), Some(-32602)),
        (params(r#"{"name":"pay","arguments":[1]}"#), Some(-32602)),
        (params(r#"{"name":["pay"],"arguments":{"amount":1}}"#), Some(-32602)),
        (params(r#"["pay",{"amount":1}]"#), Some(-32600)),
        // Members that stand twice: at every level, however they are spelled.
        (params(r#"{"name":"look","name":"pay","arguments":{"amount":1}}"#), Some(-32600)),
        (params(r#"{"name":"look","n\u0061me":"pay"}"#), Some(-32600)),
        (params(r#"{"name":"pay","arguments":{"amount":1,"amount":5000}}"#), Some(-32600)),
        (params(r#"{"name":"pay","arguments":{"amount":1},"arguments":{"amount":5000}}"#), Some(-32600)),
        (format!(r#"{{"method":"tools/list",{}"#, &params(r#"{"name":"pay"}"#)[1..]), Some(-32600)),
        // Numbers that readers do not agree on.
        (params(r#"{"name":"pay","arguments":{"amount":9007199254740993}}"#), Some(-32600)),
        (params(r#"{"name":"pay","arguments":{"amount":1e400}}"#), Some(-32600)),
        (params(r#"{"name":"pay","arguments":{"amount":-0}}"#), Some(-32600)),
        (params(r#"{"name":"pay","arguments":{"amount":1,"x":"\ud800"}}"#), Some(-32600)),
        // Batches.
        (format!("[{}]", params(r#"{"name":"pay","arguments":{"amount":1}}"#)), Some(-32600)),
        ("[]".to_owned(), Some(-32600)),
        // Neither a request nor a response.
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pay"},"result":{}}"#
                .to_owned(),
            Some(-32600),
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"pay"}}"#.to_owned(),
            Some(-32600),
        ),
        (
            r#"{"jsonrpc":"1.0","id":7,"method":"tools/call","params":{"name":"pay"}}"#.to_owned(),
            Some(-32600),
        ),
        (r#"{"id":7,"method":"tools/call","params":{"name":"pay"}}"#.to_owned(), Some(-32600)),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":["tools/call"],"params":{"name":"pay"}}"#.to_owned(),
            Some(-32600),
        ),
        // Too deep, too long.
        (
            params(&format!(r#"{{"name":"pay","arguments":{}1{}}}"#, "[".repeat(40), "]".repeat(40))),
            Some(-32600),
        ),
        (params(&format!(r#"{{"name":"pay","arguments":{{"x":"{}"}}}}"#, "x".repeat(70_000))), Some(-32600)),
    ];
    // A method of MCP in other letters.
    for method in ["Tools/call", "TOOLS/CALL", "tools/call/", "tools/run"] {
        let body = calling("pay", &json!({"amount": 1})).to_string().replace("tools/call", method);
        bodies.push((body, Some(-32602)));
    }
    bodies
}

/// Bodies that nobody answers.
fn unanswerable() -> [String; 6] {
    [
        "tools/call".to_owned(),
        r#"{"jsonrpc":"2.0","id":0,"result":{"content":[]}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"x"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":0,"result":{},"error":{}}"#.to_owned(),
        // A call that wants no answer, and a notification that does not decode.
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"pay","arguments":{"amount":1}}}"#
            .to_owned(),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[7]}}"#.to_owned(),
    ]
}

#[tokio::test]
async fn over_streams_nothing_hostile_reaches_a_tool() {
    let house = House::new();
    let mut raw = house.raw(&house.guard()).await;
    raw.hello().await;
    for (body, code) in hostile() {
        raw.send(&body).await;
        if let Some(code) = code {
            assert_eq!(raw.answer().await["error"]["code"], code, "{body}");
        }
    }
    for body in unanswerable() {
        raw.send(&body).await;
        raw.ping().await;
    }
    assert_eq!(house.ran(), [""; 0]);
    // And it still serves.
    raw.send(&calling("look", &json!({})).to_string()).await;
    assert_eq!(raw.answer().await["result"]["content"][0]["text"], "look {}");
}

#[tokio::test]
async fn a_line_without_an_end_is_given_up() {
    let house = House::new();
    let mut raw = house.raw(&house.guard()).await;
    raw.hello().await;
    let long = format!("{}{}", calling("pay", &json!({"amount": 1})), " ".repeat(300 * 1024));
    raw.send(&long).await;
    assert_eq!(raw.answer().await["error"]["code"], -32600);
    raw.ping().await;
    assert_eq!(house.ran(), [""; 0]);
}

#[tokio::test]
async fn over_http_nothing_hostile_reaches_a_tool() {
    for sessions in [true, false] {
        let house = House::new();
        let config = StreamableHttpServerConfig::default().with_legacy_session_mode(sessions);
        let site = house.http_with(&house.guard(), vec![], config).await;
        let mut headers = vec![("mcp-protocol-version", "2025-11-25")];
        let session;
        if sessions {
            let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
            let begun = site.post(&headers, hello.to_string()).await;
            session = begun.headers["mcp-session-id"].to_str().expect("text").to_owned();
            headers.push(("mcp-session-id", &session));
        }
        for (body, code) in hostile() {
            let posted = site.post(&headers, body.clone()).await;
            assert_eq!(Some(posted.code()), code, "{body}");
        }
        for body in unanswerable() {
            let posted = site.post(&headers, body.clone()).await;
            assert!(matches!(posted.status, 202 | 400), "{body}: {posted:?}");
        }
        assert_eq!(house.ran(), [""; 0]);
        let posted = site.post(&headers, calling("look", &json!({})).to_string()).await;
        assert_eq!(posted.message()["result"]["content"][0]["text"], "look {}", "{sessions}");
    }
}

#[tokio::test]
async fn a_version_that_nobody_knows_is_refused() {
    let house = House::new();
    let site = house.http(&house.guard(), vec![]).await;
    let look = calling("look", &json!({}));
    let posted = site.post(&[("mcp-protocol-version", "2099-01-01")], look.to_string()).await;
    assert_eq!(posted.status, 400);
    let mut unknown = modern(look.clone());
    unknown["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let headers =
        [("mcp-protocol-version", "2099-01-01"), ("mcp-method", "tools/call"), ("mcp-name", "look")];
    let posted = site.post(&headers, unknown.to_string()).await;
    assert_eq!((posted.status, posted.code()), (400, -32022));

    let mut raw = house.raw(&house.guard()).await;
    raw.send(&unknown.to_string()).await;
    assert_eq!(raw.answer().await["error"]["code"], -32022);
    // A handshake offers what is known instead.
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2099-01-01", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    raw.send(&hello.to_string()).await;
    assert_eq!(raw.answer().await["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(house.ran(), [""; 0]);
}

#[tokio::test]
async fn a_guarded_server_that_is_served_without_the_strict_reader_does_nothing() {
    for era in ERAS {
        let house = House::new();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = house.guard().over(house.shop.clone());
        tokio::spawn(async move { server.serve(theirs).await.expect("a client").waiting().await });
        let mode = match era {
            Era::Legacy => rmcp::ClientLifecycleMode::Initialize,
            Era::Modern => rmcp::ClientLifecycleMode::Discover {
                preferred_versions: vec![rmcp::model::ProtocolVersion::V_2026_07_28],
            },
        };
        let client = ().serve_with_lifecycle(ours, mode).await.expect("a server");
        assert!(client.list_tools(None).await.is_err());
        let refused = crate::support::call(&client, "look", Value::Object(Default::default())).await;
        assert_eq!(refused.expect_err("no frame").code.0, -32603);
        assert_eq!(house.ran(), [""; 0]);
    }
}
