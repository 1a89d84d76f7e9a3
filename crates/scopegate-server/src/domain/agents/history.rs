//! What was decided for an agent, from the log.

use serde_json::Value;

use super::super::{Failure, Tenant};
use super::Slice;
use crate::auth::Caller;
use crate::store::RecordRow;

/// A decision, as it stands in the log.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) row: RecordRow,
    pub(crate) record: Value,
}

impl Tenant {
    /// Decisions for an agent, newest first, and how many records of them there are.
    pub(crate) fn agent_history(
        &self,
        caller: &Caller,
        agent: &str,
        slice: Slice,
    ) -> Result<(Vec<Decided>, u64), Failure> {
        let id = self.looked_into(caller, agent)?.id.clone();
        let counts = self.archive.agent_counts(&self.id, std::slice::from_ref(&id))?;
        let total = counts.first().map_or(0, |counts| counts.records);
        // A page beyond the end is not looked for: that would walk through all the others.
        let rows = match slice.skip < total {
            true => self.archive.agent_records(&self.id, &id, slice.skip, slice.most)?,
            false => Vec::new(),
        };
        let decided = |row: RecordRow| {
            let damaged = |error| Failure::Unavailable(format!("record {}: {error}", row.seq));
            let record = serde_json::from_str(&row.body).map_err(damaged)?;
            Ok(Decided { row, record })
        };
        Ok((rows.into_iter().map(decided).collect::<Result<_, Failure>>()?, total))
    }

    /// Whether a caller may see what an agent said to others. Agents cannot speak to each other through the
    /// plane yet, so that is nothing.
    pub(crate) fn agent_communications(&self, caller: &Caller, agent: &str) -> Result<(), Failure> {
        self.looked_into(caller, agent).map(drop)
    }
}
