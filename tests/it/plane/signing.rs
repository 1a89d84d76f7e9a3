//! An agent that holds a private key and proves itself with assertions, written from the documentation alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::served::Plane;

/// A credential with its private key, as the plane gave it out.
pub(super) struct Signer {
    key: SigningKey,
    pub(super) credential: String,
    agent: String,
    audience: String,
}

/// The same at a plane.
pub(super) struct Agent<'a> {
    signer: &'a Signer,
    plane: &'a Plane,
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

impl Signer {
    pub(super) fn of(credential: &Value) -> Self {
        let text = |name: &str| credential[name].as_str().unwrap_or_else(|| panic!("{name}")).to_owned();
        let pem = text("private_key");
        let der = STANDARD.decode(pem.lines().nth(1).expect("the key")).expect("base64");
        let seed: [u8; 32] = der[der.len() - 32..].try_into().expect("a key");
        let (credential, agent) = (text("credential_id"), text("agent_id"));
        Self { key: SigningKey::from_bytes(&seed), credential, agent, audience: text("audience") }
    }

    pub(super) fn seed(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    pub(super) fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "sg-assertion+jwt", "kid": self.credential })
    }

    /// The claims of an assertion that nobody used yet.
    pub(super) fn claims(&self) -> Value {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let jti = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        json!({ "iss": self.agent, "aud": self.audience, "iat": now(), "jti": jti })
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(header), encode(claims));
        let signature = self.key.sign(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// An assertion that nobody used yet.
    pub(super) fn assertion(&self) -> String {
        self.sign(&self.header(), &self.claims())
    }

    pub(super) fn agent<'a>(&'a self, plane: &'a Plane) -> Agent<'a> {
        Agent { signer: self, plane }
    }
}

impl Agent<'_> {
    /// A request with an assertion of its own.
    pub(super) fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.ask_with(&self.signer.assertion(), method, path, body)
    }

    pub(super) fn ask_with(&self, assertion: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {assertion}");
        let answer = self.plane.client("").send(method, path, &[("authorization", &bearer)], body);
        let answer = answer.expect("an answer");
        (answer.status, answer.json())
    }

    /// What an assertion comes to where nothing but who it is matters.
    pub(super) fn present(&self, assertion: &str) -> (u16, Value) {
        self.ask_with(assertion, "GET", "/v1/enforce/agents", &Value::Null)
    }

    pub(super) fn provision(&self, role: &str) -> (u16, Value) {
        self.ask("POST", "/v1/provision", &json!({ "role_id": role }))
    }

    pub(super) fn enforce(&self, jwt: &str, tool: &str) -> Value {
        let body = json!({ "jwt": jwt, "tool_name": tool, "call_args": {} });
        self.ask("POST", "/v1/enforce", &body).1
    }
}
