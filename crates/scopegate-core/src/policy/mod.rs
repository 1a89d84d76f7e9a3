//! Lines 4 and 9: does a policy stand against this call?
//!
//! Policies only restrict. Those that deny, read no arguments and are lifted by nothing are asked in line 4,
//! before any grant; all others in line 9, where arguments may be read. Most restrictive wins: the priority
//! only says which of several is named. Each type of policy has a room of its own; what is looked at
//! without deciding is in `shadow`.

mod action_type;
mod chain_of_custody;
mod compile;
mod content_pattern;
mod explain;
mod report;
mod shadow;
mod temporal;
#[cfg(test)]
mod tests;
mod threshold;
mod written;

pub use self::explain::PolicyView;
pub use self::report::{ShadowCounts, ShadowExample, ShadowReport};
pub use self::shadow::{Answered, ShadowPass, Shadowed, shadow};
pub use self::written::{Conditions, PolicyDecision, PolicyMode, PolicyRule, PolicyType};

use self::action_type::ActionTypes;
use self::chain_of_custody::Custody;
use self::content_pattern::Patterns;
use self::temporal::Blocked;
use self::threshold::Threshold;
use crate::budget::Budget;
use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::{Facts, Waits};
use crate::id::Name;
use crate::role::ApprovalBy;
use crate::time::Timestamp;

/// How long a call waits that a policy holds, in seconds.
const WAITS: Waits = Waits { seconds: 900, by: ApprovalBy::Reviewer };

/// All policies in force, compiled: each list from the highest priority down.
#[derive(Debug, Default)]
pub struct Policies {
    /// Line 4.
    forbids: Vec<Compiled>,
    /// Line 9.
    denies: Vec<Compiled>,
    holds: Vec<Compiled>,
    /// They change nothing; that they matched is told.
    permits: Vec<Compiled>,
    /// Beside.
    shadow: Vec<Compiled>,
    reads_trust: bool,
}

/// One policy.
#[derive(Debug)]
struct Compiled {
    name: Name,
    decision: PolicyDecision,
    /// Whether nothing lifts it.
    absolute: bool,
    actions: ActionTypes,
    test: Test,
}

/// What it looks at beside what is called.
#[derive(Debug)]
enum Test {
    Always,
    Threshold(Threshold),
    Content(Patterns),
    Temporal(Blocked),
    Custody(Custody),
}

impl Policies {
    /// Whether nothing would ever be asked.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Whether any policy looks at trust, so that somebody has to keep count.
    pub fn reads_trust(&self) -> bool {
        self.reads_trust
    }

    /// Whether any is only looked at.
    #[inline]
    pub fn has_shadow(&self) -> bool {
        !self.shadow.is_empty()
    }

    /// Whether a tool of this name could ever be permitted: no policy denies all of its calls.
    pub fn could_permit(&self, tool: &str) -> bool {
        let always =
            |policy: &Compiled| matches!(policy.test, Test::Always) && policy.actions.cover_tool(tool);
        !self.forbids.iter().chain(&self.denies).any(always)
    }

    /// Line 7 asks: does a policy that decides read the arguments of this call, or want a person to agree, who
    /// has to see them?
    #[inline(never)]
    pub(crate) fn read_arguments(&self, facts: &Facts<'_>, call: &ToolCall, now: Timestamp) -> bool {
        let reads = |policy: &Compiled| policy.reads_arguments() && policy.actions.cover(call);
        let holds =
            |policy: &Compiled| !policy.reads_arguments() && policy.matches(facts, call, now, &Budget::new());
        self.denies.iter().any(reads) || self.holds.iter().any(|policy| reads(policy) || holds(policy))
    }

    /// Names of the policies that decide and match this call, from the most restrictive on. What cannot be
    /// looked at counts as matched.
    pub fn matched(&self, facts: &Facts<'_>, call: &ToolCall, now: Timestamp) -> Vec<(Name, PolicyDecision)> {
        let deciding = self.forbids.iter().chain(&self.denies).chain(&self.holds).chain(&self.permits);
        let hits = deciding.filter(|policy| policy.matches(facts, call, now, &Budget::new()));
        hits.map(|policy| (policy.name.clone(), policy.decision)).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Compiled> {
        let deciding = self.forbids.iter().chain(&self.denies).chain(&self.holds).chain(&self.permits);
        deciding.chain(&self.shadow)
    }
}

impl Compiled {
    fn reads_arguments(&self) -> bool {
        matches!(self.test, Test::Content(_))
    }

    fn matches(&self, facts: &Facts<'_>, call: &ToolCall, now: Timestamp, budget: &Budget) -> bool {
        self.actions.cover(call)
            && match &self.test {
                Test::Always => true,
                Test::Threshold(threshold) => threshold.matches(facts.trust),
                Test::Content(patterns) => patterns.matches(&call.args, budget),
                Test::Temporal(blocked) => blocked.matches(now),
                Test::Custody(custody) => custody.matches(facts, call),
            }
    }
}

/// Line 4: does a policy deny this that nothing lifts?
#[inline(always)]
pub(crate) fn forbid(facts: &Facts<'_>, call: &ToolCall, now: Timestamp) -> Result<(), Denial> {
    match facts.policies {
        None => Ok(()),
        Some(policies) => forbidden(policies, facts, call, now),
    }
}

#[inline(never)]
fn forbidden(policies: &Policies, facts: &Facts<'_>, call: &ToolCall, now: Timestamp) -> Result<(), Denial> {
    let budget = Budget::new(); // none of them spends
    match policies.forbids.iter().find(|policy| policy.matches(facts, call, now, &budget)) {
        Some(policy) => Err(Denial::with(DenyCode::ActionForbidden, Detail::Name(policy.name.clone()))),
        None => Ok(()),
    }
}

/// Line 9: does a policy deny this, or want a person to agree? Where the denials are `lifted` only those count
/// that nothing lifts.
#[inline(always)]
pub(crate) fn check(
    facts: &Facts<'_>,
    call: &ToolCall,
    now: Timestamp,
    budget: &Budget,
    lifted: bool,
) -> Result<Option<Waits>, Denial> {
    match facts.policies {
        None => Ok(None),
        Some(policies) => ask(policies, facts, call, now, (budget, lifted)),
    }
}

#[inline(never)]
fn ask(
    policies: &Policies,
    facts: &Facts<'_>,
    call: &ToolCall,
    now: Timestamp,
    (budget, lifted): (&Budget, bool),
) -> Result<Option<Waits>, Denial> {
    let stands = |policy: &Compiled| {
        let lifted = lifted && !policy.absolute && policy.decision == PolicyDecision::Deny;
        !lifted && policy.matches(facts, call, now, budget)
    };
    let find = |list: &'_ [Compiled]| {
        let hit = list.iter().position(stands);
        // What could not be looked at is not what the policy says.
        if budget.is_used_up() { Err(Denial::new(DenyCode::EvaluationBudget)) } else { Ok(hit) }
    };
    if let Some(policy) = find(&policies.denies)?.and_then(|at| policies.denies.get(at)) {
        return Err(Denial::with(DenyCode::PolicyDenied, Detail::Name(policy.name.clone())));
    }
    Ok(find(&policies.holds)?.map(|_| WAITS))
}
