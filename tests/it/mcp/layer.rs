//! The layer before an MCP server over HTTP: every call goes there, and its schema is in force.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use scopegate_tower::{Http, ScopeLayer};
use tower::ServiceExt as _;

use crate::engine::World;

const POLICY: &str = "
version: 1
mcp_servers:
  warehouse: {tools: [{name: count, inputSchema: {required: [bin]}}, {name: burn}, {name: list}]}
roles:
  - {name: r, allowed_tools: [count, list, steal], allowed_mcp_servers: [warehouse]}
";

async fn answer(http: Http, tool: &str, arguments: &str) -> (StatusCode, String) {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    let ran = post(async || "ran");
    let app = Router::new().route("/mcp", ran).route_layer(ScopeLayer::new(world.engine).extract(http));
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    );
    let request = Request::post("/mcp")
        .header("authorization", format!("Bearer {}", session.token()))
        .header("content-type", "application/json")
        .body(Body::from(body))
        .expect("a request");
    let response = app.oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn every_call_goes_to_the_layers_server() {
    for (tool, arguments, status, said) in [
        ("list", "{}", 200, "ran"),
        ("count", r#"{"bin":"a"}"#, 200, "ran"),
        ("count", "{}", 403, "MCP_ARGUMENT_SCHEMA_VIOLATION"),
        ("steal", "{}", 403, "MCP_TOOL_NOT_FOUND"),
        ("burn", "{}", 403, "SCOPE_VIOLATION"),
    ] {
        let (found, body) = answer(Http::json_rpc().server("warehouse"), tool, arguments).await;
        assert!(found == status && body.contains(said), "{tool} {arguments}: {found} {body}");
    }
    let (status, body) = answer(Http::json_rpc(), "list", "{}").await;
    assert!(status == 403 && body.contains("MCP_SERVER_UNAUTHORIZED"), "no server named: {status} {body}");
    let (status, body) = answer(Http::json_rpc().server("else"), "list", "{}").await;
    assert!(status == 403 && body.contains("MCP_SERVER_UNAUTHORIZED"), "another server: {status} {body}");
}
