//! Changes of grants: each under the lock that decisions are made under, and handed to the log before anyone
//! can act on it.

use scopegate_core::grant::{Delegate, Ended, OpenBreakGlass, OpenWindow, Reviewed};
use scopegate_core::{Grant, GrantError, GrantId, GrantKind, GrantState, Name, Scope, Timestamp, ToolTable};

use super::{Entry, GrantBook, Grants};
use crate::random;
use crate::snapshot::Slot;
use crate::state::{Position, StateChange, StateLog};

/// What was changed, and where that stands in the log.
pub(crate) type Changed<T> = Result<(T, Position), GrantError>;

/// Where the scope of a delegation's source stands.
pub(crate) struct Source<'a> {
    pub(crate) slot: Slot,
    pub(crate) scope: &'a Scope,
    pub(crate) tools: &'a ToolTable,
}

impl GrantBook {
    pub(crate) fn open_window(
        &self,
        window: OpenWindow,
        now: Timestamp,
        log: Option<&dyn StateLog>,
    ) -> Changed<Grant> {
        let grant = window.open(fresh()?, now)?;
        let mut grants = self.lock();
        grants.check_room(&grant.agent, now)?;
        self.open(&mut grants, grant, None, log)
    }

    pub(crate) fn break_glass(
        &self,
        glass: OpenBreakGlass,
        now: Timestamp,
        log: Option<&dyn StateLog>,
    ) -> Changed<Grant> {
        let grant = glass.open(fresh()?, now)?;
        let mut grants = self.lock();
        grants.check_quota(&grant, now)?;
        self.open(&mut grants, grant, None, log)
    }

    /// `source` finds the scope of a role.
    pub(crate) fn delegate<'a>(
        &self,
        delegate: Delegate,
        source: impl Fn(&Name) -> Option<Source<'a>>,
        now: Timestamp,
        log: Option<&dyn StateLog>,
    ) -> Changed<Grant> {
        let id = fresh()?;
        let mut grants = self.lock();
        grants.check_room(&delegate.target, now)?;
        let above = grants.parents(&delegate, now)?;
        let role =
            above.last().and_then(|first| first.delegation()).map_or(&delegate.role, |first| &first.role);
        let unknown = |role: &Name| GrantError::UnknownRole(role.clone());
        let own = source(&delegate.role).ok_or_else(|| unknown(&delegate.role))?;
        let source = source(role).ok_or_else(|| unknown(role))?;
        let grant = delegate.open(id, &above, source.scope.delegation_depth(), now)?;
        if !source.scope.overlaps(source.tools, &grant.scopes) {
            return Err(GrantError::Nothing);
        }
        self.open(&mut grants, grant, Some(own.slot), log)
    }

    fn open(
        &self,
        grants: &mut Grants,
        grant: Grant,
        slot: Option<Slot>,
        log: Option<&dyn StateLog>,
    ) -> Changed<Grant> {
        let position = keep(log, std::slice::from_ref(&grant))?;
        self.put(grants, grant.clone(), slot);
        Ok((grant, position))
    }

    /// Changes one grant.
    pub(crate) fn change(
        &self,
        id: GrantId,
        log: Option<&dyn StateLog>,
        change: impl FnOnce(&mut Grant) -> Result<(), GrantError>,
    ) -> Changed<Grant> {
        let mut grants = self.lock();
        let entry = grants.by_id.get_mut(&id).ok_or(GrantError::Unknown)?;
        let mut changed = entry.grant.clone();
        change(&mut changed)?;
        let position = keep(log, std::slice::from_ref(&changed))?;
        entry.grant = changed.clone();
        Ok((changed, position))
    }

    /// Ends a grant, and every delegation that is a part of it; the grant itself comes first.
    pub(crate) fn end(&self, id: GrantId, ended: &Ended, log: Option<&dyn StateLog>) -> Changed<Vec<Grant>> {
        let mut grants = self.lock();
        let mut first = grants.get(id).ok_or(GrantError::Unknown)?.clone();
        first.end(ended.clone())?;
        let mut over = vec![first];
        let mut at = 0;
        while let Some(parts) = over.get(at).map(|grant| grants.parts.get(&grant.id)) {
            let parts = parts.into_iter().flatten().filter_map(|part| grants.get(*part).cloned());
            // Those that are over already have nothing in force below them.
            over.extend(parts.filter_map(|mut part| part.end(ended.clone()).is_ok().then_some(part)));
            at += 1;
        }
        let position = keep(log, &over)?;
        for grant in &over {
            if let Some(entry) = grants.by_id.get_mut(&grant.id) {
                entry.grant = grant.clone();
            }
        }
        Ok((over, position))
    }

    /// Lets what an agent gave of its own come from another role from here on.
    pub(crate) fn move_sources(
        &self,
        agent: &str,
        (role, slot): (&Name, Slot),
        now: Timestamp,
        log: Option<&dyn StateLog>,
    ) -> Changed<Vec<Grant>> {
        let mut grants = self.lock();
        let mut moved: Vec<Grant> = grants.all().filter(|grant| stands(grant, now)).cloned().collect();
        moved.retain_mut(|grant| match &mut grant.kind {
            GrantKind::Delegation(of) if of.parent.is_none() && of.source == agent && of.role != *role => {
                of.role = role.clone();
                true
            }
            _ => false,
        });
        if moved.is_empty() {
            return Ok((moved, 0));
        }
        let position = keep(log, &moved)?;
        for grant in &moved {
            grants.by_id.insert(grant.id, Entry { grant: grant.clone(), slot: Some(slot) });
        }
        Ok((moved, position))
    }

    /// Notes what somebody found who had no part in a break-glass.
    pub(crate) fn review(&self, id: GrantId, found: Reviewed, log: Option<&dyn StateLog>) -> Changed<Grant> {
        self.change(id, log, |grant| grant.review(found))
    }
}

impl Grants {
    /// The delegations that a new one would be a part of, nearest first.
    fn parents(&self, delegate: &Delegate, now: Timestamp) -> Result<Vec<&Grant>, GrantError> {
        let Some(parent) = delegate.parent else { return Ok(Vec::new()) };
        let not_theirs = || GrantError::NotTheirs(parent);
        let grant = self.get(parent).filter(|grant| grant.agent == delegate.source).ok_or_else(not_theirs)?;
        let (mut above, _) = self.above(grant).ok_or_else(not_theirs)?;
        above.insert(0, grant);
        match above.iter().map(|grant| grant.state(now)).find(|state| *state != GrantState::Active) {
            Some(over) => Err(GrantError::Over(over)),
            None => Ok(above),
        }
    }
}

fn stands(grant: &Grant, now: Timestamp) -> bool {
    matches!(grant.state(now), GrantState::Active | GrantState::Exhausted)
}

fn fresh() -> Result<GrantId, GrantError> {
    random::grant_id().map_err(|error| GrantError::Unavailable(error.to_string()))
}

/// Hands grants to the log, before anything is changed.
fn keep(log: Option<&dyn StateLog>, grants: &[Grant]) -> Result<Position, GrantError> {
    let Some(log) = log else { return Ok(0) };
    log.reserve(false).map_err(|room| GrantError::Unavailable(room.to_string()))?;
    Ok(log.append(StateChange::Granted(grants.into())))
}
