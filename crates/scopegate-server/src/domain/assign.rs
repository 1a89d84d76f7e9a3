//! Roles of agents: assigned and taken back. What changes is in force at the agent's next action.

use std::sync::Arc;

use scopegate_core::{Name, Timestamp};

use super::epoch::Touched;
use super::{Agent, Failure, RoleDocument, Tenant};
use crate::store::{AgentRow, Change};

/// Most roles of one agent.
const MOST: usize = 8;

impl Tenant {
    /// Assigns a role to an agent. Doing it twice is fine.
    pub(crate) async fn assign_role(
        &self,
        role: &str,
        agent: &str,
        now: Timestamp,
    ) -> Result<(Arc<RoleDocument>, Agent), Failure> {
        self.reassign(role, agent, now, |roles, id| {
            if roles.contains(id) {
                return Ok(());
            }
            if roles.len() >= MOST {
                return Err(Failure::Conflict(format!("an agent has at most {MOST} roles")));
            }
            roles.push(id.clone());
            Ok(())
        })
        .await
    }

    /// Takes a role back from an agent. One that it does not have is fine.
    pub(crate) async fn unassign_role(
        &self,
        role: &str,
        agent: &str,
        now: Timestamp,
    ) -> Result<(Arc<RoleDocument>, Agent), Failure> {
        self.reassign(role, agent, now, |roles, id| {
            roles.retain(|known| known != id);
            Ok(())
        })
        .await
    }

    async fn reassign(
        &self,
        role: &str,
        agent: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Vec<Name>, &Name) -> Result<(), Failure>,
    ) -> Result<(Arc<RoleDocument>, Agent), Failure> {
        let (document, changed) = self
            .change(|| {
                let document = self.role(role)?;
                let before = self.book.agents().get(agent).cloned().ok_or(Failure::Unknown("agent"))?;
                let mut roles = before.roles.clone();
                change(&mut roles, &document.id)?;
                if roles == before.roles {
                    return Ok(((document, false), Vec::new()));
                }
                let next = AgentRow { roles, updated_at: now, ..(*before).clone() };
                self.can_lay(&next)?;
                let row = self.book.agents_mut().put(next);
                let bumped = self.bump(Touched::Owner(row.id.clone()));
                Ok(((document, true), vec![Change::Agent(Box::new((*row).clone())), bumped]))
            })
            .await?;
        if changed {
            self.end_given(agent).await?;
        }
        Ok((document, self.agent(agent)?))
    }

    /// The agents that have a role, in the order they were registered.
    pub(crate) fn role_agents(&self, role: &str) -> Result<(Arc<RoleDocument>, Vec<Agent>), Failure> {
        let document = self.role(role)?;
        let ids = self.agents_with(&document.id);
        Ok((document, ids.iter().map(|id| self.agent(id)).collect::<Result<_, _>>()?))
    }

    /// The ids of the agents that have a role.
    pub(super) fn agents_with(&self, role: &Name) -> Vec<Name> {
        let book = self.book.agents();
        book.iter().filter(|agent| agent.roles.contains(role)).map(|agent| agent.id.clone()).collect()
    }
}
