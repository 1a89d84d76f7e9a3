//! The dialect's words: outcomes, what a policy says, reasons, categories.

use std::fmt;

use scopegate_core::Lack;
use serde::{Deserialize, Serialize};

use super::question::ScopeQuestion;

/// What an answer is called. Only `allow` lets anything through, and `allowed` says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the dialect has these five")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Outcome {
    Allow,
    Block,
    Redact,
    HumanReview,
    Escalate,
}

/// What a policy says of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the dialect has these five")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PolicyAction {
    Allow,
    #[serde(rename = "allow+log")]
    AllowLog,
    Redact,
    Block,
    HumanReview,
}

/// What actions are called by their kind. It plays no part in an answer.
pub const ACTION_CATEGORIES: [(&str, &[&str]); 5] = [
    ("read", &["read", "list", "get", "describe", "view", "query", "fetch", "download"]),
    ("write", &["write", "create", "update", "delete", "patch", "put", "append", "insert", "remove"]),
    ("execute", &["execute", "run", "invoke", "trigger", "call", "dispatch", "submit"]),
    ("admin", &["admin", "configure", "deploy", "restart", "scale", "shutdown", "grant", "revoke", "manage"]),
    ("stream", &["stream", "subscribe", "publish", "consume", "emit", "broadcast"]),
];

/// The kind of an action, whatever its capitals; `None` when it has none.
pub fn resolve_action_category(action: &str) -> Option<&'static str> {
    let action = action.to_lowercase();
    let holds = |(_, actions): &&(&str, &[&str])| actions.contains(&action.as_str());
    ACTION_CATEGORIES.iter().find(holds).map(|(category, _)| *category)
}

impl Outcome {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Redact => "redact",
            Self::HumanReview => "human_review",
            Self::Escalate => "escalate",
        }
    }

    /// The published mapping: a policy only names refusals, it makes none.
    pub(super) const fn of(allowed: bool, action: Option<PolicyAction>) -> Self {
        match (allowed, action) {
            (true, _) => Self::Allow,
            (false, Some(PolicyAction::Block)) => Self::Block,
            (false, Some(PolicyAction::HumanReview)) => Self::HumanReview,
            (false, Some(PolicyAction::Redact)) => Self::Redact,
            (false, None | Some(PolicyAction::Allow | PolicyAction::AllowLog)) => Self::Escalate,
        }
    }
}

impl PolicyAction {
    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::AllowLog => "allow+log",
            Self::Redact => "redact",
            Self::Block => "block",
            Self::HumanReview => "human_review",
        }
    }

    /// Reads a word; `None` for any other, `escalate` among them.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Allow, Self::AllowLog, Self::Redact, Self::Block, Self::HumanReview];
        all.into_iter().find(|action| action.as_str() == text)
    }

    /// Whether it lets a check stand.
    pub const fn allows(self) -> bool {
        matches!(self, Self::Allow | Self::AllowLog)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for PolicyAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(super) const CIRCUIT_OPEN: &str = "circuit breaker is open; failing secure";
pub(super) const UNRECORDED: &str = "the decision cannot be recorded; failing secure";

/// The published texts: they are signed, so they stay as they are.
pub(super) fn reason(question: &ScopeQuestion, asked: Result<(), Lack>) -> String {
    let ScopeQuestion { agent_id: agent, resource, action_name: action, capability, .. } = question;
    let capability = capability.as_deref();
    match asked {
        Err(Lack::Manifest) => format!("agent '{agent}' has no registered scope manifest"),
        Err(Lack::Capability) => {
            format!("agent '{agent}' is missing required capability '{}'", capability.unwrap_or_default())
        }
        Err(Lack::Resource) => format!("agent '{agent}' is not permitted to access resource '{resource}'"),
        Err(Lack::Action) => {
            format!("agent '{agent}' cannot perform action '{action}' on resource '{resource}'")
        }
        Ok(()) => match capability {
            Some(capability) => {
                format!("agent '{agent}' is permitted for capability '{capability}' on {resource}:{action}")
            }
            None => format!("agent '{agent}' is permitted on {resource}:{action}"),
        },
    }
}

/// Ours: what a policy says where the manifest allows and the policy does not.
pub(super) fn refused_by(policy: &str, action: PolicyAction, question: &ScopeQuestion) -> String {
    let ScopeQuestion { resource, action_name, .. } = question;
    format!("policy '{policy}' answers '{action}' for {resource}:{action_name}")
}
