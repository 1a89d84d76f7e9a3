//! The key, and what it signs.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Where the key is looked for.
pub const SIGNING_KEY_VARIABLE: &str = "SPANFORGE_SIGNING_KEY";

/// Fewest characters of a key.
const SHORTEST: usize = 32;
/// What stands in published code is known to everyone.
const PUBLISHED: [&str; 1] = ["spanforge-audit-local-insecure-dev-key"];

/// A key of HMAC-SHA-256: the bytes of its text. Whoever can verify with it can sign with it.
#[derive(Clone)]
pub struct SigningKey(String);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is none.
    #[error("SPANFORGE_SIGNING_KEY is not set; records are not signed with a key that everybody knows")]
    Absent,
    /// There is one that is no text.
    #[error("SPANFORGE_SIGNING_KEY is not UTF-8")]
    NoText,
    /// It has no characters.
    #[error("the signing key is empty")]
    Empty,
    /// It has too few characters.
    #[error("the signing key has {0} characters; it needs at least 32")]
    Short(usize),
    /// It is one character, again and again, or stands in published code.
    #[error("the signing key is one that anybody could guess")]
    Guessable,
}

impl SigningKey {
    /// A key; its text is taken as it is, spaces and all.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        let mut characters = text.chars();
        let Some(first) = characters.next() else { return Err(KeyError::Empty) };
        match text.chars().count() {
            _ if PUBLISHED.contains(&text.as_str()) => Err(KeyError::Guessable),
            short @ 0..SHORTEST => Err(KeyError::Short(short)),
            _ if characters.all(|other| other == first) => Err(KeyError::Guessable),
            _ => Ok(Self(text)),
        }
    }

    /// The key in the environment.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_env() -> Result<Self, KeyError> {
        match std::env::var(SIGNING_KEY_VARIABLE) {
            Ok(text) => Self::new(text),
            Err(std::env::VarError::NotPresent) => Err(KeyError::Absent),
            Err(std::env::VarError::NotUnicode(_)) => Err(KeyError::NoText),
        }
    }

    /// The signature of a text, as it stands in records.
    pub(super) fn sign(&self, text: &str) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else { return String::new() };
        mac.update(text.as_bytes());
        format!("hmac-sha256:{}", hex(&mac.finalize().into_bytes()))
    }

    /// Whether this is the signature of a text. An empty one never is.
    pub(super) fn signed(&self, text: &str, signature: &str) -> bool {
        !signature.is_empty() && self.sign(text) == signature
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A key never shows in a log.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}
