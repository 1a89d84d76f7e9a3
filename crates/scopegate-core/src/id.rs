//! Newtype ids: plain values, made by whoever has randomness.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A name as it appears in a policy or a call: cheap to clone, never allocates when cloned.
pub type Name = SmolStr;

// Two words rather than one of 128 bits: that would align every answer to sixteen bytes.

/// A session: a random 128-bit number, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u64, u64);

/// A review: a random 128-bit number, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReviewId(u64, u64);

/// A grant beside roles: a random 128-bit number, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(u64, u64);

/// A permit: its session and its number within that session, from 1 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PermitId {
    /// The session that was permitted.
    pub session: SessionId,
    /// The record's number within the session.
    pub number: u64,
}

impl fmt::Display for PermitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.session, self.number)
    }
}

macro_rules! hex_id {
    ($id:ident) => {
        impl $id {
            /// Wraps 128 random bits.
            pub const fn from_bits(bits: u128) -> Self {
                Self((bits >> 64) as u64, bits as u64)
            }

            /// The bits.
            pub const fn bits(self) -> u128 {
                (self.0 as u128) << 64 | self.1 as u128
            }

            /// Reads 32 hexadecimal digits.
            pub fn parse(text: &str) -> Option<Self> {
                let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
                if hex { u128::from_str_radix(text, 16).ok().map(Self::from_bits) } else { None }
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.bits())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl Serialize for $id {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an id is 32 hexadecimal digits"))
            }
        }
    };
}

hex_id!(SessionId);
hex_id!(ReviewId);
hex_id!(GrantId);
