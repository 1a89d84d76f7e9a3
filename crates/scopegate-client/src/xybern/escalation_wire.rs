//! Escalations and runs, as they go over the wire.

use std::fmt;

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::Ask;

/// A call that waits, or waited, for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EscalationView {
    /// Its id.
    pub escalation_id: String,
    /// Where it stands.
    pub status: EscalationState,
    /// Whether a yes has been taken up: it is good for one call.
    pub used: bool,
    /// The tool.
    pub action_type: String,
    /// Who asked.
    pub agent_id: String,
    /// All arguments of the call, as they would run.
    pub arguments: Value,
    /// To what, where the call says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Under which role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it stops waiting, and a yes stops standing.
    pub expires_at: Timestamp,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Who holds the key that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_reason: Option<String>,
}

/// Where an escalation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EscalationState {
    /// Nobody has decided.
    Pending,
    /// A person has agreed.
    Approved,
    /// A person has refused; or had agreed, and the call was denied when that was to be taken up.
    Rejected,
    /// Too late.
    Expired,
    /// A later plane has words that this crate does not know.
    #[serde(other)]
    Other,
}

/// What whoever reads may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EscalationDecision {
    /// Wait; for whoever did not ask for the call, nothing.
    Pending,
    /// Run the call, once.
    Allow,
    /// Give up.
    Block,
    /// A later plane has words that this crate does not know: no permission.
    #[serde(other)]
    Other,
}

/// Where an escalation stands for whoever reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EscalationStatus {
    /// Its id.
    pub escalation_id: String,
    /// Where it stands.
    pub status: EscalationState,
    /// What whoever reads may do.
    pub decision: EscalationDecision,
    /// The permit that the call runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    /// Why the call is denied that a person had agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_code: Option<String>,
    /// Why it was decided so, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_reason: Option<String>,
    /// When it stops waiting, and a yes stops standing.
    pub expires_at: Timestamp,
}

/// A page of escalations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EscalationPage {
    /// Newest first.
    pub escalations: Vec<EscalationView>,
    /// How many there are in all.
    pub total: u64,
}

/// Which escalations to list: those that wait, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EscalationFilter {
    /// Where they stand; `all` for all of them.
    pub status: Option<String>,
    /// Of which agent.
    pub agent_id: Option<String>,
}

impl EscalationFilter {
    /// All of them, wherever they stand.
    pub fn all() -> Self {
        Self::at("all")
    }

    /// Those that stand there: `pending`, `approved`, `rejected`, `expired` or `all`.
    pub fn at(status: impl Into<String>) -> Self {
        Self { status: Some(status.into()), ..Self::default() }
    }

    /// Those of this agent.
    #[must_use]
    pub fn of_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent_id = Some(agent.into());
        self
    }

    pub(super) fn ask<'a>(&self, ask: Ask<'a>) -> Ask<'a> {
        let given = [("status", &self.status), ("agent_id", &self.agent_id)];
        let given: Vec<(&str, &str)> =
            given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        ask.query(&given)
    }
}

/// What a person says to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a person says yes or no")]
pub enum Resolution {
    /// It may run, once.
    Approved,
    /// It may not.
    Rejected,
}

#[derive(Serialize)]
pub(super) struct Resolve<'a> {
    pub(super) resolution: Resolution,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct Resolved {
    pub(super) escalation: EscalationView,
}

#[derive(Deserialize)]
pub(super) struct OneEscalation {
    pub(super) escalation: EscalationView,
}

impl fmt::Display for EscalationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Other => "unknown",
        })
    }
}

/// A run to begin. What is `None` is not limited beyond what the role says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunDraft {
    /// Of which agent; of whoever holds the key, unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// How much it may do.
    pub budgets: RunBudgets,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl RunDraft {
    /// A run of so many actions.
    pub fn of_actions(most: u64) -> Self {
        let budgets = RunBudgets { max_actions: Some(most), ..RunBudgets::default() };
        Self { budgets, ..Self::default() }
    }

    /// The run, over after so many seconds at the latest.
    #[must_use]
    pub fn for_seconds(mut self, seconds: u64) -> Self {
        self.budgets.ttl_seconds = Some(seconds);
        self
    }

    /// The run, of this agent.
    #[must_use]
    pub fn of_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent_id = Some(agent.into());
        self
    }
}

/// How much a run may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunBudgets {
    /// Actions that may be permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_actions: Option<u64>,
    /// How long it may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunView {
    /// The session that its actions name.
    pub session_id: String,
    /// Where it stands: anything but active is over.
    pub status: RunStatus,
    /// The agent.
    pub agent_id: String,
    /// What it may do.
    pub budgets: RunBudgets,
    /// What it has done.
    pub consumed: RunConsumed,
    /// Why it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill_reason: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunStatus {
    /// Its actions are judged.
    Active,
    /// Its agent ended it.
    Ended,
    /// Somebody stopped it.
    Killed,
    /// It has made all its actions.
    Terminated,
    /// Its time is over.
    Expired,
    /// A later plane has words that this crate does not know: it is over.
    #[serde(other)]
    Other,
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunConsumed {
    /// Actions that were permitted, where they are limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<u64>,
    /// How long it has lasted.
    #[serde(default)]
    pub seconds: u64,
}
