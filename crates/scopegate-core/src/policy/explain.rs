//! Policies in words.

use serde::Serialize;

use super::written::{PolicyDecision, PolicyMode};
use super::{Compiled, Policies, Test};
use crate::id::Name;

/// A policy in words.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PolicyView {
    /// Its name.
    pub name: Name,
    /// What it decides.
    pub decision: PolicyDecision,
    /// Whether it decides.
    pub mode: PolicyMode,
    /// Whether it is asked before anything is granted, because nothing lifts it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// The calls it speaks of, and when it matches one.
    pub rule: String,
}

impl Policies {
    /// All that are switched on, in the order they are asked.
    pub fn views(&self) -> Vec<PolicyView> {
        let deciding = [(&self.forbids, true), (&self.denies, false), (&self.holds, false)];
        let deciding = deciding.into_iter().chain([(&self.permits, false)]);
        let live =
            deciding.flat_map(|(list, first)| list.iter().map(move |p| p.view(PolicyMode::Live, first)));
        live.chain(self.shadow.iter().map(|policy| policy.view(PolicyMode::Shadow, false))).collect()
    }
}

impl Compiled {
    fn view(&self, mode: PolicyMode, first: bool) -> PolicyView {
        let when = match &self.test {
            Test::Always => String::new(),
            Test::Threshold(threshold) => format!(", {}", threshold.words()),
            Test::Content(patterns) => format!(", {}", patterns.words()),
            Test::Temporal(blocked) => format!(", {}", blocked.words()),
            Test::Custody(custody) => format!(", {}", custody.words()),
        };
        let rule = format!("{}{when}", self.actions.words());
        PolicyView { name: self.name.clone(), decision: self.decision, mode, first, rule }
    }
}
