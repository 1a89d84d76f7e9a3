//! Digests that bind a decision or an approval to exactly one call.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::call::ToolCall;
use crate::id::{Name, SessionId};
use crate::json::{CanonicalObject, canonical};
use crate::pin::DefinitionDigest;

/// SHA-256 over a domain tag and the canonical form of a call and its asker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallDigest([u8; 32]);

impl CallDigest {
    /// The digest of a call as a session of `owner` makes it under `role`; `None` while the
    /// arguments have not been read, or were refused.
    pub fn of(session: SessionId, owner: &Name, role: &Name, call: &ToolCall) -> Option<Self> {
        Self::of_defined(session, owner, role, call, None)
    }

    /// The same, also bound to what the tool was registered as, where that is known: an approval for one
    /// definition is not used for another.
    pub fn of_defined(
        session: SessionId,
        owner: &Name,
        role: &Name,
        call: &ToolCall,
        definition: Option<DefinitionDigest>,
    ) -> Option<Self> {
        let arguments = call.args.get()?;
        let mut bound = Vec::with_capacity(512);
        let mut object = CanonicalObject::begin(&mut bound);
        object.text_or_null("action", call.action.as_deref());
        arguments.write_canonical(object.value("args"));
        // Absent, not null, where nothing is known: reviews kept before definitions were bound stay good.
        if let Some(definition) = definition {
            object.plain("definition", definition);
        }
        object.text_or_null("env", call.env.as_deref());
        object.text("owner", owner);
        object.text_or_null("resource", call.resource.as_deref());
        object.text("role", role);
        object.text_or_null("server", call.server.as_deref());
        object.plain("session", session);
        object.text("tool", &call.tool);
        if let Some(via) = &call.via {
            object.value("via").extend(canonical(via)?);
        }
        object.end();
        Some(Self(hashed("scopegate-approval-v1", &bound)))
    }

    /// The digest of the arguments alone, for records.
    pub fn of_args(call: &ToolCall) -> Option<Self> {
        let mut arguments = Vec::with_capacity(256);
        call.args.get()?.write_canonical(&mut arguments);
        Some(Self(hashed("scopegate-args-v1", &arguments)))
    }
}

/// The same of a value that is not in canonical form yet.
pub(crate) fn tagged(tag: &str, value: &impl Serialize) -> Option<[u8; 32]> {
    Some(hashed(tag, &canonical(value)?))
}

/// SHA-256 of a tag, a zero byte, and canonical JSON.
fn hashed(tag: &str, canonical: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(tag.as_bytes());
    hash.update([0]);
    hash.update(canonical);
    hash.finalize().into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        text
    })
}

/// Reads what [`hex`] writes, and nothing else: one digest has one spelling.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let pairs = text.as_bytes().chunks_exact(2);
    if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Gives a digest its text: 64 hexadecimal digits.
macro_rules! digest_text {
    ($digest:ident) => {
        impl std::fmt::Display for $digest {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::digest::hex(&self.0))
            }
        }

        impl std::fmt::Debug for $digest {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }

        impl serde::Serialize for $digest {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $digest {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let bytes = $crate::digest::unhex(&text);
                bytes.map(Self).ok_or_else(|| serde::de::Error::custom("a digest is 64 hexadecimal digits"))
            }
        }
    };
}

pub(crate) use digest_text;

digest_text!(CallDigest);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::call::Args;

    /// Approvals that are kept were given to these bytes.
    #[test]
    fn a_call_is_bound_as_this_object_is() {
        let (session, owner, role) = (SessionId::from_bits(7), Name::from("a\"nn"), Name::from("clerk"));
        let bare = ToolCall::new("pay").with_args(Args::parse(r#"{"b":[1,0.5],"a":"x"}"#));
        let mut full = bare.clone();
        full.action = Some("transfer".into());
        full.env = Some("production".into());
        full.resource = Some("account/\u{1F600}".into());
        full.server = Some("bank".into());
        full.via = Some(["a".into(), "\"b".into()].into());
        for call in [bare, full] {
            let mut bound = json!({
                "session": session, "owner": owner, "role": role, "tool": call.tool, "server": call.server,
                "action": call.action, "resource": call.resource, "env": call.env,
                "args": call.args.to_value(),
            });
            if let Some(via) = &call.via {
                bound["via"] = json!(via);
            }
            let stock = tagged("scopegate-approval-v1", &bound).map(CallDigest);
            assert_eq!(CallDigest::of(session, &owner, &role, &call), stock);
            let definition = DefinitionDigest::of(&crate::CatalogueTool::new("pay"));
            bound["definition"] = json!(definition);
            let stock = tagged("scopegate-approval-v1", &bound).map(CallDigest);
            assert_eq!(CallDigest::of_defined(session, &owner, &role, &call, definition), stock);
        }
    }
}
