//! An axum route behind the layer, called over HTTP: the tool is the route parameter, the
//! arguments are the JSON body, the session is the bearer token. Nothing had to be configured.
//!
//! `cargo run -p scopegate-examples --example axum_tools`

use std::error::Error;

use axum::body::{Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use axum::{Router, routing::post};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use scopegate::{
    Http, LocalEnforcer, Outcome, Policy, Provision, ReviewId, Reviews, ScopeLayer, TakenPermit,
};
use serde_json::Value;

const POLICY: &str = "
version: 1
roles:
  - name: clerk
    allowed_tools: [search, pay]
    parameter_constraints:
      pay:
        - {field: amount, operator: lte, value: 1000}
    approval_unless: # up to 100 nobody is asked
      pay:
        - {field: amount, operator: lte, value: 100}
";

/// All tools. The body is what was judged, written anew, or unread where no rule reads it.
async fn tool(TakenPermit(permitted): TakenPermit, args: String) -> String {
    let answer = format!("{} ran with {args}", permitted.call().tool);
    permitted.complete(Outcome::Ok);
    answer
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let enforcer = LocalEnforcer::new(Policy::from_text(POLICY, "policy.yaml")?)?;
    let layer = ScopeLayer::new(enforcer.clone()).extract(Http::new().hand_permit());
    let app = Router::new().route("/tools/{tool}", post(tool)).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/tools", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });

    // The agent is given the token and nothing else.
    let session = enforcer.open(Provision::new("clerk", "agent-7"))?;
    let agent = Some(session.token());

    call(&base, agent, "search", r#"{"for": "invoices"}"#).await?;
    call(&base, agent, "pay", r#"{"amount": 40}"#).await?;
    call(&base, agent, "pay", r#"{"amount": 4000}"#).await?;
    call(&base, agent, "delete_everything", "{}").await?;
    call(&base, None, "search", "{}").await?;

    let held = call(&base, agent, "pay", r#"{"amount": 400}"#).await?;
    let review = held.pointer("/review/id").and_then(Value::as_str).and_then(ReviewId::parse);
    let review = enforcer.approve(review.ok_or("no review")?, "dana").await?;
    println!("dana approves {} {}", review.tool, review.arguments);
    // One yes, one run of exactly that: other arguments, or a second time, ask again.
    call(&base, agent, "pay", r#"{"amount": 401}"#).await?;
    call(&base, agent, "pay", r#"{"amount": 400}"#).await?;
    call(&base, agent, "pay", r#"{"amount": 400}"#).await?;
    Ok(())
}

/// Calls a tool over HTTP, prints the answer, and returns it if it is a problem document.
async fn call(
    base: &str,
    token: Option<&str>,
    tool: &str,
    args: &'static str,
) -> Result<Value, Box<dyn Error>> {
    let mut request = Request::post(format!("{base}/{tool}")).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = client.request(request.body(args.into())?).await?;
    let status = response.status();
    let body = to_bytes(axum::body::Body::new(response.into_body()), 10_000).await?;
    println!("{tool} {args}");
    if status == StatusCode::OK {
        println!("  permitted: {}", String::from_utf8_lossy(&body));
        return Ok(Value::Null);
    }
    let problem: Value = serde_json::from_slice(&body)?;
    let member = |name| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    match status {
        StatusCode::ACCEPTED => println!("  held: {}", member("detail")),
        _ => println!("  {} denied {}: {}", status.as_u16(), member("code"), member("detail")),
    }
    Ok(problem)
}
