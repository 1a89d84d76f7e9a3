//! A signed record: format A, one flat object, with a link to the record before it.

use std::collections::BTreeMap;

use scopegate_core::json::Document;
use serde_json::{Value, json};

use super::signing::SigningKey;

/// What these records are.
pub const SCHEMA_KEY: &str = "spanforge.scope.v1";

/// A record that was signed. `seq` and `prev_hmac` are ours: SpanForge's own verifier takes them for two more
/// signed members, and without them records could be dropped and the rest numbered anew.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedRecord {
    /// The signed part.
    fields: BTreeMap<String, Value>,
    hmac: String,
    position: u64,
}

/// The end of a chain: keep it elsewhere, and a later cut at the end shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the end is these two")]
pub struct Head {
    /// How many records there are.
    pub records: u64,
    /// The signature of the last; empty when there is none.
    pub hmac: String,
}

/// What every record has beside its payload.
pub(super) struct Envelope<'a> {
    pub(super) record_id: String,
    pub(super) project_id: &'a str,
    pub(super) timestamp: String,
}

impl SignedRecord {
    /// Signs a payload as the record after `head`. The envelope wins over a payload with members of its names.
    pub(super) fn sign(
        key: &SigningKey,
        head: &Head,
        envelope: Envelope<'_>,
        payload: BTreeMap<String, Value>,
    ) -> Self {
        let mut fields = payload;
        let Envelope { record_id, project_id, timestamp } = envelope;
        fields.remove("hmac");
        fields.remove("chain_position");
        let text = signing_input(&record_id, &{
            fields.extend(
                [
                    ("record_id", json!(record_id)),
                    ("schema_key", json!(SCHEMA_KEY)),
                    ("project_id", json!(project_id)),
                    ("timestamp", json!(timestamp)),
                    ("seq", json!(head.records)),
                    ("prev_hmac", json!(head.hmac)),
                ]
                .map(|(name, value)| (name.to_owned(), value)),
            );
            canonical(&fields)
        });
        let hmac = key.sign(&text);
        Self { fields, hmac, position: head.records }
    }

    /// Reads a line, strictly: a repeated member cannot show two readers two things.
    pub fn parse(line: &str) -> Option<Self> {
        let Value::Object(members) = Document::read(line.to_owned()).ok()?.root().to_value() else {
            return None;
        };
        let mut fields: BTreeMap<String, Value> = members.into_iter().collect();
        let hmac = fields.remove("hmac")?.as_str()?.to_owned();
        let position = fields.remove("chain_position")?.as_u64()?;
        Some(Self { fields, hmac, position })
    }

    /// One line of JSON, without its end.
    pub fn to_line(&self) -> String {
        let mut all = self.fields.clone();
        all.insert("hmac".to_owned(), json!(self.hmac));
        all.insert("chain_position".to_owned(), json!(self.position));
        one_line(&canonical(&all))
    }

    /// A text of the record.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.fields.get(member)?.as_str()
    }

    /// The signed part.
    pub fn fields(&self) -> &BTreeMap<String, Value> {
        &self.fields
    }

    /// Its signature.
    pub fn hmac(&self) -> &str {
        &self.hmac
    }

    /// Its place, from 0.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The end of the chain whose last record this is.
    pub fn head(&self) -> Head {
        Head { records: self.position.saturating_add(1), hmac: self.hmac.clone() }
    }

    /// Whether the signature is that of the signed part.
    pub(super) fn is_signed(&self, key: &SigningKey) -> bool {
        let id = self.text("record_id").unwrap_or_default();
        key.signed(&signing_input(id, &canonical(&self.fields)), &self.hmac)
    }

    /// Our own number, which is signed.
    pub(super) fn seq(&self) -> Option<u64> {
        self.fields.get("seq")?.as_u64()
    }
}

fn signing_input(record_id: &str, canonical: &str) -> String {
    format!("{record_id}|{canonical}")
}

/// Members in the order of their code points, no spaces, nothing escaped that need not be. The map sorts, so
/// that it does not matter how `serde_json` was built; values hold no map.
pub(super) fn canonical(fields: &BTreeMap<String, Value>) -> String {
    // Texts, whole numbers and truth values always have a form.
    serde_json::to_string(fields).unwrap_or_default()
}

/// Some readers end a line at these characters, also inside a text.
pub(super) fn one_line(json: &str) -> String {
    json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").replace('\u{85}', "\\u0085")
}
