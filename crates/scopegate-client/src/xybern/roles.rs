//! Roles of agents, by the types of their actions.

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::Xybern;
use super::wire::AgentView;
use crate::error::ClientError;
use crate::routes;

/// A role to make, or what of one is to change. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AgentRoleDraft {
    /// Its name: letters, digits and `_ . : / -`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Patterns of what it allows; `*` stands for any characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_action_types: Option<Vec<String>>,
    /// Patterns of what it denies, whatever allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied_action_types: Option<Vec<String>>,
    /// Agents that are trusted less are denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_trust_level: Option<u64>,
    /// The id or name of a role whose action types it gains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherits_from: Option<String>,
}

/// A role as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentRole {
    /// Its id.
    pub role_id: String,
    /// Its name.
    pub name: String,
    /// Patterns of what it allows.
    #[serde(default)]
    pub allowed_action_types: Vec<String>,
    /// Patterns of what it denies.
    #[serde(default)]
    pub denied_action_types: Vec<String>,
    /// Agents that are trusted less are denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_trust_level: Option<u64>,
    /// The name of a role whose action types it gains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherits_from: Option<String>,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[derive(Deserialize)]
struct One {
    role: AgentRole,
}

#[derive(Deserialize)]
struct Many {
    roles: Vec<AgentRole>,
}

/// An answer that is none of these is an error.
#[derive(Deserialize)]
#[expect(dead_code, reason = "that it is there is what counts")]
struct Deleted {
    deleted: bool,
}

#[derive(Deserialize)]
struct Assigned {
    agent: AgentView,
}

#[derive(Deserialize)]
struct Holders {
    agents: Vec<AgentView>,
}

#[derive(Serialize)]
struct Whom<'a> {
    agent_id: &'a str,
}

impl AgentRoleDraft {
    /// A role of this name, which allows nothing yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// The role, allowing these types of actions.
    #[must_use]
    pub fn allow<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.allowed_action_types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// The role, denying these types of actions.
    #[must_use]
    pub fn deny<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.denied_action_types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// The role, for agents that are trusted at least so far.
    #[must_use]
    pub fn trusting(mut self, level: u64) -> Self {
        self.min_trust_level = Some(level);
        self
    }
}

impl Xybern<'_> {
    /// Makes a role.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when there is one of the name.
    pub async fn create_role(&self, draft: &AgentRoleDraft) -> Result<AgentRole, ClientError> {
        let told: One = self.client.http.ask(&routes::CREATE_AGENT_ROLE, &[])?.json(draft)?.told().await?;
        Ok(told.role)
    }

    /// All roles, by name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_roles(&self) -> Result<Vec<AgentRole>, ClientError> {
        let told: Many = self.client.http.ask(&routes::LIST_AGENT_ROLES, &[])?.told().await?;
        Ok(told.roles)
    }

    /// A role by its id or name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_role(&self, role: &str) -> Result<AgentRole, ClientError> {
        let told: One = self.client.http.ask(&routes::GET_AGENT_ROLE, &[role])?.told().await?;
        Ok(told.role)
    }

    /// Ends a role that no agent has.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` while an agent has it, or another role inherits from it.
    pub async fn delete_role(&self, role: &str) -> Result<(), ClientError> {
        let Deleted { .. } = self.client.http.ask(&routes::DELETE_AGENT_ROLE, &[role])?.told().await?;
        Ok(())
    }

    /// Changes the members of a role that the draft names.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn update_role(&self, role: &str, draft: &AgentRoleDraft) -> Result<AgentRole, ClientError> {
        let ask = self.client.http.ask(&routes::UPDATE_AGENT_ROLE, &[role])?;
        let told: One = ask.json(draft)?.told().await?;
        Ok(told.role)
    }

    /// Assigns a role to an agent, by the ids or the role's name: it is in force at the agent's next action.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn assign_role(&self, role: &str, agent: &str) -> Result<AgentView, ClientError> {
        let ask = self.client.http.ask(&routes::ASSIGN_ROLE, &[role])?;
        let told: Assigned = ask.json(&Whom { agent_id: agent })?.told().await?;
        Ok(told.agent)
    }

    /// Takes a role back from an agent.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn unassign_role(&self, role: &str, agent: &str) -> Result<AgentView, ClientError> {
        let ask = self.client.http.ask(&routes::UNASSIGN_ROLE, &[role])?;
        let told: Assigned = ask.json(&Whom { agent_id: agent })?.told().await?;
        Ok(told.agent)
    }

    /// The agents that have a role.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_role_agents(&self, role: &str) -> Result<Vec<AgentView>, ClientError> {
        let told: Holders = self.client.http.ask(&routes::ROLE_AGENTS, &[role])?.told().await?;
        Ok(told.agents)
    }
}
