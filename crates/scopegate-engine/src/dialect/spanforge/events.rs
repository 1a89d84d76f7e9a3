//! Format B: a chain of events, for SpanForge's command line.
//!
//! Of an event only its payload, its own name and that of the event before are signed, so the whole signed record of
//! format A is the payload.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::record::{SignedRecord, canonical, one_line};
use super::signing::{SigningKey, hex};

/// Of a kind of our own: no name is reserved for decisions about scopes.
const EVENT_TYPE: &str = "x.scopegate.scope.decided";

/// Writes signed records as events, one after another.
#[derive(Debug)]
pub struct EventChain<'k> {
    key: &'k SigningKey,
    prev_id: Option<String>,
}

impl<'k> EventChain<'k> {
    /// The start of a file.
    pub fn new(key: &'k SigningKey) -> Self {
        Self { key, prev_id: None }
    }

    /// A record as the next event, under a ULID of its own: one line of JSON, without its end.
    pub fn next(&mut self, event_id: String, record: &SignedRecord) -> String {
        let mut payload = record.fields().clone();
        payload.insert("hmac".to_owned(), json!(record.hmac()));
        let (checksum, signature) = self.sign(&event_id, &canonical(&payload));
        let mut event: BTreeMap<&str, Value> = BTreeMap::from([
            ("schema_version", json!("2.0")),
            ("event_id", json!(event_id)),
            ("event_type", json!(EVENT_TYPE)),
            ("timestamp", json!(record.text("timestamp"))),
            ("source", json!(concat!("scopegate@", env!("CARGO_PKG_VERSION")))),
            ("payload", json!(payload)),
            ("checksum", json!(checksum)),
            ("signature", json!(signature)),
        ]);
        if let Some(prev_id) = self.prev_id.replace(event_id) {
            event.insert("prev_id", json!(prev_id));
        }
        one_line(&serde_json::to_string(&event).unwrap_or_default())
    }

    fn sign(&self, event_id: &str, canonical: &str) -> (String, String) {
        let checksum = format!("sha256:{}", hex(&Sha256::digest(canonical.as_bytes())));
        let prev_id = self.prev_id.as_deref().unwrap_or_default();
        let signature = self.key.sign(&format!("{event_id}|{checksum}|{prev_id}"));
        (checksum, signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector() {
        let key = SigningKey::new("scopegate-test-key-0123456789abcdef").unwrap();
        let mut chain = EventChain::new(&key);
        let (checksum, signature) = chain.sign(
            "01JZ000000000000000000000A",
            r#"{"agent_id":"claims-agent","allowed":true,"outcome":"allow"}"#,
        );
        assert_eq!(checksum, "sha256:e26e9521535a9704b8a11d716385fbbe458d12e5c3a4bd29b7d21f3e8419ca44");
        assert_eq!(signature, "hmac-sha256:c17765df24a8c70918c515fd223ec1def81a765e47d2a79eac12eee2cac05d50");
        chain.prev_id = Some("01JZ000000000000000000000A".to_owned());
        let (_, signature) = chain.sign(
            "01JZ000000000000000000000B",
            r#"{"agent_id":"claims-agent","allowed":false,"outcome":"escalate"}"#,
        );
        assert_eq!(signature, "hmac-sha256:1c7efdcd3470ccd47e9fc525abee0f8eba9045afb2e56bf2b7b8f358068964fc");
    }
}
