//! Events of the log, as an export tells them.

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Events of the log, oldest first.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// The number that the record after the last has, or will have.
    pub next: u64,
}

/// Something that was recorded. Its texts are as the agent wrote them: whoever shows them makes control
/// characters visible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The record's number in the log, from 0 without gaps.
    pub seq: u64,
    /// When it was recorded.
    pub timestamp: Timestamp,
    /// What happened: `enforce`, or what became of a permitted call.
    pub event: String,
    /// The verdict in the dialect's word; empty when it is none.
    pub decision: String,
    /// Why a call was denied.
    pub deny_code: Option<String>,
    /// How bad it is.
    pub severity: Option<String>,
    /// In words.
    pub reason: Option<String>,
    /// The id of the role.
    pub role_id: Option<String>,
    /// The name of the role.
    #[serde(rename = "role_name")]
    pub role: Option<String>,
    /// The session.
    #[serde(rename = "session_id")]
    pub session: Option<String>,
    /// The tool.
    #[serde(rename = "tool_name")]
    pub tool: Option<String>,
    /// What is done, where the call says so.
    pub action: Option<String>,
    /// On which MCP server.
    #[serde(rename = "mcp_server")]
    pub server: Option<String>,
    /// What the caller calls the call.
    pub call_id: Option<String>,
    /// The review that was opened or used.
    #[serde(rename = "approval_id")]
    pub review: Option<String>,
    /// How long the decision took.
    pub latency_ms: Option<f64>,
    /// The hash of the record before it.
    pub prev_hash: String,
    /// Its hash.
    pub hash: String,
}

impl AuditEvent {
    /// What happened, in a word: `permit`, `deny`, `hold`, or what became of a call.
    pub fn word(&self) -> &str {
        match self.decision.as_str() {
            "allow" => "permit",
            "pending" => "hold",
            "" => &self.event,
            decision => decision,
        }
    }
}
