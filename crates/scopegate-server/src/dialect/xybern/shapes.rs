//! Agents and credentials as this dialect shows them.

use schemars::JsonSchema;
use scopegate_core::{Name, Timestamp, Trust};
use serde::Serialize;
use serde_json::{Map, Value};

use super::pem;
use crate::assertion;
use crate::audit::hex;
use crate::domain::{Agent, Issued, Standing};
use crate::openapi::{DateTime, Free};
use crate::store::CredentialRow;

/// An agent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernAgent")]
pub(super) struct AgentShown {
    agent_id: Name,
    name: Name,
    framework: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    capabilities: Vec<String>,
    scopes: Vec<String>,
    permissions: PermissionsShown,
    /// The ids of the roles that it was assigned.
    roles: Vec<Name>,
    #[schemars(with = "Free")]
    delegation_policy: Map<String, Value>,
    did: String,
    #[schemars(with = "f64")]
    trust_level: Trust,
    is_active: bool,
    total_actions: u64,
    allowed_actions: u64,
    blocked_actions: u64,
    escalated_actions: u64,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    updated_at: Timestamp,
    #[schemars(with = "Option<DateTime>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    deactivated_at: Option<Timestamp>,
    #[schemars(with = "Option<DateTime>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<Timestamp>,
}

/// What an agent may do at most.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernPermissions")]
struct PermissionsShown {
    #[schemars(with = "Option<Vec<String>>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_action_types: Vec<Name>,
    #[schemars(with = "Option<Vec<String>>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denied_action_types: Vec<Name>,
}

impl From<&Agent> for AgentShown {
    fn from(agent: &Agent) -> Self {
        let (row, counts) = (&agent.row, agent.counts);
        Self {
            agent_id: row.id.clone(),
            name: row.name.clone(),
            framework: row.framework.clone(),
            description: row.description.clone(),
            capabilities: row.capabilities.clone(),
            scopes: row.scopes.clone(),
            permissions: PermissionsShown {
                allowed_action_types: row.permissions.allowed.clone(),
                denied_action_types: row.permissions.denied.clone(),
            },
            roles: row.roles.clone(),
            delegation_policy: row.delegation_policy.clone(),
            did: format!("did:xybern:{}:{}", row.tenant, row.id),
            trust_level: agent.trust,
            is_active: agent.is_active,
            total_actions: counts.permits.saturating_add(counts.denials).saturating_add(counts.holds),
            allowed_actions: counts.permits,
            blocked_actions: counts.denials,
            escalated_actions: counts.holds,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deactivated_at: row.deactivated_at,
            last_seen_at: counts.last_seen,
        }
    }
}

/// A credential. Its private key is in the answer that makes it and in no other.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernCredential")]
pub(super) struct CredentialShown {
    credential_id: Name,
    agent_id: Name,
    status: Status,
    /// PKCS#8, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    /// SPKI, as PEM.
    public_key: String,
    /// SHA-256 of the 32 bytes of the public key, in hexadecimal.
    key_fingerprint: String,
    did: String,
    /// The `aud` of assertions that it signs.
    audience: String,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    #[schemars(with = "Option<DateTime>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    retires_at: Option<Timestamp>,
    #[schemars(with = "Option<DateTime>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernCredentialStatus")]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Retiring,
    Rotated,
    Expired,
    Revoked,
}

impl CredentialShown {
    pub(super) fn of(row: &CredentialRow, now: Timestamp) -> Self {
        Self {
            credential_id: row.id.clone(),
            agent_id: row.agent.clone(),
            status: match Standing::of(row, now) {
                Standing::Active => Status::Active,
                Standing::Retiring => Status::Retiring,
                Standing::Rotated => Status::Rotated,
                Standing::Expired => Status::Expired,
                Standing::Revoked => Status::Revoked,
            },
            private_key: None,
            public_key: pem::public(&row.public_key),
            key_fingerprint: hex(&<[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(row.public_key))),
            did: format!("did:xybern:{}:{}", row.tenant, row.agent),
            audience: assertion::audience(&row.tenant),
            created_at: row.created_at,
            expires_at: row.expires_at,
            retires_at: row.retires_at,
            revoked_at: row.revoked_at,
            reason: row.reason.clone(),
        }
    }

    /// A credential that was just made, with its private key.
    pub(super) fn new(issued: &Issued, now: Timestamp) -> Self {
        let private_key = Some(pem::private(&issued.private_key()));
        Self { private_key, ..Self::of(&issued.credential, now) }
    }
}
