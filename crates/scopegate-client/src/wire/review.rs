//! Calls that wait for a person.

use std::fmt;

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A call that waits, or waited, for a person. Its texts are as the agent wrote them: whoever shows
/// them makes control characters visible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Review {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: ReviewStatus,
    /// Whether the call was permitted already; it is permitted once.
    pub used: bool,
    /// The tool.
    #[serde(rename = "tool_name")]
    pub tool: String,
    /// The arguments, all of them.
    #[serde(rename = "call_args")]
    pub arguments: Value,
    /// What is done, where the call says so.
    pub action: Option<String>,
    /// To what.
    pub resource: Option<String>,
    /// On which server.
    #[serde(rename = "mcp_server")]
    pub server: Option<String>,
    /// The digest of what the tool is registered as there, where it is: agreement binds that too.
    #[serde(rename = "tool_definition", default)]
    pub definition: Option<String>,
    /// What the caller calls the call.
    pub call_id: Option<String>,
    /// The id of the role that it was asked under.
    pub role_id: Option<String>,
    /// The name of that role.
    #[serde(rename = "role_name")]
    pub role: String,
    /// The version of that role when it was asked.
    pub role_version: Option<u64>,
    /// The session that asked.
    #[serde(rename = "session_id")]
    pub session: String,
    /// Who asked.
    pub requested_by: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when it waits, and until when a decision stands.
    pub expires_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who agreed: the holder of the key.
    pub approved_by: Option<String>,
    /// Who refused: the holder of the key.
    pub rejected_by: Option<String>,
    /// What the client of whoever decided called its user.
    pub label: Option<String>,
}

/// Where a review stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(
    clippy::exhaustive_enums,
    reason = "a word that is not known is an error, and never taken for another"
)]
pub enum ReviewStatus {
    /// Nobody has decided.
    Pending,
    /// Somebody agreed.
    Approved,
    /// Somebody refused.
    Rejected,
    /// Too late.
    Expired,
}

impl fmt::Display for ReviewStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct Reviews {
    pub(crate) approvals: Vec<Review>,
}

/// The member has one name for both ways to decide.
#[derive(Serialize)]
pub(crate) struct SettleBody<'a> {
    pub(crate) approved_by: &'a str,
}
