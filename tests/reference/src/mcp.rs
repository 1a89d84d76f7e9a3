//! Line 3: the MCP session a call claims, the server it names, and what that server offers.

use crate::decide::{Call, Link};
use crate::json::Json;
use std::collections::HashMap;

/// A tool that a server was registered with.
#[derive(Debug)]
pub struct Offered {
    /// Its name.
    pub tool: String,
    /// What its arguments have to fit.
    pub schema: Option<Json>,
    /// Nobody has looked at it since it changed.
    pub quarantined: bool,
}

/// The MCP session that a call claims to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The session that asks.
    Own,
    /// That session, by its handle.
    Of(usize),
    /// None that anyone knows.
    Foreign,
}

/// What is known of four servers before anybody registers them.
const BUILT_IN: [(&str, &str); 4] = [
    ("filesystem", "read_file write_file list_directory delete_file"),
    ("github", "create_issue push_commit create_pr merge_pr read_file"),
    ("slack", "send_message post_to_channel list_channels"),
    ("database", "query execute list_tables"),
];

/// Line 3.
pub(crate) fn judge_mcp(
    session: usize,
    links: &[Link],
    call: &Call,
    servers: &HashMap<String, Vec<Offered>>,
) -> Option<&'static str> {
    match call.claim {
        None | Some(Claim::Own) => {}
        Some(Claim::Of(claimed)) if claimed == session => {}
        Some(_) => return Some("MCP_SESSION_HIJACK"),
    }
    if !links.iter().all(|link| server_passes(link, call.server)) {
        return Some("MCP_SERVER_UNAUTHORIZED");
    }
    let server = call.server?;
    if !links.iter().all(|link| tool_is_known(link, server, call.tool, servers)) {
        return Some("MCP_TOOL_NOT_FOUND");
    }
    let mut offered = servers.get(server).into_iter().flatten().filter(|offered| offered.tool == call.tool);
    offered.any(|offered| offered.quarantined).then_some("MCP_TOOL_CHANGED")
}

/// Whether every list of servers that guards the tool has this one, and there is such a list. Without
/// any list no server may be named; with one, one must be.
pub(crate) fn server_passes(link: &Link, server: Option<&str>) -> bool {
    let guarding = if link.guards.is_empty() { &link.chain } else { &link.guards };
    let mut lists = guarding.iter().map(|role| &role.allowed_mcp_servers).filter(|list| !list.is_empty());
    match server {
        None => lists.next().is_none(),
        Some(server) => {
            let mut lists = lists.peekable();
            lists.peek().is_some() && lists.all(|list| list.iter().any(|name| name == server))
        }
    }
}

fn tool_is_known(link: &Link, server: &str, tool: &str, servers: &HashMap<String, Vec<Offered>>) -> bool {
    if let Some(offered) = servers.get(server) {
        return offered.iter().any(|offered| offered.tool == tool);
    }
    match BUILT_IN.iter().find(|(name, _)| *name == server) {
        Some((_, tools)) => tools.split(' ').any(|known| known == tool) || !link.guards.is_empty(),
        None => true,
    }
}
