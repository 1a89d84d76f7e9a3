//! Actions of agents: may they be done?

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Xybern;
use crate::error::ClientError;
use crate::routes;

/// An action that an agent wants to take.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Action {
    /// What is to be done, such as `execute_trade`.
    pub action_type: String,
    /// In which words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_content: Option<String>,
    /// By which agent; without one the baseline is all there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// What else is known of it; `resource` is what it is done to.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The runtime session that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The grant that it is to be judged under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// The chain of actions that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<String>,
    /// How many hands it went through before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_step: Option<u64>,
    /// The decision that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_decision_id: Option<String>,
    /// What it is called among others.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A word of one agent to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentMessage {
    /// Who says it.
    pub source_agent_id: String,
    /// To whom.
    pub target_agent_id: String,
    /// What.
    pub instruction: String,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The chain of actions that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<String>,
    /// The decision that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_decision_id: Option<String>,
}

/// The word for what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Word {
    /// It may be done, once, now.
    Allow,
    /// It may not.
    Block,
    /// A person has to agree first.
    Escalate,
    /// It may not, and nothing else of its session.
    Terminate,
    /// A word that this client does not know, which is no permission.
    #[serde(other)]
    Unknown,
}

/// A decision on an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActionDecision {
    /// What was decided.
    pub decision: Word,
    /// Its id; `None` when nothing could be written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    /// What decided.
    pub decision_path: String,
    /// What was to be done.
    pub action_type: String,
    /// By whom, as the caller named it.
    #[serde(default)]
    pub agent_id: String,
    /// How far the agent is trusted since, from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_score: Option<f64>,
    /// Why, in words.
    pub reasoning: String,
    /// Why it was denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_code: Option<String>,
    /// The names of the roles that judged it.
    #[serde(default)]
    pub roles: Vec<String>,
    /// What a person has to resolve first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation_id: Option<String>,
    /// The agent that a message is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_agent_id: Option<String>,
    /// Names the record in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_entry_id: Option<String>,
    /// What the action is called among others.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Value>,
    /// When.
    pub created_at: Timestamp,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch {
    /// How many actions there were.
    pub total: usize,
    /// How many may be done.
    pub allowed: usize,
    /// How many may not.
    pub blocked: usize,
    /// For how many a person has to agree first.
    pub escalated: usize,
    /// Each, in the order of the actions.
    pub results: Vec<ActionDecision>,
}

#[derive(Serialize)]
struct Actions<'a> {
    actions: &'a [Action],
}

impl Action {
    /// An action of this type.
    pub fn new(action_type: impl Into<String>) -> Self {
        Self { action_type: action_type.into(), ..Self::default() }
    }

    /// The action, in these words.
    #[must_use]
    pub fn with_content(mut self, content: impl Into<String>) -> Self {
        self.action_content = Some(content.into());
        self
    }

    /// The action, by this agent.
    #[must_use]
    pub fn by(mut self, agent: impl Into<String>) -> Self {
        self.agent_id = Some(agent.into());
        self
    }

    /// The action, with more known of it.
    #[must_use]
    pub fn with_metadata(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(member.into(), value.into());
        self
    }

    /// The action, called this among others.
    #[must_use]
    pub fn called(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }
}

impl AgentMessage {
    /// A word of one agent to another.
    pub fn new(source: impl Into<String>, target: impl Into<String>, instruction: impl Into<String>) -> Self {
        Self {
            source_agent_id: source.into(),
            target_agent_id: target.into(),
            instruction: instruction.into(),
            metadata: Map::new(),
            chain_id: None,
            parent_decision_id: None,
        }
    }
}

impl ActionDecision {
    /// Whether it may be done. Nothing else is a permission.
    pub fn is_allowed(&self) -> bool {
        self.decision == Word::Allow
    }
}

impl Xybern<'_> {
    /// May an agent do this, now? A `block` is an answer, not an error. Asking again is another decision: an
    /// answer that was lost may have been spent.
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer; that is no permission.
    pub async fn intercept(&self, action: &Action) -> Result<ActionDecision, ClientError> {
        self.client.http.ask(&routes::INTERCEPT, &[])?.json(action)?.told().await
    }

    /// May agents do these, now? Each is decided by itself, in their order; 500 at most.
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer; also when as many answers as actions did not come.
    pub async fn batch_intercept(&self, actions: &[Action]) -> Result<Batch, ClientError> {
        let told: Batch =
            self.client.http.ask(&routes::BATCH, &[])?.json(&Actions { actions })?.told().await?;
        match told.results.len() == actions.len() {
            true => Ok(told),
            false => Err(ClientError::Invalid("there are not as many answers as actions".to_owned())),
        }
    }

    /// May one agent say this to another?
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer; that is no permission.
    pub async fn intercept_agent_comm(&self, message: &AgentMessage) -> Result<ActionDecision, ClientError> {
        self.client.http.ask(&routes::AGENT_COMM, &[])?.json(message)?.told().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_one_word_is_a_permission() {
        for (word, allowed) in
            [("allow", true), ("block", false), ("escalate", false), ("terminate", false), ("sure", false)]
        {
            let told = json!({ "decision": word, "decision_path": "fast", "action_type": "pay",
                "reasoning": "", "created_at": "2026-11-21T06:16:00.000Z" });
            let told: ActionDecision = serde_json::from_value(told).unwrap();
            assert_eq!(told.is_allowed(), allowed, "{word}");
        }
        let none = json!({ "decision_path": "fast", "action_type": "pay", "reasoning": "",
            "created_at": "2026-11-21T06:16:00.000Z" });
        assert!(serde_json::from_value::<ActionDecision>(none).is_err(), "no word is no answer");
    }
}
