//! Decisions that were made.

use serde::{Deserialize, Serialize};

use super::Xybern;
use super::actions::{ActionDecision, Word};
use super::wire::Paging;
use crate::error::ClientError;
use crate::routes;

/// Which decisions are looked for: those that have all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecisionQuery {
    /// What was decided.
    pub decision: Option<Word>,
    /// What was to be done.
    pub action_type: Option<String>,
    /// By which agent.
    pub agent_id: Option<String>,
    /// Which page of them.
    pub paging: Paging,
}

/// A page of decisions, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecisionPage {
    /// They.
    pub decisions: Vec<ActionDecision>,
    /// How many there are in all.
    pub total: u64,
}

/// How many decisions came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecisionStats {
    /// All of them.
    pub total_decisions: u64,
    /// Those that allowed.
    pub allowed: u64,
    /// Those that did not.
    pub blocked: u64,
    /// Those that waited for a person.
    pub escalated: u64,
    /// Those that ended their session.
    pub terminated: u64,
}

#[derive(Deserialize)]
struct One {
    decision: ActionDecision,
}

impl DecisionQuery {
    /// Those that came to this.
    #[must_use]
    pub fn that_say(mut self, decision: Word) -> Self {
        self.decision = Some(decision);
        self
    }

    /// Those on actions of this type.
    #[must_use]
    pub fn of_type(mut self, action_type: impl Into<String>) -> Self {
        self.action_type = Some(action_type.into());
        self
    }

    /// Those of this agent.
    #[must_use]
    pub fn by(mut self, agent: impl Into<String>) -> Self {
        self.agent_id = Some(agent.into());
        self
    }

    /// This page of them.
    #[must_use]
    pub fn on(mut self, paging: Paging) -> Self {
        self.paging = paging;
        self
    }
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Escalate => "escalate",
            Self::Terminate => "terminate",
            Self::Unknown => "unknown",
        }
    }
}

impl Xybern<'_> {
    /// Decisions, newest first: all of them for people, its own for an agent.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_decisions(&self, query: &DecisionQuery) -> Result<DecisionPage, ClientError> {
        let DecisionQuery { decision, action_type, agent_id, paging } = query;
        let text = |number: Option<u64>| number.map(|number| number.to_string());
        let given = [
            ("decision", decision.map(|word| word.as_str().to_owned())),
            ("action_type", action_type.clone()),
            ("agent_id", agent_id.clone()),
            ("page", text(paging.page)),
            ("per_page", text(paging.per_page)),
        ];
        let given: Vec<(&str, &str)> =
            given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        self.client.http.ask(&routes::LIST_DECISIONS, &[])?.query(&given).told().await
    }

    /// How many decisions came to what, since the beginning.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_stats(&self) -> Result<DecisionStats, ClientError> {
        self.client.http.ask(&routes::DECISION_STATS, &[])?.told().await
    }

    /// A decision by its id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_decision(&self, decision: &str) -> Result<ActionDecision, ClientError> {
        let told: One = self.client.http.ask(&routes::GET_DECISION, &[decision])?.told().await?;
        Ok(told.decision)
    }
}
