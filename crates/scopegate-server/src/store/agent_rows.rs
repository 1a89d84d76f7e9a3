//! What is kept of agents, of their credentials, and of assertions that were used.

use scopegate_core::{Name, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TenantId;

/// An agent that was registered. Its id is the owner of its sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct AgentRow {
    /// Whose.
    pub tenant: TenantId,
    /// Its id, unique within the tenant and never used again.
    pub id: Name,
    /// What people call it: one agent of a framework has it.
    pub name: Name,
    /// What it is built with.
    pub framework: Name,
    /// What it is for, in words.
    pub description: Option<String>,
    /// What it says it can do. Restricts nothing.
    pub capabilities: Vec<String>,
    /// What it may pass on.
    pub scopes: Vec<String>,
    /// How it may pass that on, as it was written.
    pub delegation_policy: Map<String, Value>,
    /// What it may do at most, whatever its roles say.
    #[serde(default)]
    pub permissions: Permissions,
    /// The ids of the roles that it was assigned.
    #[serde(default)]
    pub roles: Vec<Name>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deactivated, unless it was let go on since.
    pub deactivated_at: Option<Timestamp>,
}

/// What an agent may do at most: patterns, in which `*` stands for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct Permissions {
    /// Unless it is empty, nothing but this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Name>,
    /// Never this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<Name>,
}

/// A public key of an agent. The private one is never stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct CredentialRow {
    /// Whose.
    pub tenant: TenantId,
    /// Its id, the `kid` of assertions; unique among all tenants.
    pub id: Name,
    /// The agent.
    pub agent: Name,
    /// The Ed25519 key that verifies.
    #[serde(with = "super::rows::hex")]
    pub public_key: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Until when it is good although another has taken its place.
    pub retires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why it was replaced or revoked, in the words of who did.
    pub reason: Option<String>,
}

impl CredentialRow {
    /// From when on nothing that it signs is taken.
    pub fn over_at(&self) -> Timestamp {
        let ends = [Some(self.expires_at), self.retires_at, self.revoked_at];
        ends.into_iter().flatten().min().unwrap_or(self.expires_at)
    }
}

/// An assertion that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct AssertionRow {
    /// The agent that made it.
    pub agent: Name,
    /// SHA-256 of its `jti`.
    pub name: [u8; 32],
    /// Until when it could be used again.
    pub until: Timestamp,
}

/// What was decided for an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentCounts {
    /// Calls that were permitted.
    pub permits: u64,
    /// Calls that were denied.
    pub denials: u64,
    /// Calls that waited for a person.
    pub holds: u64,
    /// Records of them: a client may count denials, and hand in one record for many.
    pub records: u64,
    /// When the last of them was decided.
    pub last_seen: Option<Timestamp>,
}
