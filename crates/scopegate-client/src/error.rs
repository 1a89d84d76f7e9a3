//! What a caller is told when something did not happen.
//!
//! A denial and a hold are errors here, as they are exceptions in the published clients: whoever
//! writes `client.enforce(…).await?` and goes on must not have gone on without a permit.

use std::time::Duration;

use scopegate_core::{DenyCode, Timestamp};
use serde::Deserialize;

/// Why there is no answer of the kind that was asked for. The words are safe to log: no secret is
/// in them, and what came from elsewhere is shortened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The call may not be made.
    #[error("denied: {0}")]
    Denied(Box<Denied>),
    /// A person has to agree to the call first.
    #[error("held: {0}")]
    Pending(Box<Pending>),
    /// The plane took too long. A change may have been made all the same.
    #[error("the plane did not answer within {0:?}")]
    Timeout(Duration),
    /// The plane could not be asked, or cannot answer now.
    #[error("the plane is unavailable: {reason}")]
    Unavailable {
        /// What kind of outage it is.
        outage: Outage,
        /// In words.
        reason: String,
    },
    /// 401: there is no key, or the plane does not know it.
    #[error("the plane does not know the key: {0}")]
    Unauthorized(String),
    /// 403: not with this key.
    #[error("the key may not do this: {0}")]
    Forbidden(String),
    /// 404: not there, or another tenant's: the two look alike.
    #[error("not found: {0}")]
    NotFound(String),
    /// 409: it does not fit what is there already.
    #[error("conflict: {0}")]
    Conflict(String),
    /// 400, or refused before it was sent: it cannot be as it is.
    #[error("invalid: {0}")]
    Invalid(String),
    /// Something answered, and not as a plane does.
    #[error("not an answer of a plane (status {status}): {why}; it began: {said}")]
    Garbage {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        why: String,
        /// How it began.
        said: String,
    },
    /// Where an export was to go.
    #[error("the export cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Kinds of outages. Only some of them leave certain that nothing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "what a new kind means must be decided where they are told apart"
)]
pub enum Outage {
    /// No connection could be made: nothing was asked.
    Connect,
    /// The connection broke before an answer came, or an answer did not end: the question may have been
    /// answered.
    Lost,
    /// 502, 503 or 504.
    Status(u16),
}

/// A call that may not be made, and why.
#[derive(Clone, Debug, Deserialize, thiserror::Error)]
#[error("{deny_code}: {reason}")]
#[non_exhaustive]
pub struct Denied {
    /// The stable code, as it stands on the wire; later planes may have codes that this crate does
    /// not know.
    pub deny_code: String,
    /// How bad it is: `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// In words.
    pub reason: String,
    /// What the caller may do about it, in one word.
    pub retry_guidance: String,
    /// What the caller calls the call.
    pub call_id: String,
}

impl Denied {
    /// The code, if this crate knows it.
    pub fn code(&self) -> Option<DenyCode> {
        DenyCode::ALL.iter().copied().find(|code| code.as_str() == self.deny_code)
    }
}

/// A call that waits for a person. Once they agreed, the same call is asked again.
#[derive(Clone, Debug, Deserialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Pending {
    /// The id of the review.
    #[serde(rename = "approval_id")]
    pub review: String,
    /// Until when it waits.
    pub expires_at: Timestamp,
    /// In words.
    pub message: String,
}

impl ClientError {
    /// Whether the plane could not be asked or did not answer, rather than answered something.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Unavailable { .. })
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Where the plane is.
    #[error("`{0}` is not where a plane can be: {1}")]
    Url(String, String),
    /// The key would go over plain http to another machine.
    #[error(
        "the API key does not go to `{0}` over plain http: use https, or say SCOPEGATE_PLAIN_HTTP=danger \
         (`danger_plain_http`) where nobody can stand between"
    )]
    Plain(String),
    /// A key that cannot stand in a header.
    #[error("the API key holds characters that no key has")]
    Key,
    /// A file of certificates.
    #[error("{0}: {1}")]
    Ca(std::path::PathBuf, String),
    /// TLS, or the connections.
    #[error("connections cannot be made: {0}")]
    Connections(String),
}
