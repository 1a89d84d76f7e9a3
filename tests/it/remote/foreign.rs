//! A plane that lends nothing: every call is asked of it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::client::Agent;

/// Speaks the published dialect alone; permits `read`, denies the rest.
async fn foreign() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(answer(stream));
        }
    });
    url
}

async fn answer(mut stream: TcpStream) {
    let mut bytes = vec![0; 64 * 1024];
    let mut read = 0;
    let body = loop {
        read += stream.read(&mut bytes[read..]).await.expect("a request");
        let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str::<Value>(body)
        {
            break body;
        }
    };
    assert_eq!(body.get("decision_nonce"), None, "what it does not know is not sent");
    let told = match body["tool_name"].as_str() {
        None => {
            json!({ "jwt": "a.b.c", "session_id": format!("{:032x}", 7), "expires_at": "2037-01-01T00:00:00.000Z" })
        }
        Some("read") => json!({ "decision": "allow", "call_id": body["call_id"] }),
        Some(_) => {
            json!({ "decision": "deny", "deny_code": "SCOPE_VIOLATION", "reason": "no", "call_id": body["call_id"] })
        }
    };
    let told = told.to_string();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", told.len());
    stream.write_all((head + &told).as_bytes()).await.expect("sent");
}

#[tokio::test]
async fn every_call_is_asked() {
    let agent = Agent::new(&foreign().await, "sb-key");
    let who = agent.session("clerk").await;
    for count in 1..=3 {
        assert_eq!(agent.at_once(&who, "read", "{}"), None);
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
        assert_eq!(agent.word(&who, "write", "{}").await, "SCOPE_VIOLATION");
        assert_eq!(agent.enforcer.counts().by_the_plane, 2 * count);
    }
    let mut call = scopegate_core::ToolCall::new("read").with_args(scopegate_core::Args::none());
    call.env = Some("prod".into());
    let request = scopegate_core::AccessRequest::new(who.as_ref(), &call);
    let told = scopegate_core::Enforcer::enforce(&agent.enforcer, &request).await;
    assert!(told.is_err(), "it cannot be told the environment, so it cannot judge it: {told:?}");
}

#[tokio::test]
async fn denials_are_remembered_where_that_was_said_and_permits_never() {
    let agent =
        Agent::with(&foreign().await, "sb-key", |builder| builder.cache_answers(Duration::from_secs(5)));
    let who = agent.session("clerk").await;
    for _ in 0..3 {
        assert_eq!(agent.word(&who, "write", r#"{"a":1}"#).await, "SCOPE_VIOLATION");
    }
    assert_eq!(agent.enforcer.counts().by_the_plane, 1);
    assert_eq!(agent.word(&who, "write", r#"{"a":2}"#).await, "SCOPE_VIOLATION");
    assert_eq!(agent.enforcer.counts().by_the_plane, 2, "another call");
    for _ in 0..3 {
        assert_eq!(agent.word(&who, "read", "{}").await, "PERMIT");
    }
    assert_eq!(agent.enforcer.counts().by_the_plane, 5);
}
