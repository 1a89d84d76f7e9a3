//! Line 5: is there a grant for this tool, in every scope in force?

use smallvec::SmallVec;

use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::Facts;
use crate::id::Name;
use crate::identity::Scopes;
use crate::json::Members;
use crate::scope::{Level, Scope, ToolRules};

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
}

/// One [`Granted`] per link.
pub(crate) enum AllGranted<'a> {
    /// Of a session without a parent, as most are.
    One([Granted<'a>; 1]),
    /// Of a session, then of its parents.
    Chain(SmallVec<[Granted<'a>; 4]>),
}

#[inline(always)]
pub(crate) fn check<'a>(
    facts: &Facts<'a>,
    scopes: Scopes<'a>,
    call: &ToolCall,
) -> Result<AllGranted<'a>, Denial> {
    let tool = facts.tools.find(&call.tool);
    match scopes {
        Scopes::One(scope) => {
            let Some(granted) = tool.and_then(|tool| scope.granted(tool)) else {
                return Err(not_granted(scope));
            };
            let one = [granted];
            check_credentials(facts, &one)?;
            Ok(AllGranted::One(one))
        }
        Scopes::Chain(links) => {
            let find = |scope: &'a Scope| {
                tool.and_then(|tool| scope.granted(tool)).ok_or_else(|| not_granted(scope))
            };
            let scopes = links.iter().filter_map(|link| link.scope);
            let chain = scopes.map(find).collect::<Result<SmallVec<_>, _>>()?;
            check_credentials(facts, &chain)?;
            check_depth(&chain)?;
            Ok(AllGranted::Chain(chain))
        }
    }
}

fn not_granted(scope: &Scope) -> Denial {
    Denial::with(DenyCode::ScopeViolation, Detail::Name(scope.name().clone()))
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
fn check_depth(chain: &[Granted<'_>]) -> Result<(), Denial> {
    let mut parents = chain.iter().map(|granted| granted.scope).zip(0_u64..).skip(1);
    match parents.find(|(scope, depth)| scope.delegation_depth() < *depth) {
        Some((scope, _)) => {
            Err(Denial::with(DenyCode::DelegationDepthExceeded, Detail::Name(scope.name().clone())))
        }
        None => Ok(()),
    }
}

/// Whether a person has to agree to this call, and for how many seconds it may wait.
#[inline(always)]
pub(crate) fn approval(granted: &[Granted<'_>], args: Option<&Members<'_>>) -> Option<u64> {
    let mut seconds: Option<u64> = None;
    for rules in granted.iter().filter_map(|granted| granted.rules) {
        for approval in &rules.approvals {
            if !approval.waived(args) {
                seconds = Some(seconds.map_or(approval.seconds, |least| least.min(approval.seconds)));
            }
        }
    }
    seconds
}

/// The credential the tool is given: the asking session's own mapping comes first.
#[inline(always)]
pub(crate) fn credential<'a>(granted: &[Granted<'a>]) -> Option<&'a Name> {
    let mut rules = granted.iter().filter_map(|granted| granted.rules);
    rules.find_map(|rules| rules.credentials.first()).map(|binding| &binding.name)
}
