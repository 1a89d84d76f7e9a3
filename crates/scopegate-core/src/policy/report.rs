//! The shadow report: what shadow policies would have done to the calls so far. A value; whoever decides
//! adds to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use super::shadow::{Answered, Look, ShadowPass};
use super::written::PolicyDecision;
use crate::id::{Name, SessionId};
use crate::time::Timestamp;

/// Most examples that are kept of one policy: the latest.
const EXAMPLES: usize = 10;
/// Most agents that are told apart; beyond, they are not counted any more.
const AGENTS: usize = 1000;

/// Counts by policy.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct ShadowReport(BTreeMap<Name, ShadowCounts>);

/// What one shadow policy would have done.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ShadowCounts {
    /// Calls that were looked at.
    pub evaluated: u64,
    /// Calls whose arguments it reads, and nobody had read: live, it would have had them read.
    pub unread: u64,
    /// Calls it matched, and would have denied.
    pub would_deny: u64,
    /// Calls it matched, and would have held for a person.
    pub would_hold: u64,
    /// Calls it matched that got a less restrictive answer.
    pub would_have_changed: u64,
    /// The latest of those.
    pub examples: VecDeque<ShadowExample>,
    #[serde(skip)]
    agents: BTreeSet<Name>,
}

/// A call that would have had another answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever decides fills in all of it")]
pub struct ShadowExample {
    /// When; with the session, it names the record.
    pub at: Timestamp,
    /// In which session.
    pub session: SessionId,
    /// Whose call.
    pub owner: Name,
    /// Of which tool.
    pub tool: Name,
}

impl ShadowReport {
    /// Adds what was said of one call.
    pub fn add(&mut self, pass: &ShadowPass<'_>, example: &ShadowExample) {
        for said in &pass.said {
            let counts = self.0.entry(said.policy.clone()).or_default();
            counts.add(said.decision, said.look, pass.answered, example);
        }
    }

    /// Forgets policies that are no longer looked at.
    pub fn retain(&mut self, mut still: impl FnMut(&Name) -> bool) {
        self.0.retain(|policy, _| still(policy));
    }

    /// What one policy would have done, if it was ever asked.
    pub fn of(&self, policy: &str) -> Option<&ShadowCounts> {
        self.0.get(policy)
    }

    /// By policy.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &ShadowCounts)> {
        self.0.iter()
    }
}

impl ShadowCounts {
    /// How many agents made calls that would have had another answer; at most a thousand are told apart.
    pub fn agents_affected(&self) -> usize {
        self.agents.len()
    }

    fn add(&mut self, decision: PolicyDecision, look: Look, answered: Answered, example: &ShadowExample) {
        let one = |count: &mut u64| *count = count.saturating_add(1);
        one(&mut self.evaluated);
        match (look, decision) {
            (Look::Passed, _) => return,
            (Look::Unread, _) => return one(&mut self.unread),
            (Look::Matched, PolicyDecision::Deny) => one(&mut self.would_deny),
            (Look::Matched, PolicyDecision::Hold) => one(&mut self.would_hold),
            (Look::Matched, PolicyDecision::Permit) => {}
        }
        if answered.changed_by(decision) {
            one(&mut self.would_have_changed);
            if self.agents.len() < AGENTS {
                self.agents.insert(example.owner.clone());
            }
            if self.examples.len() == EXAMPLES {
                self.examples.pop_front();
            }
            self.examples.push_back(example.clone());
        }
    }
}
