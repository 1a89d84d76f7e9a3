//! MCP servers: who may go to which, for which tools, with which arguments, how often.

mod at_server;
mod files;
mod identity;
mod layer;
mod rates;
mod schemas;

use scopegate_core::{ClaimedSession, McpClaims, ToolCall};
use serde_json::Value;

use crate::engine::call;

/// A call to a server; none when its name is empty.
fn to(server: &str, tool: &str, args: &str) -> ToolCall {
    let mut call = call(tool, args.to_owned());
    call.server = (!server.is_empty()).then(|| server.into());
    call
}

/// The call with these claims.
fn claiming(mut call: ToolCall, session: Option<ClaimedSession>, schema: Option<Value>) -> ToolCall {
    call.mcp = Some(Box::new(McpClaims { session, schema }));
    call
}
