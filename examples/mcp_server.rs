//! An MCP server built with rmcp, guarded: a client sees only the tools of its role, a call that breaks
//! a rule hears what would pass, a large payment waits for a person, and a hidden tool is not there.
//!
//! `cargo run -p scopegate-examples --example mcp_server`

use std::error::Error;
use std::sync::Arc;

use rmcp::model::*;
use rmcp::service::{RequestContext, RoleClient, RoleServer, RunningService, ServiceExt};
use rmcp::{ErrorData, ServerHandler};
use scopegate::mcp::{Guard, serve_on};
use scopegate::{LocalEnforcer, Policy, Provision, Reviews};
use serde_json::{Map, Value, json};

const POLICY: &str = "
version: 1
roles:
  - name: clerk
    allowed_tools: [balance, pay]
    parameter_constraints: {pay: [{field: to, operator: in, value: [bob, carol]}]}
    approval_unless: {pay: [{field: amount, operator: lte, value: 100}]}
";

/// Three tools that do what they are told.
struct Bank;

impl ServerHandler for Bank {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = Arc::new(Map::from_iter([("type".to_owned(), json!("object"))]));
        let tool = |name| Tool::new(name, "A tool of the bank.", schema.clone());
        Ok(ListToolsResult::with_all_items(["balance", "pay", "close_account"].map(tool).into()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let args = Value::Object(request.arguments.unwrap_or_default());
        Ok(CallToolResult::success(vec![ContentBlock::text(format!("did {} {args}", request.name))]).into())
    }
}

/// Calls a tool and prints what the model would hear.
async fn call(client: &RunningService<RoleClient, ()>, tool: &'static str, args: Value) {
    let args = args.as_object().cloned().unwrap_or_default();
    println!("{tool}");
    match client.call_tool(CallToolRequestParams::new(tool).with_arguments(args)).await {
        Ok(result) => {
            for text in result.content.iter().filter_map(ContentBlock::as_text) {
                println!("  {}", text.text);
            }
        }
        Err(error) => println!("  {error}"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let enforcer = LocalEnforcer::new(POLICY.parse::<Policy>()?)?;
    let guard = Guard::opening(enforcer.clone(), Provision::new("clerk", "agent-7"));

    // A program of its own says `serve_stdio(guard.over(Bank))` or mounts `http_service` in its router.
    let (ours, theirs) = tokio::io::duplex(4096);
    let (read, write) = tokio::io::split(theirs);
    let bank = guard.over(Bank);
    tokio::spawn(async move {
        Ok::<_, Box<dyn Error + Send + Sync>>(serve_on(bank, read, write).await?.waiting().await?)
    });
    let client = ().serve(ours).await?;

    let tools = client.list_all_tools().await?;
    println!("tools: {}", tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>().join(", "));
    call(&client, "pay", json!({"amount": 4000, "to": "mallory"})).await;
    call(&client, "close_account", json!({})).await;
    call(&client, "pay", json!({"amount": 40, "to": "bob"})).await;

    call(&client, "pay", json!({"amount": 400, "to": "carol"})).await;
    for review in enforcer.pending().await? {
        println!("dana approves {} {}", review.tool, review.arguments);
        enforcer.approve(review.id, "dana").await?;
    }
    call(&client, "pay", json!({"amount": 400, "to": "carol"})).await;
    guard.close().await?;
    Ok(())
}
