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
        Ok((rows.into_iter().map(Decided::read).collect::<Result<_, _>>()?, total))
    }
}
