//! Which grant pays for a call: the one it names; or else the role, then a window, then a break-glass.
//!
//! Nothing here stands on the path of a call that its role admits.

use smallvec::{SmallVec, smallvec};

use super::{Granted, breakglass, delegation, window};
use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::{Facts, Held};
use crate::id::GrantId;
use crate::request::AccessRequest;
use crate::scope::Scope;
use crate::time::Timestamp;

/// By what a call is admitted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way<'a> {
    /// By the role of each session.
    Role,
    /// By this grant.
    Grant(&'a Held<'a>),
}

impl Way<'_> {
    /// Whether hours, the minimum of trust, and policies that are not absolute stand back.
    #[inline(always)]
    pub(crate) fn lifts(self) -> bool {
        match self {
            Self::Role => false,
            Self::Grant(held) => held.grant.break_glass().is_some(),
        }
    }
}

impl Denial {
    /// Whether a grant that the owner of a session holds could make another answer of this one. What else
    /// denies a call denies it whatever was granted.
    pub fn may_be_lifted(&self) -> bool {
        breakglass::lifts(self)
    }
}

/// The grant that a request names, among those that its owner holds.
pub(crate) fn named<'f>(facts: &'f Facts<'_>, id: GrantId) -> Result<&'f Held<'f>, Denial> {
    facts.grants.iter().find(|held| held.grant.id == id).ok_or_else(|| not_by(id))
}

/// What may admit a call that was denied otherwise: a window where nothing grants it, a break-glass where
/// that lifts what stands against it.
pub(crate) fn instead<'f>(
    facts: &'f Facts<'_>,
    denial: &Denial,
    request: &AccessRequest<'_>,
    now: Timestamp,
    after: Option<&Held<'_>>,
) -> Option<&'f Held<'f>> {
    let (tool, lifted) = (&request.call.tool, breakglass::lifts(denial));
    let first = after.is_none() && lifted && denial.code == DenyCode::ScopeViolation;
    let by_window = if first { window::paying(facts, tool, now) } else { None };
    by_window.or_else(|| if lifted { breakglass::paying(facts, tool, now) } else { None })
}

/// Line 5 by a grant: what guards the tool. All of the role's guards do, and of a delegation all of its
/// source's.
pub(crate) fn find_held<'a>(
    facts: &Facts<'a>,
    scope: &'a Scope,
    held: &Held<'a>,
    call: &ToolCall,
    now: Timestamp,
) -> Result<SmallVec<[Granted<'a>; 4]>, Denial> {
    let over = || not_by(held.grant.id);
    if !held.grant.is_open(now) || !held.grant.admits(&call.tool) {
        return Err(over());
    }
    let own = scope.guarded_by_all(facts.tools.asked(call)).ok_or_else(over)?;
    let mut granted = smallvec![own];
    match (&held.handed, held.grant.delegation()) {
        (Some(handed), Some(_)) => granted.extend(delegation::sources(facts, held, handed, call, now)?),
        (None, None) => {}
        // A delegation from nobody.
        _ => return Err(over()),
    }
    Ok(granted)
}

/// Line 5 goes on.
#[inline(never)]
pub(super) fn check(held: &Held<'_>) -> Result<(), Denial> {
    delegation::check(held)
}

/// The grant does not admit it: whose it is, and what else is the matter with it, is nobody else's business.
#[cold]
pub(crate) fn not_by(id: GrantId) -> Denial {
    Denial::with(DenyCode::ScopeViolation, Detail::Grant(id))
}
