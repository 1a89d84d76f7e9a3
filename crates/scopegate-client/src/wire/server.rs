//! MCP servers, as a plane shows them.

use scopegate_core::{CatalogueTool, Timestamp};
use serde::{Deserialize, Serialize};

/// What a plane was told of an MCP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerView {
    /// Its name, as roles list it.
    pub name: String,
    /// All of its tools.
    pub tools: Vec<CatalogueTool>,
    /// When they were registered.
    pub updated_at: Timestamp,
}

/// An MCP server and the names of its tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerSummary {
    /// Its name, as roles list it.
    pub name: String,
    /// All of its tools.
    pub tools: Vec<String>,
    /// When they were registered.
    pub updated_at: Timestamp,
}

#[derive(Deserialize)]
pub(crate) struct Servers {
    pub(crate) servers: Vec<ServerSummary>,
}
