//! What is asked, and what cannot be.

use scopegate_core::PolicyError;

use super::words::PolicyAction;

/// Most bytes of a text that is asked with.
const LONGEST: usize = 4096;

/// May this agent do this to that? All texts are the caller's, taken to the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeQuestion {
    /// What the check belongs to.
    pub trace_id: String,
    /// Who asks.
    pub agent_id: String,
    /// What it is about.
    pub resource: String,
    /// What is to be done to it.
    pub action_name: String,
    /// When, in the caller's words; nobody reads it.
    pub checked_at: String,
    /// A capability that is needed too.
    pub capability: Option<String>,
    /// The check's own name; made up when absent. None is used twice.
    pub scope_id: Option<String>,
    /// The policy that was asked before.
    pub policy_id: Option<String>,
    /// What it said.
    pub policy_action: Option<PolicyAction>,
}

/// Why there is no answer. Whoever gets one of these may not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// A text without any character.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// A text that is longer than supported.
    #[error("`{0}` has {1} bytes; 4096 are the most")]
    TooLong(&'static str, usize),
    /// A word that no policy says.
    #[error("`{0}` is no policy action: allow, allow+log, redact, block or human_review")]
    PolicyAction(String),
    /// A check of this name was made already.
    #[error("a check named `{0}` was made already")]
    Duplicate(String),
    /// The policy engine has no answer.
    #[error("the policy engine: {0}")]
    Policy(String),
    /// A manifest is wrong.
    #[error("manifest: {0}")]
    Manifest(#[from] PolicyError),
    /// The system has no randomness to give.
    #[error("no randomness")]
    Randomness,
}

impl ScopeQuestion {
    /// A question without a capability or a policy.
    pub fn new(
        trace_id: impl Into<String>,
        agent_id: impl Into<String>,
        resource: impl Into<String>,
        action_name: impl Into<String>,
        checked_at: impl Into<String>,
    ) -> Self {
        Self {
            trace_id: trace_id.into(),
            agent_id: agent_id.into(),
            resource: resource.into(),
            action_name: action_name.into(),
            checked_at: checked_at.into(),
            capability: None,
            scope_id: None,
            policy_id: None,
            policy_action: None,
        }
    }

    /// The question, for which a capability is needed too.
    #[must_use]
    pub fn with_capability(self, capability: impl Into<String>) -> Self {
        Self { capability: Some(capability.into()), ..self }
    }

    /// The question under a name of its own.
    #[must_use]
    pub fn with_scope_id(self, scope_id: impl Into<String>) -> Self {
        Self { scope_id: Some(scope_id.into()), ..self }
    }

    /// The question, with what a policy said of it. It labels a refusal, and refuses nothing itself:
    /// [`evaluate_with_policy`](super::ScopeEnforcer::evaluate_with_policy) does.
    ///
    /// # Errors
    /// [`ScopeError::PolicyAction`] for a word that no policy says.
    pub fn with_policy(self, policy_id: impl Into<String>, action: &str) -> Result<Self, ScopeError> {
        let action =
            PolicyAction::parse(action).ok_or_else(|| ScopeError::PolicyAction(action.to_owned()))?;
        Ok(Self { policy_id: Some(policy_id.into()), policy_action: Some(action), ..self })
    }

    /// Every text that is there has something in it, and not too much.
    pub(super) fn check(&self) -> Result<(), ScopeError> {
        let needed = [
            ("trace_id", &self.trace_id),
            ("agent_id", &self.agent_id),
            ("resource", &self.resource),
            ("action_name", &self.action_name),
            ("checked_at", &self.checked_at),
        ];
        let optional =
            [("capability", &self.capability), ("scope_id", &self.scope_id), ("policy_id", &self.policy_id)];
        let given = optional.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        needed.into_iter().chain(given).try_for_each(|(name, text)| match text.len() {
            0 => Err(ScopeError::Empty(name)),
            1..=LONGEST => Ok(()),
            long => Err(ScopeError::TooLong(name, long)),
        })
    }
}
