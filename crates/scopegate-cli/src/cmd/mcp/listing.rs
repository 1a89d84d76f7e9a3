//! What a server lists, for whoever only wants to know.

use scopegate_core::Name;
use scopegate_mcp::proxy::{Server, Tell};
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

/// Starts the one server, or finds it, asks, and hangs up.
pub(super) fn list(target: &TargetArgs) -> Result<Listed, Failure> {
    asking(async { ask(target.alone(&Tell::new(output::message))?).await })
}

/// The same for all of them, one after another.
pub(super) fn list_each(target: &TargetArgs) -> Result<Vec<Listed>, Failure> {
    asking(async {
        let mut all = Vec::new();
        for server in target.each(&Tell::new(output::message))? {
            all.push(ask(server).await?);
        }
        Ok(all)
    })
}

fn asking<T>(question: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Failure::no_answer)?.block_on(question)
}

async fn ask(server: Server) -> Result<Listed, Failure> {
    let failed = |error| Failure::no_answer(reveal(&format!("{}: {error}", server.name())));
    let tools = server.tools().await.map_err(failed)?;
    Ok(Listed { server: server.name().clone(), tools })
}
