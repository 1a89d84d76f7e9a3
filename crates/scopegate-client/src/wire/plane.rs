//! The plane itself.

use serde::{Deserialize, Serialize};

/// Whether the plane can do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Health {
    /// `ok`, or else what is wrong in one word.
    pub status: String,
    /// Its version.
    pub version: Option<String>,
    /// Whether records are on disk before answers go out: `durable`, or `buffered`.
    pub audit: Option<String>,
    /// Why it cannot do its work.
    pub reason: Option<String>,
}

impl Health {
    /// Whether it is green.
    pub fn is_ok(&self) -> bool {
        self.status == "ok"
    }
}

/// Whether what a client keeps is still so. A higher counter is a later state; counters of two
/// incarnations cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "an epoch is these two")]
pub struct Epoch {
    /// Random; another one after each start of the plane.
    pub incarnation: u64,
    /// One more with each change that clients must see.
    pub counter: u64,
}
