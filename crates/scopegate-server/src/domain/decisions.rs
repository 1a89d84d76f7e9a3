//! Decisions that were made, as people look for them.

use scopegate_core::{Name, PermitId};
use serde_json::Value;

use super::{Decided, Failure, Slice, Tenant};
use crate::auth::Caller;
use crate::keys::Kind;
use crate::store::{DecisionCounts, RecordRow, Wanted};

impl Tenant {
    /// Decisions, newest first, and how many there are: all of them for people, its own for an agent, and
    /// those that a key asked for itself for an agent's key.
    pub(crate) fn decisions(
        &self,
        caller: &Caller,
        wanted: Wanted,
        slice: Slice,
    ) -> Result<(Vec<Decided>, u64), Failure> {
        let wanted = self.within_sight(caller, wanted);
        let (rows, total) = self.archive.decisions(&self.id, &wanted, slice.skip, slice.most)?;
        Ok((rows.into_iter().map(Decided::read).collect::<Result<_, _>>()?, total))
    }

    /// One decision. Another's looks unknown.
    pub(crate) fn decision(&self, caller: &Caller, id: PermitId) -> Result<Decided, Failure> {
        let unknown = || Failure::Unknown("decision");
        let decided = Decided::read(self.archive.decision(&self.id, id)?.ok_or_else(unknown)?)?;
        let Wanted { owner, key, .. } = self.within_sight(caller, Wanted::default());
        let text = |pointer: &str| decided.record.pointer(pointer).and_then(Value::as_str);
        let is =
            |pointer: &str, wanted: Option<Name>| wanted.is_none_or(|name| text(pointer) == Some(&*name));
        let (own, asked) = (is("/owner", owner), is("/plane/key", key));
        if own && asked { Ok(decided) } else { Err(unknown()) }
    }

    /// How many decisions came to what.
    pub(crate) fn decision_counts(&self) -> Result<DecisionCounts, Failure> {
        Ok(self.archive.decision_counts(&self.id)?)
    }

    /// What an agent said to others and they to it, newest first, and how much that is.
    pub(crate) fn communications(
        &self,
        caller: &Caller,
        agent: &str,
        slice: Slice,
    ) -> Result<(Vec<Decided>, u64), Failure> {
        let id = self.looked_into(caller, agent)?.id.clone();
        let (rows, total) = self.archive.communications(&self.id, &id, slice.skip, slice.most)?;
        Ok((rows.into_iter().map(Decided::read).collect::<Result<_, _>>()?, total))
    }

    fn within_sight(&self, caller: &Caller, wanted: Wanted) -> Wanted {
        if caller.kind != Kind::Agent {
            return wanted;
        }
        match self.book.agents().knows(&caller.owner) {
            true => Wanted { owner: Some(caller.owner.clone()), ..wanted },
            false => Wanted { key: Some(caller.key.clone()), ..wanted },
        }
    }
}

impl Decided {
    pub(super) fn read(row: RecordRow) -> Result<Self, Failure> {
        let damaged = |error| Failure::Unavailable(format!("record {}: {error}", row.seq));
        let record = serde_json::from_str(&row.body).map_err(damaged)?;
        Ok(Self { row, record })
    }
}
