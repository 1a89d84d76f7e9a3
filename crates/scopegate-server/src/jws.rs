//! A signed text in compact form (RFC 7515): header, claims and signature, each strictly read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use scopegate_core::json::{Document, Json};

/// The parts of a text. Nothing in them is believed before the signature was looked at.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// What is signed.
    pub(crate) text: &'a str,
    pub(crate) header: Document,
    pub(crate) claims: Document,
    pub(crate) signature: Signature,
}

/// Takes a text apart; `None` when it has not the form.
pub(crate) fn split(token: &str) -> Option<Parts<'_>> {
    let (text, signature) = token.rsplit_once('.')?;
    let (header, claims) = text.split_once('.')?;
    let header = Document::read(decode(header)?).ok()?;
    let claims = Document::read(decode(claims)?).ok()?;
    let signature = Signature::from_slice(&decode(signature)?).ok()?;
    Some(Parts { text, header, claims, signature })
}

/// A text among the members of an object.
pub(crate) fn member(document: &Document, name: &str) -> Option<String> {
    match document.root().pointer(&format!("/{name}"))?.get() {
        Json::String(text) => Some(text.into_owned()),
        _ => None,
    }
}

/// How many members an object has.
pub(crate) fn members(document: &Document) -> usize {
    match document.root().get() {
        Json::Object(members) => members.count(),
        _ => 0,
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Only the canonical encoding: one text has one spelling.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
