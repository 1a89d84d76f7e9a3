//! From policies as written to policies as read. A policy that would never bite is refused.

use std::collections::HashSet;

use super::action_type::ActionTypes;
use super::chain_of_custody::Custody;
use super::content_pattern::Patterns;
use super::temporal::Blocked;
use super::threshold::Threshold;
use super::written::{Conditions, PolicyDecision, PolicyMode, PolicyRule, PolicyType};
use super::{Compiled, Policies, Test};
use crate::problem::{self, PolicyError, Problem};

/// Most policies.
const MOST: usize = 512;
/// The farthest priority from 0.
const PRIORITY: u64 = 1_000_000;

impl Policies {
    /// Compiles policies, which stand in this order where their priorities are equal.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the list.
    pub fn compile(rules: &[PolicyRule]) -> Result<Self, PolicyError> {
        if rules.len() > MOST {
            return Err(Problem::TooMany(rules.len(), MOST).into());
        }
        let mut names = HashSet::new();
        let mut all = Vec::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            let place = |error: PolicyError| error.in_element(index);
            if !names.insert(&rule.name) {
                let problem = Problem::DuplicatePolicy(rule.name.to_string());
                return Err(place(PolicyError::from(problem).in_member("name")));
            }
            // One that is switched off has to be sound too: somebody will switch it on.
            let compiled = Compiled::new(rule).map_err(place)?;
            if rule.enabled {
                all.push((rule, compiled));
            }
        }
        all.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.priority));
        let mut policies = Self::default();
        for (rule, compiled) in all {
            policies.add(rule, compiled);
        }
        Ok(policies)
    }

    fn add(&mut self, rule: &PolicyRule, compiled: Compiled) {
        self.reads_trust |= matches!(compiled.test, Test::Threshold(_));
        let place = match (rule.mode, rule.decision) {
            (PolicyMode::Shadow, _) => &mut self.shadow,
            (PolicyMode::Live, PolicyDecision::Deny) if rule.absolute && !compiled.reads_arguments() => {
                &mut self.forbids
            }
            (PolicyMode::Live, PolicyDecision::Deny) => &mut self.denies,
            (PolicyMode::Live, PolicyDecision::Hold) => &mut self.holds,
            (PolicyMode::Live, PolicyDecision::Permit) => &mut self.permits,
        };
        place.push(compiled);
    }
}

impl Compiled {
    fn new(rule: &PolicyRule) -> Result<Self, PolicyError> {
        problem::name(&rule.name).map_err(|problem| PolicyError::from(problem).in_member("name"))?;
        if rule.priority.unsigned_abs() > PRIORITY {
            return Err(PolicyError::from(Problem::Priority(rule.priority)).in_member("priority"));
        }
        check_fields(rule)?;
        let conditions = &rule.conditions;
        let test = match rule.policy_type {
            PolicyType::ActionType => Test::Always,
            PolicyType::Threshold => Test::Threshold(Threshold::compile(rule.trust_threshold)?),
            PolicyType::ContentPattern => Test::Content(Patterns::compile(conditions)?),
            PolicyType::Temporal => Test::Temporal(Blocked::compile(conditions)?),
            PolicyType::ChainOfCustody => Test::Custody(Custody::compile(conditions)?),
        };
        Ok(Self {
            name: rule.name.clone(),
            decision: rule.decision,
            absolute: rule.absolute,
            actions: ActionTypes::compile(&rule.action_types)?,
            test,
        })
    }
}

/// What its type does not read would be believed to guard.
fn check_fields(rule: &PolicyRule) -> Result<(), PolicyError> {
    let Conditions { patterns, blocked_hours, blocked_days, max_chain_depth, forbidden_agents } =
        &rule.conditions;
    let conditions = [
        (PolicyType::ContentPattern, "patterns", !patterns.is_empty()),
        (PolicyType::Temporal, "blocked_hours", !blocked_hours.is_empty()),
        (PolicyType::Temporal, "blocked_days", !blocked_days.is_empty()),
        (PolicyType::ChainOfCustody, "max_chain_depth", max_chain_depth.is_some()),
        (PolicyType::ChainOfCustody, "forbidden_agents", !forbidden_agents.is_empty()),
    ];
    let kind = rule.policy_type;
    let foreign = |of: PolicyType, given: bool| given && of != kind;
    if foreign(PolicyType::Threshold, rule.trust_threshold.is_some()) {
        let problem = Problem::PolicyField("trust_threshold", kind.as_str());
        return Err(PolicyError::from(problem).in_member("trust_threshold"));
    }
    match conditions.into_iter().find(|(of, _, given)| foreign(*of, *given)) {
        Some((_, field, _)) => {
            let problem = Problem::PolicyField(field, kind.as_str());
            Err(PolicyError::from(problem).in_member(field).in_member("conditions"))
        }
        None => Ok(()),
    }
}
