//! The agents of a tenant in memory, and their credentials.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use scopegate_core::{Name, Timestamp};

use crate::store::{AgentRow, CredentialRow, TenantState};

/// Agents by id and by name.
#[derive(Debug, Default)]
pub(crate) struct AgentBook {
    by_id: HashMap<Name, Arc<AgentRow>>,
    /// In the order they were registered.
    ids: Vec<Name>,
    /// By framework and name.
    names: HashMap<(Name, Name), Name>,
    credentials: HashMap<Name, Arc<CredentialRow>>,
    /// Those of each agent, oldest first.
    credentials_of: HashMap<Name, Vec<Name>>,
    /// Every owner that is suspended, agent or not.
    suspended: BTreeSet<Name>,
}

impl AgentBook {
    /// The agents as they were kept.
    pub(in crate::domain) fn restore(state: &TenantState) -> Self {
        let mut book = Self { suspended: state.suspended.iter().cloned().collect(), ..Self::default() };
        for row in &state.agents {
            book.put(row.clone());
        }
        let mut credentials = state.credentials.clone();
        credentials.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        for credential in credentials {
            book.put_credential(credential);
        }
        book
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(in crate::domain) fn get(&self, id: &str) -> Option<&Arc<AgentRow>> {
        self.by_id.get(id)
    }

    pub(in crate::domain) fn knows(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn named(&self, framework: &Name, name: &Name) -> Option<&Arc<AgentRow>> {
        self.by_id.get(self.names.get(&(framework.clone(), name.clone()))?)
    }

    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = &Arc<AgentRow>> {
        self.ids.iter().filter_map(|id| self.by_id.get(id))
    }

    pub(in crate::domain) fn is_active(&self, id: &str) -> bool {
        !self.suspended.contains(id)
    }

    /// Puts an agent in the place of what it was.
    pub(in crate::domain) fn put(&mut self, row: AgentRow) -> Arc<AgentRow> {
        match self.by_id.get(&row.id) {
            Some(before) => drop(self.names.remove(&(before.framework.clone(), before.name.clone()))),
            None => self.ids.push(row.id.clone()),
        }
        self.names.insert((row.framework.clone(), row.name.clone()), row.id.clone());
        let row = Arc::new(row);
        self.by_id.insert(row.id.clone(), row.clone());
        row
    }

    /// Notes that an owner is suspended, or goes on. An agent that was deactivated and goes on is
    /// returned as it is then.
    pub(in crate::domain) fn suspend(&mut self, owner: &Name, on: bool) -> Option<Arc<AgentRow>> {
        if on {
            self.suspended.insert(owner.clone());
            return None;
        }
        self.suspended.remove(owner);
        let row = self.by_id.get(owner).filter(|row| row.deactivated_at.is_some())?;
        let row = AgentRow { deactivated_at: None, ..(**row).clone() };
        Some(self.put(row))
    }

    /// The credentials of an agent, oldest first.
    pub(super) fn credentials(&self, agent: &str) -> impl DoubleEndedIterator<Item = &Arc<CredentialRow>> {
        let ids = self.credentials_of.get(agent).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.credentials.get(id))
    }

    /// The credential that an agent should use: the newest that nothing has ended or replaced.
    pub(super) fn active_credential(&self, agent: &str, now: Timestamp) -> Option<&Arc<CredentialRow>> {
        self.credentials(agent).rev().find(|row| row.retires_at.is_none() && now < row.over_at())
    }

    /// A credential, whoever's.
    pub(super) fn credential(&self, id: &str) -> Option<&Arc<CredentialRow>> {
        self.credentials.get(id)
    }

    /// The ids of all credentials.
    pub(in crate::domain) fn credential_ids(&self) -> impl Iterator<Item = &Name> {
        self.credentials.keys()
    }

    /// Puts a credential in the place of what it was.
    pub(super) fn put_credential(&mut self, row: CredentialRow) -> Arc<CredentialRow> {
        let row = Arc::new(row);
        if self.credentials.insert(row.id.clone(), row.clone()).is_none() {
            self.credentials_of.entry(row.agent.clone()).or_default().push(row.id.clone());
        }
        row
    }

    /// Forgets credentials of an agent that were over by then; their ids.
    pub(super) fn forget_credentials(&mut self, agent: &str, before: Timestamp) -> Vec<Name> {
        let over = |row: &Arc<CredentialRow>| row.over_at() < before;
        let gone: Vec<Name> =
            self.credentials(agent).filter(|row| over(row)).map(|row| row.id.clone()).collect();
        for id in &gone {
            self.credentials.remove(id);
        }
        if let Some(ids) = self.credentials_of.get_mut(agent) {
            ids.retain(|id| !gone.contains(id));
        }
        gone
    }
}
