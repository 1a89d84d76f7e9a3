//! Small things that are few, change seldom and are read whole at the start: each is a JSON document under
//! a kind and an id.

use scopegate_core::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, TenantId};

/// A document, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a row must fill all of it")]
pub struct DocumentRow {
    /// Whose.
    pub tenant: TenantId,
    /// What it is.
    pub kind: Kind,
    /// Unique within the tenant and kind.
    pub id: Name,
    /// What it says, a JSON document; `None` forgets it.
    pub body: Option<String>,
}

/// What a document is. Its name in the store is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a kind that the plane does not know would be lost")]
pub enum Kind {
    /// A policy.
    Policy,
    /// A policy pack with its versions.
    Pack,
    /// A window, a break-glass or a delegation.
    Grant,
}

impl Kind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Policy, Self::Pack, Self::Grant];

    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Pack => "pack",
            Self::Grant => "grant",
        }
    }

    /// The kind that a name of the store stands for.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl DocumentRow {
    /// A document that says this.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written as JSON.
    pub fn new(tenant: TenantId, kind: Kind, id: Name, said: &impl Serialize) -> Result<Self, StoreError> {
        Ok(Self { tenant, kind, id, body: Some(serde_json::to_string(said)?) })
    }

    /// The end of a document.
    pub fn end(tenant: TenantId, kind: Kind, id: Name) -> Self {
        Self { tenant, kind, id, body: None }
    }

    /// What it says; `None` once it has ended.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it says something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        let read = |body: &String| {
            serde_json::from_str(body)
                .map_err(|error| StoreError::Damaged(format!("{} `{}`: {error}", self.kind.name(), self.id)))
        };
        self.body.as_ref().map(read).transpose()
    }
}
