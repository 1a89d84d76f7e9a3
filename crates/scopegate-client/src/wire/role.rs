//! Roles, as they are written to a plane and as it shows them.

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A role to make, or members of one to change: what is not named stays as it is, null resets it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RoleDraft(Map<String, Value>);

impl RoleDraft {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The draft, with a member as the plane names it: `allowed_tools`, `webhook_url`.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(member.into(), value.into());
        self
    }

    /// All members that are named.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for RoleDraft {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

/// A role as a plane shows it. Secrets are not among its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
#[non_exhaustive]
pub struct RoleView {
    /// Its id, as long as it exists.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Everything that is told of it, these four too.
    pub members: Map<String, Value>,
}

impl TryFrom<Map<String, Value>> for RoleView {
    type Error = serde_json::Error;

    fn try_from(members: Map<String, Value>) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Known {
            id: String,
            name: String,
            version: u64,
            updated_at: Timestamp,
        }
        let Known { id, name, version, updated_at } = serde_json::from_value(Value::Object(members.clone()))?;
        Ok(Self { id, name, version, updated_at, members })
    }
}

impl From<RoleView> for Map<String, Value> {
    fn from(view: RoleView) -> Self {
        view.members
    }
}

#[derive(Deserialize)]
pub(crate) struct Roles {
    pub(crate) roles: Vec<RoleView>,
}
