//! Why an operation did not do what it was asked. A refused tool call is none of these.

use super::member::Invalid;
use crate::store::StoreError;

/// The words are for people, and never repeat a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Not there, or another tenant's: the two look alike.
    #[error("no such {0}")]
    Unknown(&'static str),
    /// Cannot be read at all.
    #[error("{0}")]
    Malformed(String),
    /// Can be read, and cannot be.
    #[error("{0}")]
    Invalid(String),
    /// Does not fit what is there already.
    #[error("{0}")]
    Conflict(String),
    /// Not with this key.
    #[error("{0}")]
    Forbidden(String),
    /// Too often, or too much of it; later it may be done.
    #[error("{0}")]
    TooMany(String),
    /// Not now.
    #[error("{0}")]
    Unavailable(String),
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store cannot be read");
        Self::Unavailable("the store cannot be read".to_owned())
    }
}
