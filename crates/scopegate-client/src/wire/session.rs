//! Sessions.

use std::fmt;

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A session to open.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Provision {
    /// The role, by its id or name.
    #[serde(rename = "role_id")]
    pub role: String,
    /// For how many seconds; 0 for as long as the role says, which is also the most.
    #[serde(rename = "requested_ttl")]
    pub ttl: u64,
    /// What for, in the agent's words.
    pub task_type: String,
    /// From which framework.
    pub framework: String,
    /// The session that this one is a sub-agent's of.
    #[serde(rename = "parent_session_id", skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How many calls may be permitted in it and its sub-agents' sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u64>,
}

impl Provision {
    /// A session of a role, for as long as the role says.
    pub fn new(role: impl Into<String>) -> Self {
        Self { role: role.into(), framework: "rust".to_owned(), ..Self::default() }
    }

    /// The session, over after so many seconds at the latest.
    #[must_use]
    pub fn for_seconds(mut self, seconds: u64) -> Self {
        self.ttl = seconds;
        self
    }

    /// The session, over after so many permitted calls.
    #[must_use]
    pub fn for_calls(mut self, most: u64) -> Self {
        self.max_calls = Some(most);
        self
    }

    /// The session, of a sub-agent of this one.
    #[must_use]
    pub fn under(mut self, parent: impl Into<String>) -> Self {
        self.parent = Some(parent.into());
        self
    }
}

/// What an agent shows of its session. Whoever has it, beside the key, acts in the session: it is
/// never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A token that was kept elsewhere.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

/// A session that was opened.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct SessionToken {
    /// The token.
    #[serde(rename = "jwt")]
    pub token: Token,
    /// The session's id.
    #[serde(rename = "session_id")]
    pub id: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A session as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionView {
    /// Its id.
    #[serde(rename = "session_id")]
    pub id: String,
    /// Where it stands.
    pub status: SessionStatus,
    /// The id of the key that opened it.
    pub key: String,
    /// Who holds that key.
    pub owner: String,
    /// The id of its role.
    pub role_id: String,
    /// The name of its role.
    #[serde(rename = "role_name")]
    pub role: String,
    /// What for, in the agent's words.
    pub task_type: String,
    /// From which framework, in the agent's words.
    pub framework: String,
    /// The session that it is a sub-agent's of.
    #[serde(rename = "parent_session_id")]
    pub parent: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
    /// Why it was ended, in the words of whoever did.
    pub reason: Option<String>,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SessionStatus {
    /// Its calls are judged.
    Active,
    /// Someone ended it; its calls are denied.
    Revoked,
    /// Its owner is suspended; its calls are denied until they are readmitted.
    Suspended,
    /// Its time is over.
    Expired,
    /// It is over for another reason.
    Ended,
    /// A later plane has words that this crate does not know.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(crate) struct Sessions {
    pub(crate) sessions: Vec<SessionView>,
}
