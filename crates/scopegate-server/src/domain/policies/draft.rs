//! What is said of a policy, before it is believed.

use scopegate_core::{Conditions, Name, PolicyDecision, PolicyMode, PolicyRule, PolicyType, Trust};

use super::super::Failure;
use super::super::member::Invalid;
use super::Titled;

const MAX_TITLE: usize = 128;
const MAX_DESCRIPTION: usize = 2_000;
/// Most elements of one list of a policy.
const MAX_LIST: usize = 100;

/// Members of a policy; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PolicyDraft {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) policy_type: Option<PolicyType>,
    pub(crate) decision: Option<PolicyDecision>,
    pub(crate) priority: Option<i64>,
    pub(crate) action_types: Option<Vec<Name>>,
    pub(crate) conditions: Option<Conditions>,
    /// What has none any more is `Some(None)`.
    pub(crate) trust_threshold: Option<Option<Trust>>,
    pub(crate) mode: Option<PolicyMode>,
    pub(crate) enabled: Option<bool>,
    /// Whether nothing lifts it, break-glass included.
    pub(crate) absolute: Option<bool>,
}

impl PolicyDraft {
    /// A new policy under an id that is made of its title, or chosen without it.
    pub(super) fn begin(
        self,
        id: impl FnOnce(&str) -> Result<Name, Failure>,
        absolute: bool,
    ) -> Result<Titled, Failure> {
        let needed = |member: &str| Failure::from(Invalid::new(member, "is needed"));
        let title = self.title.clone().ok_or_else(|| needed("name"))?;
        let policy_type = self.policy_type.ok_or_else(|| needed("policy_type"))?;
        let decision = self.decision.ok_or_else(|| needed("decision"))?;
        let rule = PolicyRule { absolute, ..PolicyRule::new(id(&title)?, policy_type, decision) };
        self.applied_to(&Titled { title, rule })
    }

    /// A policy with these members changed.
    pub(super) fn applied_to(self, before: &Titled) -> Result<Titled, Failure> {
        let Titled { title, rule } = before.clone();
        let next = Titled {
            title: self.title.unwrap_or(title),
            rule: PolicyRule {
                name: rule.name,
                description: self.description.unwrap_or(rule.description),
                policy_type: self.policy_type.unwrap_or(rule.policy_type),
                decision: self.decision.unwrap_or(rule.decision),
                priority: self.priority.unwrap_or(rule.priority),
                action_types: self.action_types.unwrap_or(rule.action_types),
                conditions: self.conditions.unwrap_or(rule.conditions),
                trust_threshold: self.trust_threshold.unwrap_or(rule.trust_threshold),
                mode: self.mode.unwrap_or(rule.mode),
                enabled: self.enabled.unwrap_or(rule.enabled),
                absolute: self.absolute.unwrap_or(rule.absolute),
            },
        };
        check(&next)?;
        Ok(next)
    }
}

/// What the compiler does not look at, because it means nothing to a rule.
fn check(Titled { title, rule }: &Titled) -> Result<(), Invalid> {
    let good = !title.is_empty()
        && title.len() <= MAX_TITLE
        && title.trim() == title
        && !title.chars().any(char::is_control);
    if !good {
        let why = format!(
            "must be a text of 1 to {MAX_TITLE} bytes, without control characters or spaces at its ends"
        );
        return Err(Invalid::new("name", &why));
    }
    if rule.description.len() > MAX_DESCRIPTION {
        return Err(Invalid::new("description", &format!("has at most {MAX_DESCRIPTION} bytes")));
    }
    let Conditions { patterns, blocked_hours, blocked_days, max_chain_depth: _, forbidden_agents } =
        &rule.conditions;
    let lists = [
        ("action_types", rule.action_types.len()),
        ("patterns", patterns.len()),
        ("blocked_hours", blocked_hours.len()),
        ("blocked_days", blocked_days.len()),
        ("forbidden_agents", forbidden_agents.len()),
    ];
    match lists.iter().find(|(_, len)| *len > MAX_LIST) {
        Some((member, _)) => Err(Invalid::new(member, &format!("has at most {MAX_LIST} elements"))),
        None => Ok(()),
    }
}
