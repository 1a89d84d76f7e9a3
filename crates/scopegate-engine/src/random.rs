//! Fresh ids from the system's randomness.

use scopegate_core::{GrantId, ProvisionError, ReviewId, SessionId};

/// The system has no randomness to give.
#[derive(Debug)]
pub(crate) struct NoRandomness(getrandom::Error);

impl std::fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no randomness: {}", self.0)
    }
}

impl From<NoRandomness> for ProvisionError {
    fn from(error: NoRandomness) -> Self {
        Self::Unavailable(error.to_string())
    }
}

pub(crate) fn session_id() -> Result<SessionId, NoRandomness> {
    Ok(SessionId::from_bits(u128::from_le_bytes(fill()?)))
}

pub(crate) fn review_id() -> Result<ReviewId, NoRandomness> {
    Ok(ReviewId::from_bits(u128::from_le_bytes(fill()?)))
}

pub(crate) fn grant_id() -> Result<GrantId, NoRandomness> {
    Ok(GrantId::from_bits(u128::from_le_bytes(fill()?)))
}

pub(crate) fn fill<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}
