//! Fresh ids and tokens from the system.

use std::fmt::Write;

use scopegate_core::{ProvisionError, ReviewId, SessionId};

/// The system has no randomness to give.
#[derive(Debug)]
pub(crate) struct NoRandomness(getrandom::Error);

impl From<NoRandomness> for ProvisionError {
    fn from(error: NoRandomness) -> Self {
        Self::Unavailable(format!("no randomness: {}", error.0))
    }
}

/// A session token: `sgs_` and 256 random bits in hexadecimal.
pub(crate) fn token() -> Result<Box<str>, NoRandomness> {
    let bytes: [u8; 32] = fill()?;
    let mut token = String::with_capacity(68);
    token.push_str("sgs_");
    for byte in bytes {
        write!(token, "{byte:02x}").unwrap_or_default(); // writing to a String cannot fail
    }
    Ok(token.into())
}

pub(crate) fn session_id() -> Result<SessionId, NoRandomness> {
    Ok(SessionId::from_bits(u128::from_le_bytes(fill()?)))
}

pub(crate) fn review_id() -> Result<ReviewId, NoRandomness> {
    Ok(ReviewId::from_bits(u128::from_le_bytes(fill()?)))
}

fn fill<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}
