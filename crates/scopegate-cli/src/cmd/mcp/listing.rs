//! What a server lists, for whoever only wants to know.

use scopegate_core::Name;
use scopegate_mcp::proxy::Tell;
use serde_json::Value;

use super::target::TargetArgs;
use crate::exit::Failure;
use crate::output;
use crate::reveal::reveal;

/// The tools of a server as it listed them, all pages.
pub(super) struct Listed {
    pub(super) server: Name,
    pub(super) tools: Vec<Value>,
}

/// Starts the server, or finds it, asks, and hangs up.
pub(super) fn list(target: &TargetArgs) -> Result<Listed, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Failure::no_answer)?.block_on(async {
        let server = target.alone(&Tell::new(output::message))?;
        let tools = server
            .tools()
            .await
            .map_err(|error| Failure::no_answer(reveal(&format!("{}: {error}", server.name()))))?;
        Ok(Listed { server: server.name().clone(), tools })
    })
}
