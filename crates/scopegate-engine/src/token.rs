//! Session tokens: `sgs_`, 48 bits of the session's id, and 144 random bits that nobody else knows: 36 bytes in all.
//!
//! Because a token begins like its session's id, one map finds a session by either.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::hint::black_box;

use scopegate_core::SessionId;

use crate::random::{self, NoRandomness};

const PREFIX: &str = "sgs_";
/// Characters that say which session it is, each of six bits.
const MARK: usize = 8;
/// Characters that only its holder knows.
const SECRET: usize = 24;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What stands after the prefix, eight characters a word: inline, so that finding a session reads no memory
/// of its own.
#[derive(Clone, Copy)]
pub(crate) struct Token([u64; (MARK + SECRET) / 8]);

/// Where to look for a session: what its token and its id have in common, as characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Of a session: 48 bits of its id, which spread sessions as well as all of them would.
    pub(crate) fn of(id: SessionId) -> Self {
        // The cast drops the bits of the letters before.
        let letter = |nth: usize| letter((id.bits() >> (128 - 6 * (nth + 1))) as u8);
        Self(u64::from_ne_bytes(std::array::from_fn(letter)))
    }
}

impl Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

impl Token {
    /// A fresh token of a session, in base64url.
    pub(crate) fn random(id: SessionId) -> Result<Self, NoRandomness> {
        Ok(Self::joined(Mark::of(id), &random::fill()?.map(letter)))
    }

    /// For a session that has no token: no text has such bytes.
    pub(crate) fn nobodys(id: SessionId) -> Self {
        Self::joined(Mark::of(id), &[0xFF; SECRET])
    }

    fn joined(Mark(mark): Mark, secret: &[u8; SECRET]) -> Self {
        let mut words = words(secret);
        Self(std::array::from_fn(|at| if at == 0 { mark } else { words.next().unwrap_or_default() }))
    }

    /// A token as presented; `None` for whatever has another shape.
    #[inline]
    pub(crate) fn read(text: &str) -> Option<Self> {
        let all: &[u8; MARK + SECRET] = text.as_bytes().strip_prefix(PREFIX.as_bytes())?.try_into().ok()?;
        let mut words = words(all);
        Some(Self(std::array::from_fn(|_| words.next().unwrap_or_default())))
    }

    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        let [mark, ..] = self.0;
        Mark(mark)
    }
}

#[inline]
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| u64::from_ne_bytes(*word))
}

/// One character of base64url, of six bits. 64 characters divide 256: every one is as likely as any other.
fn letter(bits: u8) -> u8 {
    ALPHABET.get(usize::from(bits % 64)).copied().unwrap_or_default()
}

/// All words are looked at, whichever differ: how long that takes tells nothing.
impl PartialEq for Token {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        // A compiler that knew what comes of it would stop at the first.
        black_box((a ^ e) | (b ^ f) | (c ^ g) | (d ^ h)) == 0
    }
}

/// What a client is given.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        let text = |word: &u64| String::from_utf8(word.to_ne_bytes().into()).map_err(|_| fmt::Error);
        self.0.iter().try_for_each(|word| f.write_str(&text(word)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_of_another_shape() {
        let id = random::session_id().unwrap();
        let token = Token::random(id).unwrap();
        let text = token.to_string();
        assert_eq!(text.len(), 36);
        assert!(Token::read(&text) == Some(token));
        assert!(Token::read(&text) != Token::random(id).ok(), "tokens differ");
        for other in ["", "sgs_", &text[4..], &text[..35], &format!("{text}A"), &text.replace("sgs_", "sgs-")]
        {
            assert!(Token::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn every_character_counts() {
        let token = Token::random(SessionId::from_bits(7)).unwrap();
        for bit in 0..8 * (MARK + SECRET) {
            let mut other = token;
            other.0[bit / 64] ^= 1 << (bit % 64);
            assert!(token != other, "{bit}");
        }
    }

    #[test]
    fn a_token_begins_like_its_session() {
        for bits in [0, u128::MAX, 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10, 1 << 80, 1 << 79] {
            let id = SessionId::from_bits(bits);
            assert!(Token::random(id).unwrap().mark() == Mark::of(id));
            assert!(Token::nobodys(id).mark() == Mark::of(id));
        }
        let id = SessionId::from_bits(0xFFF0_0000_0001_u128 << 80);
        assert!(Token::random(id).unwrap().to_string().starts_with("sgs___AAAAAB"));
    }

    #[test]
    fn nobody_can_present_what_is_nobodys() {
        let bytes = Token::nobodys(SessionId::from_bits(1)).0.map(u64::to_ne_bytes);
        assert!(std::str::from_utf8(bytes.as_flattened()).is_err());
    }
}
