//! The canonical form of a record, written directly: what a chain hashes and a log keeps.

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::json::{CanonicalObject, write_number, write_text};
use crate::policy::Shadowed;
use crate::record::DecisionRecord;
use crate::request::Consent;

impl DecisionRecord {
    /// Appends the record as canonical JSON (RFC 8785). `plane` is canonical JSON too: what a plane
    /// knows beyond the record, kept as its member of that name.
    pub fn write_canonical(&self, plane: Option<&[u8]>, out: &mut Vec<u8>) {
        let mut object = CanonicalObject::begin(out);
        if let Some(arguments) = self.arguments {
            object.plain("arguments", arguments);
        }
        object.plain("at", self.at);
        object.maybe_text("consent", self.consent.map(Consent::as_str));
        object.plain("event", self.event.as_str());
        if let Some(grant) = self.grant {
            object.plain("grant", grant);
        }
        let mut id = CanonicalObject::begin(object.value("id"));
        id.number("number", self.id.number);
        id.plain("session", self.id.session);
        id.end();
        object.maybe_text("owner", self.owner.as_deref());
        if let Some(plane) = plane {
            object.value("plane").extend_from_slice(plane);
        }
        object.maybe_number("redacted", self.redacted);
        object.maybe_text("replaced", self.replaced.map(crate::denial::DenyCode::as_str));
        if let Some(review) = self.review {
            object.plain("review", review);
        }
        if let Some((role, version)) = &self.role {
            let out = object.value("role");
            out.push(b'[');
            write_text(role, out);
            out.push(b',');
            write_number(*version, out);
            out.push(b']');
        }
        if let Some(shadow) = &self.shadow {
            write_shadow(shadow, object.value("shadow"));
        }
        object.maybe_text("tool", self.tool.as_deref());
        if let Some(trust) = self.trust {
            // The names in their order: `is`, then `was`.
            let out = object.value("trust");
            out.extend_from_slice(format!("{{\"is\":{},\"was\":{}}}", trust.is, trust.was).as_bytes());
        }
        object.end();
    }
}

fn write_shadow(shadow: &Shadowed, out: &mut Vec<u8>) {
    let mut object = CanonicalObject::begin(out);
    object.value("changed").extend_from_slice(if shadow.changed { b"true" } else { b"false" });
    object.text("decision", shadow.decision.as_str());
    let out = object.value("triggered");
    out.push(b'[');
    for (index, policy) in shadow.triggered.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(policy, out);
    }
    out.push(b']');
    object.end();
}

/// The hash of a line of a chain: over a tag and the canonical form of `[chain, seq, record, prev]`,
/// where the record is canonical already.
pub(crate) fn link(chain: &str, seq: u64, record: &[u8], prev: &[u8; 32]) -> [u8; 32] {
    let mut around = Vec::with_capacity(192);
    around.extend_from_slice(b"scopegate-record-v1\0[");
    write_text(chain, &mut around);
    around.push(b',');
    write_number(seq, &mut around);
    around.push(b',');
    let mut hash = Sha256::new();
    hash.update(&around);
    hash.update(record);
    hash.update(b",\"");
    hash.update(hex(prev));
    hash.update(b"\"]");
    hash.finalize().into()
}
