//! Delegations: an agent hands on some of what it may do. What is left of it is found at every use: the
//! source's own scope as it is then, and everything that narrowed it on the way.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use super::Granted;
use super::value::{Grant, GrantError, GrantKind, GrantState, check_patterns, check_text, overlap};
use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::{Facts, Handed, Held};
use crate::grant::manifest::{self, Manifest};
use crate::id::{GrantId, Name};
use crate::mcp;
use crate::scope::{Asked, Scope, ToolTable};
use crate::time::Timestamp;
use crate::trust::Trust;

/// The most hands, whatever anybody allows.
pub const MAX_DELEGATIONS: u64 = 4;
/// Longest: thirty days.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a delegation has beside every grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps a grant has to keep all of it")]
pub struct Delegation {
    /// Who hands it on.
    pub source: Name,
    /// The role whose scope it comes from: of the first that handed it on.
    pub role: Name,
    /// The role of a source that got it from somebody: what guards that role guards it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<Name>,
    /// The delegation it is a part of, if the source got it from somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<GrantId>,
    /// How many hands it may go through; as the role says at each use when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u64>,
}

/// A delegation to make.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes one says all of it")]
pub struct Delegate {
    /// Who hands it on.
    pub source: Name,
    /// The source's role; of a source that hands on what it got itself, its guards alone.
    pub role: Name,
    /// Who gets it.
    pub target: Name,
    /// Patterns of the tools it admits.
    pub scopes: Vec<Name>,
    /// Lists of patterns that narrow that down; the tool has to be in each of them.
    pub within: Vec<Vec<Name>>,
    /// The delegation it is a part of, if the source got it from somebody.
    pub parent: Option<GrantId>,
    /// For how long.
    pub length: Duration,
    /// For so many calls; no limit when `None`.
    pub max_uses: Option<u64>,
    /// How many hands it may go through, four at most; as the source's role says when `None`.
    pub max_depth: Option<u64>,
    /// What for.
    pub instruction: String,
    /// Who makes it, from their credential.
    pub by: Name,
}

impl Delegate {
    /// The delegation. `above` are the delegations it is a part of, nearest first; `depth` is how deep the
    /// source's role lets it go.
    ///
    /// # Errors
    /// [`GrantError`] says what to change.
    pub fn open(
        self,
        id: GrantId,
        above: &[&Grant],
        depth: u64,
        now: Timestamp,
    ) -> Result<Grant, GrantError> {
        self.check(above)?;
        let first = above.last().and_then(|grant| grant.delegation());
        let max_depth = first.map_or(self.max_depth, |first| first.max_depth);
        let deepest = deepest(max_depth, depth);
        if above.len() as u64 + 1 > deepest {
            return Err(GrantError::Depth(deepest));
        }
        let Self { source, role, target, scopes, within, parent, length, max_uses, instruction, by, .. } =
            self;
        let ends = above.iter().map(|grant| grant.until).chain([now.after(length)]);
        let (role, hand) = match first {
            None => (role, None),
            Some(first) => (first.role.clone(), Some(role)),
        };
        Ok(Grant {
            id,
            agent: target,
            scopes,
            within: within.into_iter().filter(|list| !list.is_empty()).collect(),
            opened_at: now,
            opened_by: by,
            reason: instruction,
            // No longer than what it is a part of.
            until: ends.min().unwrap_or(now),
            max_uses,
            uses: 0,
            ended: None,
            kind: GrantKind::Delegation(Delegation { source, role, hand, parent, max_depth }),
        })
    }

    fn check(&self, above: &[&Grant]) -> Result<(), GrantError> {
        check_patterns(&self.scopes, true)?;
        self.within.iter().try_for_each(|list| check_patterns(list, false))?;
        check_text(&self.instruction, 0)?;
        if self.length < Duration::from_secs(1) || self.length > LONGEST {
            return Err(GrantError::Length(LONGEST.as_secs() / 60));
        }
        if self.max_uses == Some(0) {
            return Err(GrantError::NoUses);
        }
        if self.source == self.target {
            return Err(GrantError::ToItself);
        }
        let hands = above.iter().filter_map(|grant| grant.delegation());
        if hands.into_iter().any(|delegation| delegation.source == self.target) {
            return Err(GrantError::Circle(self.target.clone()));
        }
        let lists = above.iter().flat_map(|grant| std::iter::once(&grant.scopes).chain(&grant.within));
        let mut lists = lists.chain(self.within.iter().filter(|list| !list.is_empty()));
        if lists.any(|list| !overlap(&self.scopes, list)) { Err(GrantError::Nothing) } else { Ok(()) }
    }
}

/// The most hands there may be.
fn deepest(max_depth: Option<u64>, of_role: u64) -> u64 {
    max_depth.unwrap_or(of_role).min(MAX_DELEGATIONS)
}

impl Held<'_> {
    /// Whether it admits calls of this tool, or any at all, as things stand now. What guards the tool, and what
    /// policies say, is not asked.
    pub fn admits(&self, tools: &ToolTable, tool: Option<&str>, now: Timestamp) -> bool {
        let active = |grant: &Grant| {
            grant.state(now) == GrantState::Active && tool.is_none_or(|tool| grant.admits(tool))
        };
        let from_source = self.handed.is_none_or(|handed| {
            let grants = |scope: &Scope| match tool {
                Some(tool) => scope.grants(tools.named(tool, None)).is_some(),
                None => scope.overlaps(tools, &self.grant.scopes),
            };
            !handed.suspended && handed.scope.is_some_and(grants)
        });
        let whole = self.handed.is_some() == self.grant.delegation().is_some();
        whole && self.chain().all(active) && from_source && check(self).is_ok()
    }

    /// Every delegation it is a part of, itself first.
    fn chain(&self) -> impl Iterator<Item = &Grant> {
        std::iter::once(self.grant).chain(self.handed.iter().flat_map(|handed| handed.above.iter().copied()))
    }
}

/// Line 5 for a delegation: what the source itself may do with the tool, now. Whatever stands against the
/// source, or against anybody through whose hands it went, stands against whoever acts on its word.
pub(super) fn sources<'a>(
    facts: &Facts<'a>,
    held: &Held<'a>,
    handed: &Handed<'a>,
    call: &ToolCall,
    now: Timestamp,
) -> Result<SmallVec<[Granted<'a>; 2]>, Denial> {
    let over = || super::not_by(held.grant.id);
    let scope = handed.scope.filter(|_| !handed.suspended).ok_or_else(over)?;
    if !held.chain().all(|grant| grant.is_open(now) && grant.admits(&call.tool)) {
        return Err(over());
    }
    let asked = facts.tools.asked(call);
    let mut granted = smallvec![scope.grants(asked).ok_or_else(over)?];
    check_source(scope, (asked, call), granted.last(), (handed.trust, handed.manifest))?;
    for hand in handed.hands.ok_or_else(over)? {
        // Its own role need not grant what it was handed.
        let scope = hand.scope.ok_or_else(over)?;
        granted.push(scope.guarded_by_all(asked).ok_or_else(over)?);
        check_source(scope, (asked, call), granted.last(), (hand.trust, hand.manifest))?;
    }
    Ok(granted)
}

/// What the guards of calls do not look at again: forbids, servers, the manifest, and trust.
fn check_source(
    scope: &Scope,
    (asked, call): (Asked<'_>, &ToolCall),
    granted: Option<&Granted<'_>>,
    (trust, manifest): (Option<Trust>, Option<&Manifest>),
) -> Result<(), Denial> {
    if let Some(pattern) = scope.forbids().and_then(|forbids| forbids.find_there(call)) {
        return Err(Denial::with(DenyCode::ActionForbidden, Detail::Name(pattern.clone())));
    }
    mcp::check_server(scope, asked, call.server.as_ref())?;
    manifest::check_of(manifest, call)?;
    match granted.and_then(|granted| granted.level.min_trust) {
        Some(least) if trust.is_none_or(|trust| trust < least) => Err(Denial::new(DenyCode::TrustTooLow)),
        _ => Ok(()),
    }
}

/// Line 5 goes on: not through too many hands, and no use of it is spent on the way.
pub(super) fn check(held: &Held<'_>) -> Result<(), Denial> {
    let detail = || Detail::Grant(held.grant.id);
    if let Some(handed) = &held.handed {
        let max_depth = held.chain().last().and_then(Grant::delegation).and_then(|first| first.max_depth);
        let of_role = handed.scope.map_or(0, Scope::delegation_depth);
        if handed.above.len() as u64 + 1 > deepest(max_depth, of_role) {
            return Err(Denial::with(DenyCode::DelegationDepthExceeded, detail()));
        }
    }
    match held.chain().any(Grant::is_spent) {
        true => Err(Denial::with(DenyCode::GrantExhausted, detail())),
        false => Ok(()),
    }
}
