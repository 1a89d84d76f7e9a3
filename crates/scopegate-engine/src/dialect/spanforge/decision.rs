//! An answer, as it is given and as it is signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use scopegate_core::{Decision, Denial, DenyCode, Detail, Lack, Permit, PermitId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::question::ScopeQuestion;
use super::words::{self, Outcome, PolicyAction};

/// An answer. Whether the agent may go on is `allowed`, and nothing else: see [`decision`](Self::decision).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are the dialect's own")]
pub struct ScopeDecision {
    pub scope_id: String,
    pub trace_id: String,
    pub agent_id: String,
    pub resource: String,
    pub action_name: String,
    pub allowed: bool,
    pub outcome: Outcome,
    pub reason: String,
    pub checked_at: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capability: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy_action: Option<PolicyAction>,
    /// Counts the answers of one client, from 1.
    #[serde(skip)]
    pub(super) number: u64,
}

impl ScopeDecision {
    /// What the manifest says; a `strict` policy that does not let it stand makes it a refusal.
    pub(super) fn of(
        question: &ScopeQuestion,
        scope_id: String,
        asked: Result<(), Lack>,
        strict: bool,
    ) -> Self {
        let refusing = question.policy_action.filter(|action| strict && asked.is_ok() && !action.allows());
        let allowed = asked.is_ok() && refusing.is_none();
        let reason = match refusing {
            Some(action) => {
                words::refused_by(question.policy_id.as_deref().unwrap_or_default(), action, question)
            }
            None => words::reason(question, asked),
        };
        Self::new(question, scope_id, allowed, Outcome::of(allowed, question.policy_action), reason)
    }

    /// A refusal for a reason that lies outside the manifest.
    pub(super) fn blocked(question: &ScopeQuestion, scope_id: String, reason: &str) -> Self {
        Self::new(question, scope_id, false, Outcome::Block, reason.to_owned())
    }

    fn new(
        question: &ScopeQuestion,
        scope_id: String,
        allowed: bool,
        outcome: Outcome,
        reason: String,
    ) -> Self {
        let ScopeQuestion { trace_id, agent_id, resource, action_name, checked_at, .. } = question.clone();
        Self {
            scope_id,
            trace_id,
            agent_id,
            resource,
            action_name,
            allowed,
            outcome,
            reason,
            checked_at,
            capability: question.capability.clone(),
            policy_id: question.policy_id.clone(),
            policy_action: question.policy_action,
            number: 0,
        }
    }

    /// The answer in Scopegate's own words: a permit, or a denial whatever it is called here.
    pub fn decision(&self, id: PermitId) -> Decision {
        match self.allowed {
            true => Decision::Permit(Permit { id, obligations: None, credential: None }),
            false => {
                let unrecorded = [words::CIRCUIT_OPEN, words::UNRECORDED].contains(&self.reason.as_str());
                let code = if unrecorded { DenyCode::AuditUnavailable } else { DenyCode::ScopeViolation };
                Decision::Deny(Denial::with(code, Detail::Rule(Arc::from(self.reason.as_str()))))
            }
        }
    }

    /// The members that are signed: texts and a truth value, absent ones left out.
    pub(super) fn fields(&self) -> BTreeMap<String, Value> {
        let fields = [
            ("scope_id", Some(json!(self.scope_id))),
            ("trace_id", Some(json!(self.trace_id))),
            ("agent_id", Some(json!(self.agent_id))),
            ("resource", Some(json!(self.resource))),
            ("action_name", Some(json!(self.action_name))),
            ("allowed", Some(json!(self.allowed))),
            ("outcome", Some(json!(self.outcome.as_str()))),
            ("reason", Some(json!(self.reason))),
            ("checked_at", Some(json!(self.checked_at))),
            ("capability", self.capability.as_ref().map(|text| json!(text))),
            ("policy_id", self.policy_id.as_ref().map(|text| json!(text))),
            ("policy_action", self.policy_action.map(|action| json!(action.as_str()))),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
