//! Policies among what is in force: those of the policy file, those that were registered, those of packs.

use std::sync::Arc;

use scopegate_core::{PackHistory, Policies, PolicyError, PolicyMode, PolicyRule};

use super::{Publisher, Snapshot};
use crate::local::PromoteError;

impl Publisher {
    /// The policies as they are in force.
    pub(crate) fn policies(&self) -> &[PolicyRule] {
        &self.policies
    }

    /// Registers policies in the place of all that were registered before. Or changes nothing.
    pub(crate) fn register_policies(&mut self, rules: Vec<PolicyRule>) -> Result<Snapshot, PolicyError> {
        let before = std::mem::replace(&mut self.registered_policies, rules);
        let rules = self.rules_in_force(&self.written_policies);
        match compiled(&rules) {
            Ok(policies) => {
                self.policies = rules;
                let next = Snapshot { policies, ..self.latest.clone() };
                Ok(self.publish(next))
            }
            Err(error) => {
                self.registered_policies = before;
                Err(error)
            }
        }
    }

    /// Turns a shadow policy live.
    pub(crate) fn promote(&mut self, name: &str) -> Result<Snapshot, PromoteError> {
        let known = self.policies.iter().find(|policy| policy.name == name);
        match known.map(|policy| policy.mode) {
            None => return Err(PromoteError::Unknown(name.into())),
            Some(PolicyMode::Live) => return Err(PromoteError::Live(name.into())),
            Some(PolicyMode::Shadow) => {}
        }
        let turned: Vec<_> = known.into_iter().cloned().chain(self.promoted.iter().cloned()).collect();
        let rules = promoted(&self.policies, &turned);
        let next = Snapshot { policies: compiled(&rules)?, ..self.latest.clone() };
        self.policies = rules;
        self.promoted = turned;
        Ok(self.publish(next))
    }

    /// All that would be in force beside these written ones, some of it turned live.
    pub(super) fn rules_in_force(&self, written: &[PolicyRule]) -> Vec<PolicyRule> {
        let packs = self.packs.values().filter_map(PackHistory::active).flat_map(|pack| &pack.policies);
        let all: Vec<_> = written.iter().chain(&self.registered_policies).chain(packs).cloned().collect();
        promoted(&all, &self.promoted)
    }
}

/// Policies, some of which were turned live.
pub(super) fn promoted(written: &[PolicyRule], turned: &[PolicyRule]) -> Vec<PolicyRule> {
    let turn = |policy: &PolicyRule| match turned.contains(policy) {
        true => PolicyRule { mode: PolicyMode::Live, ..policy.clone() },
        false => policy.clone(),
    };
    written.iter().map(turn).collect()
}

/// `None` when nothing would be asked.
pub(super) fn compiled(rules: &[PolicyRule]) -> Result<Option<Arc<Policies>>, PolicyError> {
    let policies = Policies::compile(rules).map_err(|error| error.in_member("policies"))?;
    Ok((!policies.is_empty()).then(|| Arc::new(policies)))
}
