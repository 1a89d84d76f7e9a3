//! Through whose hands an action came, as the caller says: to say so can only restrict.

use scopegate_core::{Name, PermitId, SessionId};
use serde_json::Value;

use super::super::Tenant;

/// More hands are not looked for one by one.
const MOST: usize = 16;
/// Whoever cannot be told.
const SOMEBODY: Name = Name::new_static("?");

/// Where an action stands in a chain of actions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Custody {
    /// What the caller calls the chain.
    pub(crate) chain: Option<String>,
    /// How many hands it went through before.
    pub(crate) step: usize,
    /// The decision that it follows.
    pub(crate) parent: Option<PermitId>,
}

impl Tenant {
    /// The agents that handed an action on, nearest first: those of the decisions it follows, and as many
    /// more as the caller counts.
    pub(super) fn hands(&self, custody: &Custody) -> Option<Box<[Name]>> {
        let mut hands = Vec::new();
        let mut parent = custody.parent;
        while let Some(id) = parent.filter(|_| hands.len() < MOST) {
            // What cannot be found, or is another tenant's, is a hand too.
            let row = self.archive.decision(&self.id, id).ok().flatten();
            let record: Value = row.and_then(|row| serde_json::from_str(&row.body).ok()).unwrap_or_default();
            let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
            hands.push(text("/plane/claimed").or(text("/owner")).map_or(SOMEBODY, Name::from));
            parent = text("/plane/parent").and_then(permit);
        }
        hands.resize(hands.len().max(custody.step), SOMEBODY);
        (!hands.is_empty()).then(|| hands.into())
    }
}

/// A permit's id as records have it.
fn permit(text: &str) -> Option<PermitId> {
    let (session, number) = text.split_once('-')?;
    Some(PermitId { session: SessionId::parse(session)?, number: number.parse().ok()? })
}
