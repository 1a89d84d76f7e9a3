//! Verification of signed records: what SpanForge's own verifier checks, and the links.

use super::record::{Head, SignedRecord};
use super::signing::SigningKey;

/// The first record that does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {at}: {why}")]
#[non_exhaustive]
pub struct Tampered {
    /// The line, from 0; one behind the last when something is missing there.
    pub at: u64,
    /// What is wrong.
    pub why: &'static str,
}

/// Follows a chain of records from its start, line by line, up to its end. `kept` is the signature of an end that was noted
/// earlier: it has to be in the chain.
///
/// # Errors
/// [`Tampered`] names the first record that does not hold.
pub fn verify_records<'a>(
    key: &SigningKey,
    lines: impl IntoIterator<Item = &'a str>,
    kept: Option<&str>,
) -> Result<Head, Tampered> {
    let mut head = Head::default();
    let mut found = kept.is_none();
    for line in lines {
        let tampered = |why| Tampered { at: head.records, why };
        let record = SignedRecord::parse(line).ok_or_else(|| tampered("not a signed record"))?;
        if !record.is_signed(key) {
            return Err(tampered("it was changed after it was signed, or signed with another key"));
        }
        if record.seq() != Some(record.position()) || record.position() != head.records {
            return Err(tampered("another record belongs here"));
        }
        if record.text("prev_hmac") != Some(&head.hmac) {
            return Err(tampered("it does not continue the record before it"));
        }
        head = record.head();
        found = found || kept == Some(&head.hmac);
    }
    if found { Ok(head) } else { Err(Tampered { at: head.records, why: "the noted end is not in it" }) }
}
