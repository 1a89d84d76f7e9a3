//! Agents.

use super::Xybern;
use super::wire::{
    AgentDraft, AgentHistory, AgentPage, AgentView, Communications, OneAgent, Paging, RegisteredAgent,
};
use crate::error::ClientError;
use crate::routes;

impl Xybern<'_> {
    /// Registers an agent; the draft has its `name`. One of the same name and framework is found, and left as
    /// it is. The private key of a new agent is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`ClientError`]: `Forbidden` when an agent's own key names one that is not there.
    pub async fn register_agent(&self, draft: &AgentDraft) -> Result<RegisteredAgent, ClientError> {
        self.client.http.ask(&routes::REGISTER_AGENT, &[])?.json(draft)?.told().await
    }

    /// An agent by its id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_agent(&self, agent: &str) -> Result<AgentView, ClientError> {
        let told: OneAgent = self.client.http.ask(&routes::GET_AGENT, &[agent])?.told().await?;
        Ok(told.agent)
    }

    /// Agents, in the order they were registered.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_agents(&self, paging: Paging) -> Result<AgentPage, ClientError> {
        paging.ask(self.client.http.ask(&routes::LIST_AGENTS, &[])?).told().await
    }

    /// Changes the members that the draft names.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when another agent of its framework has the name.
    pub async fn update_agent(&self, agent: &str, draft: &AgentDraft) -> Result<AgentView, ClientError> {
        let ask = self.client.http.ask(&routes::UPDATE_AGENT, &[agent])?;
        let told: OneAgent = ask.json(draft)?.told().await?;
        Ok(told.agent)
    }

    /// Denies all that an agent asks from now on, and ends its sessions. `update_agent` lets it go on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn deactivate_agent(&self, agent: &str) -> Result<AgentView, ClientError> {
        let told: OneAgent = self.client.http.ask(&routes::DEACTIVATE_AGENT, &[agent])?.told().await?;
        Ok(told.agent)
    }

    /// What was decided for an agent, newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_agent_history(&self, agent: &str, paging: Paging) -> Result<AgentHistory, ClientError> {
        paging.ask(self.client.http.ask(&routes::AGENT_HISTORY, &[agent])?).told().await
    }

    /// What an agent said to others, and they to it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_agent_communications(
        &self,
        agent: &str,
        paging: Paging,
    ) -> Result<Communications, ClientError> {
        paging.ask(self.client.http.ask(&routes::AGENT_COMMUNICATIONS, &[agent])?).told().await
    }
}
