//! A policy as people write it: in a policy file, over REST, or with an SDK.

use serde::{Deserialize, Serialize};

use crate::id::Name;
use crate::plain;
use crate::trust::Trust;

/// Something that stands against calls, whatever role grants them. Policies only restrict: a call that no
/// policy speaks of is as permitted as its role says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct PolicyRule {
    /// Unique; letters, digits and `_ . : / -`, at most 128.
    pub name: Name,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it looks at, and so which of the fields below it has.
    pub policy_type: PolicyType,
    /// What becomes of a call that it matches.
    pub decision: PolicyDecision,
    /// Of several policies that would deny a call, the one with the highest is named. May be negative.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::integer")]
    pub priority: i64,
    /// The tools or actions it speaks of; `*` stands for any characters. None means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "plain::texts")]
    pub action_types: Vec<Name>,
    /// What has to hold for it to match, as its type wants.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// Of type `threshold`: it matches while the agent is trusted less than this, 0.1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0.1, max = 100)))]
    pub trust_threshold: Option<Trust>,
    /// Whether it decides, or is only looked at beside the answer.
    #[serde(default, skip_serializing_if = "is_live")]
    pub mode: PolicyMode,
    /// Whether it is looked at at all.
    #[serde(default = "yes", skip_serializing_if = "is_true", deserialize_with = "plain::truth")]
    pub enabled: bool,
    /// Whether nothing lifts it, ever. A policy that denies, and reads no arguments, is then asked before
    /// anything is granted.
    #[serde(default = "yes", skip_serializing_if = "is_true", deserialize_with = "plain::truth")]
    pub absolute: bool,
}

/// What a policy looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PolicyType {
    /// Only what is called: it matches whatever `action_types` names.
    ActionType,
    /// How far the agent is trusted: below `trust_threshold` it matches.
    Threshold,
    /// What the arguments say: it matches when one of `conditions.patterns` is found in them.
    ContentPattern,
    /// When: it matches in `conditions.blocked_hours` and on `conditions.blocked_days`, UTC.
    Temporal,
    /// Through whose hands the call came: it matches beyond `conditions.max_chain_depth`, and when one of
    /// `conditions.forbidden_agents` is among them.
    ChainOfCustody,
}

/// What a policy decides. The most restrictive of all that match wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a new decision must be handled where policies are asked")]
pub enum PolicyDecision {
    /// Nothing is changed: that it matched is all that is told. A policy file may not say it.
    Permit,
    /// A person has to agree.
    Hold,
    /// The call is denied.
    Deny,
}

/// Whether a policy decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a policy decides or it does not")]
pub enum PolicyMode {
    /// It decides.
    #[default]
    Live,
    /// It is looked at beside the answer, which it never changes; what it would have said is recorded.
    Shadow,
}

/// What has to hold for a policy to match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct Conditions {
    /// Of type `content_pattern`: patterns, one of which has to be found anywhere in the arguments. ASCII
    /// rules, no look-around.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "plain::texts")]
    pub patterns: Vec<Name>,
    /// Of type `temporal`: hours, UTC, 0 to 23. 22 is the hour from 22:00 to 23:00; hours across
    /// midnight are listed one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "plain::numbers")]
    pub blocked_hours: Vec<u64>,
    /// Of type `temporal`: whole days, UTC, 1 = Monday to 7 = Sunday.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "plain::numbers")]
    pub blocked_days: Vec<u64>,
    /// Of type `chain_of_custody`: how many may have handed the call on, sessions above the one that asks
    /// counted too. 0 is a call that comes from its agent directly.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain::some_number")]
    pub max_chain_depth: Option<u64>,
    /// Of type `chain_of_custody`: agents that may neither make such a call nor have handed it on.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "plain::texts")]
    pub forbidden_agents: Vec<Name>,
}

impl PolicyRule {
    /// A live policy that looks at nothing yet.
    pub fn new(name: impl Into<Name>, policy_type: PolicyType, decision: PolicyDecision) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            policy_type,
            decision,
            priority: 0,
            action_types: Vec::new(),
            conditions: Conditions::default(),
            trust_threshold: None,
            mode: PolicyMode::Live,
            enabled: true,
            absolute: true,
        }
    }
}

impl Conditions {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl PolicyType {
    /// The word in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActionType => "action_type",
            Self::Threshold => "threshold",
            Self::ContentPattern => "content_pattern",
            Self::Temporal => "temporal",
            Self::ChainOfCustody => "chain_of_custody",
        }
    }
}

impl PolicyDecision {
    /// The word in policies and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

fn is_live(mode: &PolicyMode) -> bool {
    *mode == PolicyMode::Live
}
