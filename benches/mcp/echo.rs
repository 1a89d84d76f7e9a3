//! The smallest server that a call can reach, so that what is measured is the way there.

use std::io::{BufRead, Write};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use scopegate_benches::Result;
use serde_json::{Value, json};

/// Until the input ends.
pub(crate) fn on_stdio() -> Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        if let Some(answer) = answer(&line)? {
            output.write_all(answer.as_bytes())?;
            output.write_all(b"\n")?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

/// Until it is killed; prints its port.
pub(crate) fn over_http() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        Ok(axum::serve(listener, Router::new().route("/mcp", post(posted))).await?)
    })
}

async fn posted(body: String) -> Response {
    match answer(&body) {
        Ok(Some(answer)) => ([("content-type", "application/json")], answer).into_response(),
        Ok(None) => StatusCode::ACCEPTED.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn answer(message: &str) -> Result<Option<String>> {
    let message: Value = serde_json::from_str(message)?;
    let Some(id) = message.get("id") else { return Ok(None) };
    let result = match message.get("method").and_then(Value::as_str) {
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": "echo", "version": "1"},
        }),
        Some("tools/list") => json!({"tools": [{"name": "echo", "inputSchema": {
            "type": "object", "required": ["text"],
            "properties": {"text": {"type": "string"}, "n": {"type": "integer"}},
        }}]}),
        Some("tools/call") => {
            let text = message.pointer("/params/arguments/text").cloned().unwrap_or_default();
            json!({"content": [{"type": "text", "text": text}]})
        }
        _ => {
            let error = json!({"code": -32601, "message": "method not found"});
            return Ok(Some(json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()));
        }
    };
    Ok(Some(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()))
}
