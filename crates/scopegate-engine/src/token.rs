//! Session tokens: `sgs_` and 192 random bits, 36 bytes in all.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::random::{self, NoRandomness};

const PREFIX: &str = "sgs_";
/// Characters after the prefix, each of six random bits.
const LENGTH: usize = 32;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What stands after the prefix: inline, so that finding a session reads no memory of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token([u8; LENGTH]);

/// By its first word: that is 48 random bits, which spread tokens as well as all of them would.
impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let first = self.0.first_chunk().copied().unwrap_or_default();
        state.write_u64(u64::from_ne_bytes(first));
    }
}

impl Token {
    /// A fresh token, in base64url.
    pub(crate) fn random() -> Result<Self, NoRandomness> {
        // 64 characters divide 256: every one is as likely as any other.
        let letter = |byte: u8| ALPHABET.get(usize::from(byte % 64)).copied().unwrap_or_default();
        Ok(Self(random::fill()?.map(letter)))
    }

    /// A token as presented; `None` for whatever has another shape.
    #[inline]
    pub(crate) fn read(text: &str) -> Option<Self> {
        text.as_bytes().strip_prefix(PREFIX.as_bytes())?.try_into().ok().map(Self)
    }
}

/// What a client is given.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_of_another_shape() {
        let token = Token::random().unwrap();
        let text = token.to_string();
        assert_eq!(text.len(), 36);
        assert!(Token::read(&text) == Some(token));
        assert!(Token::read(&text) != Token::random().ok(), "tokens differ");
        for other in ["", "sgs_", &text[4..], &text[..35], &format!("{text}A"), &text.replace("sgs_", "sgs-")]
        {
            assert!(Token::read(other).is_none(), "{other}");
        }
    }
}
