//! Records of tool calls, an enforcer's own or a plane's, as signed records of this dialect.

use std::collections::BTreeMap;

use scopegate_core::{DenyCode, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ids;
use super::record::{Envelope, Head, SignedRecord};
use super::signing::SigningKey;
use super::words::Outcome;

/// Signs the lines of a log, one after another. What is exported twice is the same twice: names are made of the
/// line's own hash.
#[derive(Debug)]
pub struct ScopeExport<'k> {
    key: &'k SigningKey,
    project_id: String,
    head: Head,
}

/// What a line of a log is here.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a line is one of these")]
pub enum ExportLine {
    /// A decision: its record, and a ULID for those who need one.
    Record(Box<SignedRecord>, String),
    /// Something else: what became of a call, a checkpoint.
    Other,
    /// A record that lacks what this dialect needs.
    Unreadable(&'static str),
}

impl<'k> ScopeExport<'k> {
    /// The start of an export.
    pub fn new(key: &'k SigningKey, project_id: impl Into<String>) -> Self {
        Self { key, project_id: project_id.into(), head: Head::default() }
    }

    /// The end so far.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next line of a log, parsed. Whether the log holds is for its own verifier.
    pub fn next(&mut self, line: &Value) -> ExportLine {
        let Some(record) = line.get("record") else { return ExportLine::Other };
        let event = record.get("event").and_then(Value::as_str).unwrap_or_default();
        let denied = DenyCode::ALL.iter().any(|code| code.as_str() == event);
        let outcome = match event {
            "permit" => Outcome::Allow,
            "hold" => Outcome::HumanReview,
            _ if denied => Outcome::Block,
            "ran" | "failed" | "dropped" => return ExportLine::Other,
            _ => return ExportLine::Unreadable("an event that this version does not know"),
        };
        let Some(at) = record.get("at").and_then(Value::as_str).and_then(Timestamp::parse) else {
            return ExportLine::Unreadable("no time");
        };
        let Some(hash) = line.get("hash").and_then(Value::as_str) else {
            return ExportLine::Unreadable("no hash");
        };
        let names = Sha256::digest(hash.as_bytes());
        let taken = |from: usize| names.get(from..).unwrap_or_default();
        let scope_id = ids::ulid(at, first(taken(16)));
        let envelope = Envelope {
            record_id: ids::uuid(first(taken(0))),
            project_id: &self.project_id,
            timestamp: ids::micros(at),
        };
        let payload = payload(line, record, outcome, &scope_id);
        let signed = SignedRecord::sign(self.key, &self.head, envelope, payload);
        self.head = signed.head();
        ExportLine::Record(Box::new(signed), scope_id)
    }
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    all
}

/// A tool is its own resource where its call named none, and its own action where it named none.
fn payload(line: &Value, record: &Value, outcome: Outcome, scope_id: &str) -> BTreeMap<String, Value> {
    let text = |at: &str| record.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
    let event = text("/event").unwrap_or_default();
    let tool = text("/tool").unwrap_or("unknown");
    let told = text("/plane/reason").map(str::to_owned);
    let role = text("/role/0").map_or_else(String::new, |role| format!(" by role '{role}'"));
    let reason = match outcome {
        Outcome::Allow => format!("permitted{role}"),
        Outcome::HumanReview => "held until a person agrees".to_owned(),
        _ => told.map_or_else(|| event.to_owned(), |told| format!("{event}: {told}")),
    };
    let fields = [
        ("scope_id", Some(scope_id)),
        ("trace_id", Some(text("/id/session").unwrap_or("unknown"))),
        ("agent_id", Some(text("/owner").unwrap_or("unknown"))),
        ("resource", Some(text("/plane/resource").unwrap_or(tool))),
        ("action_name", Some(text("/plane/action").unwrap_or(tool))),
        ("outcome", Some(outcome.as_str())),
        ("reason", Some(&reason)),
        ("checked_at", text("/at")),
        // Where it came from: the record that this one was made of.
        ("scopegate_event", Some(event)),
        ("scopegate_chain", line.get("chain").and_then(Value::as_str)),
        ("scopegate_hash", line.get("hash").and_then(Value::as_str)),
    ];
    let mut payload: BTreeMap<String, Value> =
        fields.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))).collect();
    payload.insert("allowed".to_owned(), json!(outcome == Outcome::Allow));
    payload
        .extend(line.get("seq").and_then(Value::as_u64).map(|seq| ("scopegate_seq".to_owned(), json!(seq))));
    payload
}
