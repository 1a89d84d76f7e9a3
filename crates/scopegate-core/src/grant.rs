//! Line 5: is there a grant for this tool, in every scope in force?

mod breakglass;
mod delegation;
pub(crate) mod manifest;
mod pay;
mod value;
mod window;

pub use self::breakglass::{BreakGlass, Emergency, OpenBreakGlass, Reviewed};
pub use self::delegation::{Delegate, Delegation, MAX_DELEGATIONS};
pub(crate) use self::pay::{Way, find_held, instead, named, not_by};
pub(crate) use self::value::overlap;
pub use self::value::{Ended, Grant, GrantError, GrantKind, GrantState};
pub use self::window::{Extended, OpenWindow, Window};

use smallvec::SmallVec;

use crate::budget::Budget;
use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::{Facts, Link, Waits};
use crate::id::Name;
use crate::json::Members;
use crate::scope::{Asks, Level, Scope, ToolEntry, ToolRules};

/// What admits a tool in one scope, and what guards it there.
#[derive(Debug)]
pub(crate) struct Granted<'a> {
    /// The scope.
    pub(crate) scope: &'a Scope,
    /// The role-wide guards that apply.
    pub(crate) level: &'a Level,
    /// The level's index.
    pub(crate) depth: u8,
    /// The guards of this very tool.
    pub(crate) rules: Option<&'a ToolRules>,
    /// All that both ask for.
    pub(crate) asks: Asks,
}

/// What admits the tool in the one scope in force, of a call that goes to no MCP server.
#[inline(always)]
pub(crate) fn find<'a>(facts: &Facts<'a>, scope: &'a Scope, call: &ToolCall) -> Result<Granted<'a>, Denial> {
    let tool = facts.tools.find(&call.tool);
    match tool.and_then(|tool| scope.granted(tool)) {
        Some(granted) => Ok(granted),
        None => by_pattern(scope, call),
    }
}

/// The same for a session and its parents, and for a call that goes to a server.
#[inline(never)]
pub(crate) fn find_all<'a>(
    facts: &Facts<'a>,
    links: &'a [Link<'a>],
    call: &ToolCall,
) -> Result<SmallVec<[Granted<'a>; 4]>, Denial> {
    let asked = facts.tools.asked(call);
    let scopes = links.iter().filter_map(|link| link.scope);
    scopes.map(|scope| scope.grants(asked).ok_or_else(|| not_granted(scope))).collect()
}

/// The same in one scope, of a tool that no role lists.
#[inline(never)]
fn by_pattern<'a>(scope: &'a Scope, call: &ToolCall) -> Result<Granted<'a>, Denial> {
    let entry = ToolEntry { tool: &call.tool, server: call.server.as_deref() };
    scope.granted_by_pattern(entry).ok_or_else(|| not_granted(scope))
}

/// Line 5 goes on: the owner is trusted far enough, the tool has its credential, and every parent allows
/// sub-agents this deep; a grant has a use left.
#[inline(always)]
pub(crate) fn check(facts: &Facts<'_>, granted: &[Granted<'_>], way: Way<'_>) -> Result<(), Denial> {
    if !way.lifts() {
        check_trust(facts, granted)?;
    }
    check_credentials(facts, granted)?;
    match way {
        Way::Role => check_depth(granted),
        Way::Grant(held) => pay::check(held),
    }
}

#[cold]
fn not_granted(scope: &Scope) -> Denial {
    Denial::with(DenyCode::ScopeViolation, Detail::Name(scope.name().clone()))
}

/// Where nobody keeps count, nobody is trusted.
#[inline(always)]
fn check_trust(facts: &Facts<'_>, granted: &[Granted<'_>]) -> Result<(), Denial> {
    for least in granted.iter().filter_map(|granted| granted.level.min_trust) {
        if facts.trust.is_none_or(|trust| trust < least) {
            return Err(Denial::new(DenyCode::TrustTooLow));
        }
    }
    Ok(())
}

#[inline(always)]
fn check_credentials(facts: &Facts<'_>, granted: &[Granted<'_>]) -> Result<(), Denial> {
    for rules in granted.iter().filter_map(|granted| granted.rules) {
        for binding in &rules.credentials {
            if !binding.allowed || facts.credentials.binary_search(&binding.name).is_err() {
                return Err(Denial::with(DenyCode::CredentialViolation, Detail::Name(binding.name.clone())));
            }
        }
    }
    Ok(())
}

/// Every parent must still allow sub-agents as deep as this one.
#[inline(always)]
fn check_depth(chain: &[Granted<'_>]) -> Result<(), Denial> {
    let [_, parents @ ..] = chain else { return Ok(()) };
    let mut parents = parents.iter().map(|granted| granted.scope).zip(1_u64..);
    match parents.find(|(scope, depth)| scope.delegation_depth() < *depth) {
        Some((scope, _)) => {
            Err(Denial::with(DenyCode::DelegationDepthExceeded, Detail::Name(scope.name().clone())))
        }
        None => Ok(()),
    }
}

/// Whether a person has to agree to this call, and how it may wait.
#[inline(always)]
pub(crate) fn approval(
    granted: &[Granted<'_>],
    args: Option<&Members<'_>>,
    budget: &Budget,
) -> Result<Option<Waits>, Denial> {
    let mut waits: Option<Waits> = None;
    for rules in granted.iter().filter_map(|granted| granted.rules) {
        for approval in &rules.approvals {
            if !approval.waived(args, budget) {
                if budget.is_used_up() {
                    return Err(Denial::new(DenyCode::EvaluationBudget));
                }
                waits = Some(waits.map_or(approval.waits, |others| others.and(approval.waits)));
            }
        }
    }
    Ok(waits)
}

/// The credential the tool is given: the asking session's own mapping comes first.
#[inline(always)]
pub(crate) fn credential<'a>(granted: &[Granted<'a>]) -> Option<&'a Name> {
    let mut rules = granted.iter().filter_map(|granted| granted.rules);
    rules.find_map(|rules| rules.credentials.first()).map(|binding| &binding.name)
}
