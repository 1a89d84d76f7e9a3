//! Shadow policies: looked at beside an answer that has been given, which they cannot change.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Compiled;
use super::written::PolicyDecision;
use crate::budget::Budget;
use crate::call::ToolCall;
use crate::facts::Facts;
use crate::id::Name;
use crate::time::Timestamp;

/// Most names of policies in one record.
const NAMED: usize = 16;

/// The answer that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever answers must say which it was")]
pub enum Answered {
    /// Permitted.
    Permitted,
    /// Permitted because a reviewer had agreed: a policy that holds would have been content.
    Agreed,
    /// Held.
    Held,
    /// Denied.
    Denied,
}

/// What shadow policies say of one call, and what was answered.
#[derive(Clone, Debug)]
pub struct ShadowPass<'p> {
    pub(super) answered: Answered,
    pub(super) said: SmallVec<[Said<'p>; 4]>,
}

/// What one of them says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'p> {
    pub(super) policy: &'p Name,
    pub(super) decision: PolicyDecision,
    pub(super) look: Look,
}

/// What a look at a call found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Passed,
    Matched,
    /// It reads arguments, and nobody had read them.
    Unread,
}

/// What shadow policies would have said: as it stands in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record is all of its parts")]
pub struct Shadowed {
    /// What the answer would have been, had they been live.
    pub decision: PolicyDecision,
    /// Whether that is another answer than was given.
    pub changed: bool,
    /// Those that matched, from the highest priority down; the first sixteen.
    pub triggered: Vec<Name>,
}

/// Looks at a call with every shadow policy; `None` where there is none. The answer has been given.
pub fn shadow<'p>(
    facts: &Facts<'p>,
    call: &ToolCall,
    now: Timestamp,
    answered: Answered,
) -> Option<ShadowPass<'p>> {
    let policies = facts.policies.filter(|policies| policies.has_shadow())?;
    let look = |policy: &'p Compiled| Said {
        policy: &policy.name,
        decision: policy.decision,
        look: policy.look(facts, call, now),
    };
    Some(ShadowPass { answered, said: policies.shadow.iter().map(look).collect() })
}

impl Compiled {
    /// Each look has a budget of its own: what a shadow policy costs is nobody else's.
    fn look(&self, facts: &Facts<'_>, call: &ToolCall, now: Timestamp) -> Look {
        if self.reads_arguments() && self.actions.cover(call) && call.args.get().is_none() {
            return Look::Unread;
        }
        if self.matches(facts, call, now, &Budget::new()) { Look::Matched } else { Look::Passed }
    }
}

impl Answered {
    /// The answer in a policy's words.
    pub(super) fn decision(self) -> PolicyDecision {
        match self {
            Self::Permitted | Self::Agreed => PolicyDecision::Permit,
            Self::Held => PolicyDecision::Hold,
            Self::Denied => PolicyDecision::Deny,
        }
    }

    /// Whether a policy that decides so would have made another answer of it.
    pub(super) fn changed_by(self, decision: PolicyDecision) -> bool {
        let satisfied = if self == Self::Agreed { PolicyDecision::Hold } else { self.decision() };
        decision > satisfied
    }
}

impl ShadowPass<'_> {
    /// For the record; `None` when none of them matched.
    pub fn record(&self) -> Option<Shadowed> {
        let matched = || self.said.iter().filter(|said| said.look == Look::Matched);
        let most = matched().map(|said| said.decision).max()?;
        let changed = self.answered.changed_by(most);
        let decision = if changed { most } else { self.answered.decision() };
        let triggered = matched().take(NAMED).map(|said| said.policy.clone()).collect();
        Some(Shadowed { decision, changed, triggered })
    }
}
