//! What goes over the wire, in this dialect's words.

use std::fmt;

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::Ask;

/// An agent to register, or what of one is to change. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentDraft {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is built with; `custom` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// What it is for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it says it can do. Restricts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// What it may pass on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// How it may pass that on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation_policy: Option<Map<String, Value>>,
    /// What it may do at most, whatever its roles say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Whether its calls are judged; all of them are denied otherwise. Of no use in a registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// How many days its first credential lives: 1 to 365, 90 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_ttl_days: Option<u64>,
}

impl AgentDraft {
    /// An agent of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// The agent, built with this.
    #[must_use]
    pub fn of_framework(mut self, framework: impl Into<String>) -> Self {
        self.framework = Some(framework.into());
        self
    }

    /// The agent, described.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

/// An agent as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentView {
    /// Its id: the owner of its sessions.
    pub agent_id: String,
    /// What people call it.
    pub name: String,
    /// What it is built with.
    pub framework: String,
    /// What it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it says it can do.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// What it may pass on.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What it may do at most.
    #[serde(default)]
    pub permissions: Permissions,
    /// The ids of the roles that it was assigned.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Its name as a decentralised identifier.
    pub did: String,
    /// How far it is trusted, from 0 to 100.
    pub trust_level: f64,
    /// Whether its calls are judged; all of them are denied otherwise.
    pub is_active: bool,
    /// Decisions so far.
    pub total_actions: u64,
    /// Those that permitted.
    pub allowed_actions: u64,
    /// Those that denied.
    pub blocked_actions: u64,
    /// Those that waited for a person.
    pub escalated_actions: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When the last call was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// What an agent may do at most: patterns, in which `*` stands for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Permissions {
    /// Unless it is empty, nothing but this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_action_types: Vec<String>,
    /// Never this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_action_types: Vec<String>,
}

/// What came of a registration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RegisteredAgent {
    /// The agent.
    pub agent: AgentView,
    /// A new agent's credential, with its private key; or else the one in use, which other agents are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialView>,
}

/// A page of agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentPage {
    /// In the order they were registered.
    pub agents: Vec<AgentView>,
    /// How many there are in all.
    pub total: u64,
}

/// A private key, as PEM. Whoever has it is the agent: it is printed only where that is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrivateKey(String);

impl PrivateKey {
    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(secret)")
    }
}

/// A credential: what an agent's assertions are verified with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CredentialView {
    /// Its id: the `kid` of assertions.
    pub credential_id: String,
    /// The agent: the `iss` of assertions.
    pub agent_id: String,
    /// Where it stands.
    pub status: CredentialStatus,
    /// The private key, in the answer that made it and in no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PrivateKey>,
    /// The public key, as PEM.
    pub public_key: String,
    /// SHA-256 of the public key, in hexadecimal.
    pub key_fingerprint: String,
    /// The agent's name as a decentralised identifier.
    pub did: String,
    /// The `aud` of assertions.
    pub audience: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Until when it is good although another has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Why it was replaced or revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CredentialStatus {
    /// The one to use.
    Active,
    /// Still good, and another has taken its place.
    Retiring,
    /// Another has taken its place.
    Rotated,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

/// How a credential is to be replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rotation {
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many days the new one lives: 1 to 365, 90 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_ttl_days: Option<u64>,
    /// For how many seconds the old one is good yet: 600 unless given, a day at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u64>,
}

impl Rotation {
    /// The rotation, with the old credential good for so many seconds.
    #[must_use]
    pub fn with_grace(mut self, seconds: u64) -> Self {
        self.grace_seconds = Some(seconds);
        self
    }

    /// The rotation, for this reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The rotation, to a credential of so many days.
    #[must_use]
    pub fn for_days(mut self, days: u64) -> Self {
        self.credential_ttl_days = Some(days);
        self
    }
}

/// What was decided for an agent, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentHistory {
    /// Decisions.
    pub history: Vec<HistoryEntry>,
    /// How its trust moved.
    #[serde(default)]
    pub trust_history: Vec<Value>,
    /// How many records of decisions there are in all.
    pub total: u64,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its id.
    pub decision_id: String,
    /// `allow`, `block` or `escalate`.
    pub decision: String,
    /// The tool.
    pub action_type: String,
    /// Why, in words.
    pub reasoning: String,
    /// Why it was denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_code: Option<String>,
    /// How many denials it stands for, where a client counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The session.
    pub session_id: String,
    /// When.
    pub created_at: Timestamp,
}

/// What an agent said to others, and they to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Communications {
    /// Messages.
    pub communications: Vec<Value>,
    /// How many there are in all.
    pub total: u64,
}

/// Which page of a list, from 1, and how much stands on one; as the plane likes unless given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paging {
    /// Which page.
    pub page: Option<u64>,
    /// How much stands on one.
    pub per_page: Option<u64>,
}

impl Paging {
    /// A page of this size.
    pub fn new(page: u64, per_page: u64) -> Self {
        Self { page: Some(page), per_page: Some(per_page) }
    }

    pub(super) fn ask(self, ask: Ask<'_>) -> Ask<'_> {
        let text = |number: Option<u64>| number.map(|number| number.to_string());
        let given = [("page", text(self.page)), ("per_page", text(self.per_page))];
        let given: Vec<(&str, &str)> =
            given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        ask.query(&given)
    }
}

#[derive(Deserialize)]
pub(super) struct OneAgent {
    pub(super) agent: AgentView,
}

#[derive(Deserialize)]
pub(super) struct OneCredential {
    pub(super) credential: CredentialView,
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    pub(super) credentials: Vec<CredentialView>,
}

#[derive(Serialize)]
pub(super) struct Issue {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credential_ttl_days: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Reason<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}
