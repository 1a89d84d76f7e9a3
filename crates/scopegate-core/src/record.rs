//! What is written about a decision, and the chain that shows when something is missing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::denial::DenyCode;
use crate::digest::{CallDigest, hex, tagged, unhex};
use crate::id::{GrantId, Name, PermitId, ReviewId};
use crate::policy::Shadowed;
use crate::record_text;
use crate::request::Consent;
use crate::time::Timestamp;
use crate::trust::TrustMove;

/// One line of the record: a decision, or what became of a permitted call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecisionRecord {
    /// Names the session and the number within it.
    pub id: PermitId,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// The owner of the session.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Name>,
    /// The session's role and its version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<(Name, u64)>,
    /// The grant that admitted it, where it was no role.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grant: Option<GrantId>,
    /// What a break-glass made a permit of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaced: Option<DenyCode>,
    /// The tool that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tool: Option<Name>,
    /// The review that was opened or used up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub review: Option<ReviewId>,
    /// Whose agreement took a reviewer's place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consent: Option<Consent>,
    /// The digest of the arguments, where the role asks for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub arguments: Option<CallDigest>,
    /// What shadow policies would have said, where one of them matched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shadow: Option<Shadowed>,
    /// The trust that the decision was made on, and what it did to it, where somebody keeps count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trust: Option<TrustMove>,
    /// How many places of the answer were redacted, cut or withheld.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub redacted: Option<u64>,
}

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Event {
    Permit,
    Deny(crate::denial::DenyCode),
    Hold,
    /// An outcome: the permit of the same id ran, failed, or was dropped.
    Ran,
    Failed,
    Dropped,
}

impl Event {
    /// The event as it stands in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny(code) => code.as_str(),
            Self::Hold => "hold",
            Self::Ran => "ran",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let fixed = [Self::Permit, Self::Hold, Self::Ran, Self::Failed, Self::Dropped];
        let codes = crate::denial::DenyCode::ALL.iter().map(|code| Self::Deny(*code));
        fixed.into_iter().chain(codes).find(|event| event.as_str() == text)
    }
}

impl Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an unknown event"))
    }
}

impl DecisionRecord {
    /// A record that says only what happened; the caller adds the rest.
    pub fn new(id: PermitId, at: Timestamp, event: Event) -> Self {
        Self {
            id,
            at,
            event,
            owner: None,
            role: None,
            grant: None,
            replaced: None,
            tool: None,
            review: None,
            consent: None,
            arguments: None,
            shadow: None,
            trust: None,
            redacted: None,
        }
    }
}

/// A record as it stands in a chain: each line holds the hash of the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainedRecord {
    /// The chain's name: one per writer.
    pub chain: String,
    /// The place in the chain, from 0.
    pub seq: u64,
    /// The record.
    pub record: DecisionRecord,
    /// The hash of the line before; zeros at the start.
    pub prev: String,
    /// SHA-256 over everything above, in canonical form.
    pub hash: String,
}

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    chain: String,
    next: u64,
    last: [u8; 32],
}

/// Why a line does not continue a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// Another chain.
    #[error("record of chain `{0}` in chain `{1}`")]
    Chain(String, String),
    /// A gap, a repetition, or a swap.
    #[error("record {0} where record {1} belongs")]
    Order(u64, u64),
    /// The line before was changed or removed.
    #[error("record {0} does not continue the record before it")]
    Link(u64),
    /// The line itself was changed.
    #[error("record {0} was changed after it was written")]
    Content(u64),
}

impl ChainHead {
    /// The start of a chain.
    pub fn new(chain: impl Into<String>) -> Self {
        Self { chain: chain.into(), next: 0, last: [0; 32] }
    }

    /// The end of a chain whose last record is this one; `None` when its hash is not one.
    pub fn resume(last: &ChainedRecord) -> Option<Self> {
        Some(Self { chain: last.chain.clone(), next: last.seq + 1, last: unhex(&last.hash)? })
    }

    /// The end of a chain of `len` records, the last of which has this hash.
    pub fn at(chain: impl Into<String>, len: u64, last: [u8; 32]) -> Self {
        Self { chain: chain.into(), next: len, last }
    }

    /// The chain as it was before this line, which is believed: for files that start in the
    /// middle. `None` when the line has no chain, place or previous hash.
    pub fn before(line: &Value) -> Option<Self> {
        let chain = line.get("chain")?.as_str()?.to_owned();
        let next = line.get("seq")?.as_u64()?;
        let last = unhex(line.get("prev")?.as_str()?)?;
        (next > 0 || last == [0; 32]).then_some(Self { chain, next, last })
    }

    /// The number of records so far.
    pub fn len(&self) -> u64 {
        self.next
    }

    /// Whether no record stands in the chain yet.
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// The chain's name.
    pub fn name(&self) -> &str {
        &self.chain
    }

    /// The hash of the last record; zeros when there is none.
    pub fn last(&self) -> &[u8; 32] {
        &self.last
    }

    /// The hash of the last record, in hexadecimal.
    pub fn hash(&self) -> String {
        hex(&self.last)
    }

    /// Appends a record.
    pub fn append(&mut self, record: DecisionRecord) -> ChainedRecord {
        let mut text = Vec::with_capacity(512);
        record.write_canonical(None, &mut text);
        let prev = hex(&self.last);
        let (seq, hash) = self.append_canonical(&text);
        ChainedRecord { chain: self.chain.clone(), seq, record, prev, hash: hex(&hash) }
    }

    /// Appends a record that [`DecisionRecord::write_canonical`] wrote; its place and its hash.
    pub fn append_canonical(&mut self, record: &[u8]) -> (u64, [u8; 32]) {
        let seq = self.next;
        self.last = record_text::link(&self.chain, seq, record, &self.last);
        self.next += 1;
        (seq, self.last)
    }

    /// Follows a line that was written earlier. `line` is the parsed JSON of the whole line, so that
    /// a member which this version does not know cannot hide.
    ///
    /// # Errors
    /// [`ChainError`] names the first thing that is wrong.
    pub fn follow(&mut self, line: &Value) -> Result<(), ChainError> {
        let text = |member: &str| line.get(member).and_then(Value::as_str).unwrap_or_default();
        let seq = line.get("seq").and_then(Value::as_u64).unwrap_or(u64::MAX);
        if text("chain") != self.chain {
            return Err(ChainError::Chain(text("chain").to_owned(), self.chain.clone()));
        }
        if seq != self.next {
            return Err(ChainError::Order(seq, self.next));
        }
        if text("prev") != hex(&self.last) {
            return Err(ChainError::Link(seq));
        }
        let members = line.as_object().map_or(0, serde_json::Map::len);
        let record = line.get("record").unwrap_or(&Value::Null);
        let hash = link(&self.chain, seq, record, text("prev"));
        let Some(hash) = hash.filter(|hash| members == 5 && unhex(text("hash")) == Some(*hash)) else {
            return Err(ChainError::Content(seq));
        };
        self.next += 1;
        self.last = hash;
        Ok(())
    }
}

fn link(chain: &str, seq: u64, record: &Value, prev: &str) -> Option<[u8; 32]> {
    tagged("scopegate-record-v1", &serde_json::json!([chain, seq, record, prev]))
}
