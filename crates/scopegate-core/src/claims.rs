//! What a call says of MCP beside the server it goes to. None of it is believed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::SessionId;

/// What a caller claims about the MCP side of a call. Rare, so a [`ToolCall`](crate::ToolCall) keeps
/// it behind one pointer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever reads a call fills in what it says")]
pub struct McpClaims {
    /// The MCP session that the caller says it is in.
    pub session: Option<ClaimedSession>,
    /// The JSON Schema that the caller says the tool has. It can only narrow what is registered.
    pub schema: Option<Value>,
}

/// A session that a caller says it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a claim names a session of ours or it does not")]
pub enum ClaimedSession {
    /// One of ours.
    Ours(SessionId),
    /// Something that is no id of ours, whatever it names elsewhere.
    Foreign,
}
