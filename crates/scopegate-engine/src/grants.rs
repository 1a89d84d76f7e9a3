//! What owners hold beside their roles: windows, break-glasses and delegations, in this process.

mod changes;
mod quota;

pub(crate) use self::changes::{Changed, Source};

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use scopegate_core::{Grant, GrantId, GrantState, Name, Timestamp};

use crate::snapshot::Slot;

/// All grants of an enforcer.
#[derive(Default)]
pub(crate) struct GrantBook {
    grants: Mutex<Grants>,
    /// Whether there was ever one: most enforcers have none, and are spared a look.
    any: AtomicBool,
}

/// The grants, held while a decision is made on them.
#[derive(Default)]
pub(crate) struct Grants {
    by_id: HashMap<GrantId, Entry, RandomState>,
    /// In the order they were opened.
    by_agent: HashMap<Name, Vec<GrantId>, RandomState>,
    /// The delegations that are a part of one.
    parts: HashMap<GrantId, Vec<GrantId>, RandomState>,
    /// Every break-glass.
    broken: Vec<GrantId>,
}

/// A grant, and the place of the role of whoever delegated it.
struct Entry {
    grant: Grant,
    slot: Option<Slot>,
}

impl GrantBook {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Grants> {
        // Every step leaves the grants whole, so a panic elsewhere cannot have spoilt them.
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is any grant to look at.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Takes up what an earlier process kept; `find` knows where roles stand.
    pub(crate) fn restore(&self, saved: Vec<Grant>, find: impl Fn(&str) -> Option<Slot>) {
        let mut saved = saved;
        saved.sort_by_key(|grant| (grant.opened_at, grant.id));
        for grant in saved {
            let slot = grant.delegation().map(|delegation| {
                let role = delegation.hand.as_ref().unwrap_or(&delegation.role);
                find(role).unwrap_or(Slot::MAX)
            });
            self.put(&mut self.lock(), grant, slot);
        }
    }

    fn put(&self, grants: &mut Grants, grant: Grant, slot: Option<Slot>) {
        grants.put(grant, slot);
        self.any.store(true, Ordering::Release);
    }
}

impl Grants {
    fn put(&mut self, grant: Grant, slot: Option<Slot>) {
        self.by_agent.entry(grant.agent.clone()).or_default().push(grant.id);
        if let Some(parent) = grant.delegation().and_then(|delegation| delegation.parent) {
            self.parts.entry(parent).or_default().push(grant.id);
        }
        if grant.break_glass().is_some() {
            self.broken.push(grant.id);
        }
        self.by_id.insert(grant.id, Entry { grant, slot });
    }

    pub(crate) fn get(&self, id: GrantId) -> Option<&Grant> {
        self.by_id.get(&id).map(|entry| &entry.grant)
    }

    /// Every grant, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Grant> {
        self.by_id.values().map(|entry| &entry.grant)
    }

    /// Whether an agent holds any grant that is in force.
    pub(crate) fn holds(&self, agent: &str, now: Timestamp) -> bool {
        let ids = self.by_agent.get(agent).into_iter().flatten();
        ids.filter_map(|id| self.get(*id)).any(|grant| grant.state(now) == GrantState::Active)
    }

    /// The windows and break-glasses of an agent that are in force, in the order they were opened.
    pub(crate) fn in_force<'g>(&'g self, agent: &str, now: Timestamp) -> impl Iterator<Item = &'g Grant> {
        let ids = self.by_agent.get(agent).into_iter().flatten();
        let grants = ids.filter_map(|id| self.get(*id)).filter(|grant| grant.delegation().is_none());
        grants.filter(move |grant| grant.state(now) == GrantState::Active)
    }

    /// The delegations that one is a part of, nearest first; and the place of the role they come from.
    /// `None` when one of them is gone.
    pub(crate) fn above(&self, grant: &Grant) -> Option<(Vec<&Grant>, Slot)> {
        let mut above = Vec::new();
        let mut last = self.by_id.get(&grant.id)?;
        while let Some(parent) = last.grant.delegation().and_then(|delegation| delegation.parent) {
            // No longer than any that was ever made.
            if above.len() > scopegate_core::grant::MAX_DELEGATIONS as usize {
                return None;
            }
            last = self.by_id.get(&parent)?;
            above.push(&last.grant);
        }
        Some((above, last.slot?))
    }

    /// The agents after the first that handed it on, nearest first, with the places of their roles. `None` when
    /// one of them cannot be told.
    pub(crate) fn hands<'g>(
        &'g self,
        grant: &'g Grant,
        above: &[&'g Grant],
    ) -> Option<Vec<(&'g Name, Slot)>> {
        let parts = std::iter::once(grant).chain(above.iter().copied());
        let hand = |grant: &'g Grant| {
            let of = grant.delegation()?;
            of.hand.as_ref()?;
            Some((&of.source, self.by_id.get(&grant.id)?.slot?))
        };
        parts.take(above.len()).map(hand).collect()
    }

    /// These, as they stand.
    pub(crate) fn told(&self, ids: &[GrantId]) -> Vec<Grant> {
        ids.iter().filter_map(|id| self.get(*id)).cloned().collect()
    }

    /// Spends a use of a grant and of all that it is a part of; as they stand since.
    pub(crate) fn spend(&mut self, id: GrantId) -> Vec<GrantId> {
        let mut spent = Vec::new();
        let mut next = Some(id);
        while let Some(entry) = next.and_then(|id| self.by_id.get_mut(&id)) {
            entry.grant.uses = entry.grant.uses.saturating_add(1);
            spent.push(entry.grant.id);
            next = entry.grant.delegation().and_then(|delegation| delegation.parent);
        }
        spent
    }
}
