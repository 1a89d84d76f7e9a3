//! The budgets that a call spends of: its session's, and those of all sessions above it.

use std::sync::MutexGuard;

use scopegate_core::SessionId;
use smallvec::SmallVec;

use crate::session::{Budget, Session};

/// What budgets stand at.
pub(super) type Spent = SmallVec<[(SessionId, u64); 1]>;

/// Budgets that count a call, locked from the look at them until the decision stands.
pub(super) struct Budgets<'a>(SmallVec<[(SessionId, &'a Budget, MutexGuard<'a, ()>); 1]>);

impl<'a> Budgets<'a> {
    /// Locks them: before any rate account, and a session's before its parent's, so that no two decisions wait
    /// for each other.
    pub(super) fn lock(session: &'a Session) -> Self {
        let locked = |session: &'a Session| {
            let budget = session.budget()?;
            Some((session.id, budget, budget.lock()))
        };
        Self(session.chain().filter_map(locked).collect())
    }

    /// Spends one call of each.
    pub(super) fn spend(&self) {
        self.0.iter().for_each(|(_, budget, _)| budget.spend());
    }

    pub(super) fn stand(&self) -> Spent {
        self.0.iter().map(|(session, budget, _)| (*session, budget.standing())).collect()
    }
}

#[cfg(test)]
mod tests;
