//! What is kept of each thing. Rows are values: they say what is so, and decide nothing.

use std::fmt;

use schemars::JsonSchema;
use scopegate_core::{DecisionRecord, Name, Review, SessionId, Tat, Timestamp};
use serde::{Deserialize, Serialize};

use super::{DocumentRow, TenantId};
use crate::audit::Circumstances;

/// A customer of the plane: nothing of one is ever seen by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct TenantRow {
    /// Its name.
    pub tenant: TenantId,
    /// The name of its record chain, never used for another one.
    pub chain: Name,
    /// What its clients compare with.
    pub epoch: Epoch,
    /// When it was made.
    pub created_at: Timestamp,
}

impl TenantRow {
    /// A new tenant. `random` names its chain and its incarnation: it must never have been used.
    pub fn new(tenant: TenantId, random: u128, created_at: Timestamp) -> Self {
        let chain = format!("{tenant}-{random:032x}").into();
        // 53 bits: what JSON carries.
        let epoch = Epoch { incarnation: (random >> 75) as u64, counter: 0 };
        Self { tenant, chain, epoch, created_at }
    }
}

/// Tells clients that what they keep is out of date. A higher counter is a later state; another
/// incarnation says that the counters cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "an epoch is these two")]
pub struct Epoch {
    /// Random; below 2^53, so that JSON carries it.
    pub incarnation: u64,
    /// One more with each change that clients must see.
    pub counter: u64,
}

/// A credential. The secret itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct KeyRow {
    /// Whose.
    pub tenant: TenantId,
    /// The id inside the secret; unique among all tenants.
    pub id: Name,
    /// What it may do, such as `agent`.
    pub kind: Name,
    /// Who holds it: what rates and reviews are counted and compared by.
    pub owner: Name,
    /// What people call it.
    pub name: Option<String>,
    /// SHA-256 of the whole secret.
    #[serde(with = "hex")]
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key that signs session tokens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct SigningKeyRow {
    /// The `kid` of its tokens.
    pub id: Name,
    /// The Ed25519 seed. Secret.
    #[serde(with = "hex")]
    pub seed: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign: some time after it was made, so that it is known by then.
    #[serde(default)]
    pub signs_from: Timestamp,
    /// When it stopped signing; what it signed is still verified.
    pub retired_at: Option<Timestamp>,
}

impl fmt::Debug for SigningKeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeyRow").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One version of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct RoleRow {
    /// Whose.
    pub tenant: TenantId,
    /// Its id: a UUID.
    pub id: Name,
    /// Its name: one live role has it.
    pub name: Name,
    /// From 1, and one more each time.
    pub version: u64,
    /// The role as it was written, a JSON object; fields that nobody knows are kept.
    pub document: String,
    /// When its first version was written.
    pub created_at: Timestamp,
    /// When this version was written.
    pub updated_at: Timestamp,
    /// Whether this is its end.
    pub ended: bool,
}

/// What an agent may do for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct SessionRow {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: SessionId,
    /// The id of the key that asked for it.
    pub key: Name,
    /// Who holds that key.
    pub owner: Name,
    /// The id of its role.
    pub role_id: Name,
    /// The name of its role.
    pub role: Name,
    /// What for, in the agent's words.
    pub task_type: String,
    /// From which framework, in the agent's words.
    pub framework: String,
    /// For how many seconds it asked; 0 for what the role says.
    pub requested_ttl: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The session it came from.
    pub parent: Option<SessionId>,
    /// How it ended before its time, if it did.
    pub end: Option<SessionEnd>,
    /// How many decisions were recorded in it. The store counts; a new row says 0.
    pub records: u64,
    /// How many calls may be permitted in it and its sub-agents' sessions, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_calls: Option<u64>,
    /// How many were, where that is limited. The store counts; a new row says 0.
    #[serde(skip)]
    pub spent: u64,
}

/// How a session ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// Whether someone ended it; otherwise what it stood on went away, such as its role.
    pub revoked: bool,
    /// Why, in the words of who ended it.
    pub reason: String,
}

/// A decision and all that it changed: kept together or not at all.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct DecisionRow {
    /// Whose.
    pub tenant: TenantId,
    /// What is written down. The store never lets `at` run backwards within a tenant.
    pub record: DecisionRecord,
    /// What only the plane knows of it; written down beside the record.
    pub circumstances: Circumstances,
    /// The rate accounts that it wrote.
    pub accounts: Vec<AccountRow>,
    /// The budgets that it spent of, and what they stand at.
    pub budgets: Vec<(SessionId, u64)>,
    /// The review that it opened or used up, as it stands now.
    pub review: Option<ReviewRow>,
    /// The documents that it changed, such as a grant that it used.
    pub documents: Vec<DocumentRow>,
    /// The event that it caused.
    pub delivery: Option<DeliveryRow>,
}

/// A rate account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an account is these two")]
pub struct AccountRow {
    /// Who is counted, over which span: opaque bytes.
    pub account: Box<[u8]>,
    /// Its word.
    pub tat: Tat,
}

/// How far a client's journal of a session has been taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct JournalRow {
    /// Whose decisions.
    pub session: SessionId,
    /// Whether it is the journal of those that were made while the plane could not be reached.
    pub fail_open: bool,
    /// Its last batch.
    pub batch: u64,
    /// Its last number.
    pub number: u64,
}

/// A review, with what only the plane knows of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct ReviewRow {
    /// Whose.
    pub tenant: TenantId,
    /// Everything a reviewer sees, and who decided.
    pub review: Review,
    /// The id of the role that asked for a person.
    pub role_id: Name,
    /// The version it had.
    pub role_version: u64,
    /// The id of the key that asked.
    pub key: Name,
    /// What the caller calls the call.
    pub call: Option<String>,
    /// The id of the key that decided.
    pub decided_by: Option<Name>,
    /// What the deciding client calls its user: a label, not an identity.
    pub label: Option<String>,
    /// Why it was decided so, in the words of who did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// Two rows that are written the same are the same.
impl PartialEq for ReviewRow {
    fn eq(&self, other: &Self) -> bool {
        serde_json::to_value(self).ok() == serde_json::to_value(other).ok()
    }
}

/// The tools of an MCP server, as they were registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct CatalogueRow {
    /// Whose.
    pub tenant: TenantId,
    /// The server's name.
    pub server: Name,
    /// The catalogue as it was written, a JSON object.
    pub document: String,
    /// When.
    pub updated_at: Timestamp,
}

/// An event on its way to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct DeliveryRow {
    /// Whose.
    pub tenant: TenantId,
    /// Its id, which the receiver sees; unique among all tenants.
    pub id: Name,
    /// What happened, such as `deny`.
    pub event: Name,
    /// Where to; the secret is that of the role when it is sent.
    pub url: String,
    /// The id of the role whose webhook it is.
    pub role_id: Name,
    /// What is sent, byte for byte.
    pub body: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u32,
    /// When the next one is due, or the last one was made.
    pub at: Timestamp,
    /// What the last one came to.
    pub last: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "every state must be handled where it is read")]
pub enum DeliveryState {
    /// An attempt is due.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// Given up, for a person to look at.
    Parked,
}

/// A record as it stands in a tenant's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordRow {
    /// Its place in the chain, from 0.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The record, as canonical JSON.
    pub body: String,
    /// The hash of the record before.
    pub prev: [u8; 32],
    /// Its hash.
    pub hash: [u8; 32],
}

/// A signed statement about the first records of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointRow {
    /// How many records it covers.
    pub size: u64,
    /// When it was signed.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// Bytes as hexadecimal text.
pub(super) mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::store) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crate::audit::hex(bytes))
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        crate::audit::unhex(&text).ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}
