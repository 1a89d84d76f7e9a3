//! What operators and agents do with grants.

#[cfg(test)]
mod tests;

use scopegate_core::grant::{Delegate, Ended, OpenBreakGlass, OpenWindow, Reviewed};
use scopegate_core::{Grant, GrantError, GrantId, GrantState, Name};

use super::{Inner, LocalEnforcer};
use crate::grants::{Changed, Source};

impl LocalEnforcer {
    /// Widens what an agent may do, for a while.
    ///
    /// # Errors
    /// [`GrantError`] says what to change.
    pub async fn open_window(&self, window: OpenWindow) -> Result<Grant, GrantError> {
        let inner = &self.inner;
        inner.kept_grant(inner.grants.open_window(window, inner.now(), inner.journal.state())).await
    }

    /// Lets a window last so many minutes longer.
    ///
    /// # Errors
    /// [`GrantError`]; nothing changed.
    pub async fn extend_window(
        &self,
        id: GrantId,
        by: Name,
        minutes: u64,
        reason: String,
    ) -> Result<Grant, GrantError> {
        let (inner, now) = (&self.inner, self.inner.now());
        let extend = |grant: &mut Grant| grant.extend(by, minutes, reason, now);
        inner.kept_grant(inner.grants.change(id, inner.journal.state(), extend)).await
    }

    /// Lets an agent do in an emergency what it otherwise may not. Three for each agent within half an hour,
    /// four hours for all together in a day, and none while an earlier one waits for its review too long.
    ///
    /// # Errors
    /// [`GrantError`] says what to change, or until when to wait.
    pub async fn break_glass(&self, glass: OpenBreakGlass) -> Result<Grant, GrantError> {
        let inner = &self.inner;
        inner.kept_grant(inner.grants.break_glass(glass, inner.now(), inner.journal.state())).await
    }

    /// Notes what somebody found of a break-glass who had no part in it.
    ///
    /// # Errors
    /// [`GrantError`]; nothing changed.
    pub async fn review_break_glass(
        &self,
        id: GrantId,
        by: Name,
        notes: String,
        outcome: Option<String>,
    ) -> Result<Grant, GrantError> {
        let inner = &self.inner;
        let found = Reviewed { at: inner.now(), by, notes, outcome };
        inner.kept_grant(inner.grants.review(id, found, inner.journal.state())).await
    }

    /// Hands on some of what an agent may do. What is left of it is found at every use.
    ///
    /// # Errors
    /// [`GrantError`] says what to change.
    pub async fn delegate(&self, delegate: Delegate) -> Result<Grant, GrantError> {
        let inner = &self.inner;
        inner.kept_grant(inner.delegate(delegate)).await
    }

    /// Lets what an agent delegated of its own come from this role from here on: it acts in another. Those
    /// that were moved.
    ///
    /// # Errors
    /// [`GrantError`]; nothing changed.
    pub async fn move_delegations(&self, agent: &str, role: &str) -> Result<Vec<Grant>, GrantError> {
        let (inner, role) = (&self.inner, Name::from(role));
        let slot = inner.publisher().find(&role).ok_or_else(|| GrantError::UnknownRole(role.clone()))?;
        let moved = inner.grants.move_sources(agent, (&role, slot), inner.now(), inner.journal.state());
        inner.kept_grant(moved).await
    }

    /// Ends a grant before its time, and every delegation that is a part of it. The grant itself comes first.
    ///
    /// # Errors
    /// [`GrantError`]; nothing changed.
    pub async fn end_grant(&self, id: GrantId, by: Name, reason: String) -> Result<Vec<Grant>, GrantError> {
        let inner = &self.inner;
        let ended = Ended { at: inner.now(), by, reason };
        inner.kept_grant(inner.grants.end(id, &ended, inner.journal.state())).await
    }

    /// A grant, as it is now; `None` when there is none.
    pub fn grant(&self, id: GrantId) -> Option<Grant> {
        self.inner.grants.lock().get(id).cloned()
    }

    /// Every grant, in the order they were opened, with where each stands.
    pub fn grants(&self) -> Vec<(Grant, GrantState)> {
        let now = self.inner.now();
        let mut grants: Vec<_> =
            self.inner.grants.lock().all().map(|grant| (grant.clone(), grant.state(now))).collect();
        grants.sort_by_key(|(grant, _)| (grant.opened_at, grant.id));
        grants
    }

    /// Whether an agent holds anything that is in force beside its roles.
    pub fn holds_grants(&self, agent: &str) -> bool {
        self.inner.grants.any() && self.inner.grants.lock().holds(agent, self.inner.now())
    }

    /// Whether a grant admits calls of this tool, or any at all, to this agent as things stand now. Nothing is
    /// decided, recorded or spent.
    pub fn grant_admits(&self, id: GrantId, agent: &str, tool: Option<&str>) -> bool {
        let guard = self.inner.read();
        let snapshot = self.inner.policy.load(&guard);
        let grants = self.inner.grants.lock();
        let now = self.inner.now();
        let named = self.inner.in_hand(&grants, snapshot, agent, (Some(id), now));
        named.first().is_some_and(|named| named.held().admits(&snapshot.tools, tool, now))
    }
}

impl Inner {
    fn delegate(&self, delegate: Delegate) -> Changed<Grant> {
        let guard = self.read();
        let snapshot = self.policy.load(&guard);
        // Looked up before grants are locked.
        let known: Vec<_> = {
            let publisher = self.publisher();
            publisher.roles().keys().filter_map(|name| Some((name.clone(), publisher.find(name)?))).collect()
        };
        let source = |role: &Name| {
            let (_, slot) = known.iter().find(|(name, _)| name == role)?;
            Some(Source { slot: *slot, scope: snapshot.scope(*slot)?, tools: &snapshot.tools })
        };
        self.grants.delegate(delegate, source, self.now(), self.journal.state())
    }

    /// A grant is told of only once it is kept.
    async fn kept_grant<T>(&self, changed: Changed<T>) -> Result<T, GrantError> {
        let (changed, position) = changed?;
        match self.journal.state() {
            Some(log) if log.is_durable() && !log.kept(position).await => {
                Err(GrantError::Unavailable("the change cannot be kept".to_owned()))
            }
            _ => Ok(changed),
        }
    }
}
