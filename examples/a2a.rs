//! An A2A agent behind the axum layer: other agents reach it by JSON-RPC over HTTP, so its methods
//! are the tools, `params` are the arguments, and who asks is in the bearer token. Nothing of the
//! gate knows A2A; two JSON pointers are all that differs from other routes.
//!
//! `cargo run -p scopegate-examples --example a2a`

use std::error::Error;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use axum::{Json, Router, routing::post};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use scopegate::{ArgsFrom, Http, LocalEnforcer, Policy, Provision, ScopeLayer, ToolFrom};
use serde_json::{Value, json};

/// A planner may have texts translated. It may neither send files nor use the agent's other skills.
const POLICY: &str = "
version: 1
roles:
  - name: planner
    allowed_tools: [message/send, tasks/get]
    rate_limit_per_minute: 60
    parameter_constraints:
      message/send:
        - {field: message.metadata.skill, operator: in, value: [translate]}
        - {field: 'message.parts[*].kind', operator: eq, value: text}
";

/// The agent, which does whatever it is asked.
async fn agent(Json(request): Json<Value>) -> Json<Value> {
    let at = |pointer| request.pointer(pointer).cloned().unwrap_or_default();
    let result = match at("/method").as_str() {
        Some("message/send") => json!({"role": "agent", "did": at("/params/message/metadata/skill")}),
        Some("tasks/get") => json!({"id": at("/params/id"), "status": {"state": "completed"}}),
        _ => json!({"status": {"state": "canceled"}}),
    };
    Json(json!({"jsonrpc": "2.0", "id": at("/id"), "result": result}))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let enforcer = LocalEnforcer::new(POLICY.parse::<Policy>()?)?;
    let a2a = Http::new().tool(ToolFrom::json_pointer("/method")).args(ArgsFrom::json_pointer("/params"));
    // The agent's card is public; its one endpoint is not.
    let card = json!({"name": "translator", "skills": [{"id": "translate"}, {"id": "publish"}]});
    let app = Router::new()
        .route("/", post(agent).layer(ScopeLayer::new(enforcer.clone()).extract(a2a)))
        .route("/.well-known/agent-card.json", axum::routing::get(async || Json(card)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });

    let session = enforcer.open(Provision::new("planner", "planner-1"))?;
    let message = |skill: &str, kind: &str| {
        let parts = json!([{"kind": "text", "text": "hello"}, {"kind": kind}]);
        json!({"message": {"role": "user", "parts": parts, "metadata": {"skill": skill}}})
    };
    let call = |method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let ask = call("message/send", message("translate", "text"));
    let twice = ask.replacen("\"translate\"", "\"translate\",\"skill\":\"publish\"", 1);
    for (said, body) in [
        ("translate a text", ask.clone()),
        ("publish a text", call("message/send", message("publish", "text"))),
        ("translate a file", call("message/send", message("translate", "file"))),
        ("translate and publish", twice),
        ("look at a task", call("tasks/get", json!({"id": "t-1"}))),
        ("cancel a task", call("tasks/cancel", json!({"id": "t-1"}))),
        ("two at once", format!("[{ask},{ask}]")),
    ] {
        println!("{said}\n  {}", send(&url, session.token(), body).await?);
    }
    println!("a stranger\n  {}", send(&url, "sgs_made_up", ask).await?);
    Ok(())
}

/// What the other agent gets to see.
async fn send(url: &str, token: &str, body: String) -> Result<String, Box<dyn Error>> {
    let request = Request::post(url)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"));
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = client.request(request.body(body.into())?).await?;
    let status = response.status().as_u16();
    let body: Value = serde_json::from_slice(&to_bytes(Body::new(response.into_body()), 10_000).await?)?;
    let told = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(match body.get("result") {
        Some(result) => format!("{status} {result}"),
        None => format!("{status} {}: {}", told("code"), told("detail")),
    })
}
