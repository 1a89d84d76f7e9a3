//! The name of a tenant.

use std::fmt;

use scopegate_core::Name;
use serde::{Deserialize, Serialize};

/// A tenant: 1 to 63 of `a-z 0-9 - _`, starting with a letter or digit. It also names files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Name", into = "Name")]
pub struct TenantId(Name);

/// A name that no tenant can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a tenant: use 1 to 63 of a-z, 0-9, `-` and `_`, starting with a letter or digit")]
pub struct BadTenantId(Name);

impl TenantId {
    /// Reads a name.
    ///
    /// # Errors
    /// [`BadTenantId`] when no tenant can have it.
    pub fn parse(name: impl Into<Name>) -> Result<Self, BadTenantId> {
        let name = name.into();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let good = name.len() <= 63
            && name.bytes().next().is_some_and(plain)
            && name.bytes().all(|b| plain(b) || b == b'-' || b == b'_');
        if good { Ok(Self(name)) } else { Err(BadTenantId(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Name> for TenantId {
    type Error = BadTenantId;

    fn try_from(name: Name) -> Result<Self, BadTenantId> {
        Self::parse(name)
    }
}

impl From<TenantId> for Name {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
