//! Digests that bind a decision or an approval to exactly one call.

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::call::ToolCall;
use crate::id::{Name, SessionId};
use crate::json::canonical;
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
        let arguments = call.args.to_value()?;
        let mut bound = json!({
            "session": session, "owner": owner, "role": role, "tool": call.tool, "server": call.server,
            "action": call.action, "resource": call.resource, "env": call.env, "args": arguments,
        });
        // Absent, not null, where nothing is known: reviews kept before definitions were bound stay good.
        if let (Some(definition), Some(members)) = (definition, bound.as_object_mut()) {
            members.insert("definition".to_owned(), json!(definition));
        }
        if let (Some(via), Some(members)) = (&call.via, bound.as_object_mut()) {
            members.insert("via".to_owned(), json!(via));
        }
        tagged("scopegate-approval-v1", &bound).map(Self)
    }

    /// The digest of the arguments alone, for records.
    pub fn of_args(call: &ToolCall) -> Option<Self> {
        tagged("scopegate-args-v1", &call.args.to_value()?).map(Self)
    }
}

/// SHA-256 of a tag, a zero byte, and canonical JSON.
pub(crate) fn tagged(tag: &str, value: &impl Serialize) -> Option<[u8; 32]> {
    let mut hash = Sha256::new();
    hash.update(tag.as_bytes());
    hash.update([0]);
    hash.update(canonical(value)?);
    Some(hash.finalize().into())
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
