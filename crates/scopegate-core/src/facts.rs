//! All that a decision may look at, and all that it may ask to be changed. Values only.

use std::sync::Arc;

use crate::catalogue::Catalogues;
use crate::decision::Obligation;
use crate::denial::{Denial, DenyCode};
use crate::enforcer::Need;
use crate::grant::Grant;
use crate::grant::manifest::Manifest;
use crate::id::{GrantId, Name, SessionId};
use crate::policy::Policies;
use crate::rate::{Spends, Tat};
use crate::request::Consent;
use crate::review::Review;
use crate::role::ApprovalBy;
use crate::scope::{Scope, ToolTable};
use crate::time::Timestamp;
use crate::trust::Trust;

/// What is known when a decision is made.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds the state fills in all of it")]
pub struct Facts<'a> {
    /// The session that asks, then its parents. Empty when the token is not known.
    pub links: &'a [Link<'a>],
    /// The id of the session that asks.
    pub session: SessionId,
    /// Whose session it is.
    pub owner: &'a Name,
    /// How far the owner is trusted; `None` where nobody keeps count.
    pub trust: Option<Trust>,
    /// The policies, where there are any.
    pub policies: Option<&'a Policies>,
    /// The names of tools.
    pub tools: &'a ToolTable,
    /// What MCP servers offer.
    pub catalogues: &'a Catalogues,
    /// The manifest of the session's owner, where it has one. It is read for calls that name a resource.
    pub manifest: Option<&'a Manifest>,
    /// What the owner of the session holds beside its role, in the order it was opened; nearly everyone holds
    /// nothing. Only looked at where the role does not permit a call, or where the call names one.
    pub grants: &'a [Held<'a>],
    /// The rate accounts of all links, each once.
    pub meters: &'a [Meter<'a>],
    /// The environment the deployment fixes.
    pub env: Option<&'a str>,
    /// The credentials that can be resolved, sorted.
    pub credentials: &'a [Name],
    /// The review of this very call.
    pub review: Asked<'a>,
}

/// A session as a decision sees it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds the state fills in all of it")]
pub struct Link<'a> {
    /// Its owner is suspended.
    pub suspended: bool,
    /// It was revoked.
    pub revoked: bool,
    /// Its budget of calls is used up.
    pub over_budget: bool,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its role, compiled; `None` when the role is gone.
    pub scope: Option<&'a Scope>,
}

/// A grant as a decision sees it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds the state fills in all of it")]
pub struct Held<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// Of a delegation, what it comes from.
    pub handed: Option<Handed<'a>>,
}

/// Where a delegation comes from.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds the state fills in all of it")]
pub struct Handed<'a> {
    /// The delegations it is a part of, nearest first.
    pub above: &'a [&'a Grant],
    /// Whether an agent that handed it on is suspended.
    pub suspended: bool,
    /// The scope of the first that handed it on, as it is now; `None` when its role is gone.
    pub scope: Option<&'a Scope>,
    /// How far that one is trusted; `None` where nobody keeps count.
    pub trust: Option<Trust>,
    /// Its manifest, where it has one. It is read for calls that name a resource.
    pub manifest: Option<&'a Manifest>,
    /// Those after it through whose hands it went. `None` when one of them cannot be told.
    pub hands: Option<&'a [Hand<'a>]>,
}

/// An agent that handed on what it had got itself: what guards it guards whoever has it from there.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds the state fills in all of it")]
pub struct Hand<'a> {
    /// Its scope, as it is now; `None` when its role is gone.
    pub scope: Option<&'a Scope>,
    /// How far it is trusted; `None` where nobody keeps count.
    pub trust: Option<Trust>,
    /// Its manifest, where it has one.
    pub manifest: Option<&'a Manifest>,
}

/// The rate accounts of one owner or session, as read.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds the state fills in all of it")]
pub struct Meter<'a> {
    /// The link whose scope defines the limits.
    pub link: usize,
    /// Which of its limits are counted here.
    pub account: Account,
    /// The accounts, by slot.
    pub accounts: &'a [Tat],
}

/// Whose account a limit is counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "every account must be found by whoever holds the state")]
pub enum Account {
    /// All sessions of one owner and role.
    Shared,
    /// One session.
    Own,
}

/// The review of a call, if it has been looked up.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "all states must be handled")]
pub enum Asked<'a> {
    /// Nobody has looked.
    NotLoaded,
    /// There is this one, or none.
    Loaded(Option<&'a Review>),
    /// The call is that of this review, which whoever asked is just reading.
    Redeemed(&'a Review),
}

/// What to do. Nothing has been done yet.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new ruling must stop whoever commits it from compiling")]
pub enum Ruling<'c> {
    /// Commit the changes, all or none, and permit.
    Permit(&'c Changes),
    /// Deny.
    Deny(Denial),
    /// Hold; if a review has to be opened, it waits so long.
    Hold(Waits),
    /// Ask again with more.
    Need(Need),
}

/// How a held call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds a call must do all of it")]
pub struct Waits {
    /// For so many seconds, if a review has to be opened.
    pub seconds: u64,
    /// For whom.
    pub by: ApprovalBy,
}

impl Waits {
    /// As whoever wants a person says; as the stricter, where both do.
    #[inline(always)]
    pub(crate) fn either(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.and(b)),
            (a, b) => a.or(b),
        }
    }

    /// As the stricter of both says.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self { seconds: self.seconds.min(other.seconds), by: self.by.max(other.by) }
    }
}

/// By what a call was admitted that its role does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record is all of its parts")]
pub struct Paid {
    /// The grant.
    pub grant: GrantId,
    /// What a break-glass made a permit of.
    pub replaced: Option<DenyCode>,
}

/// What a permit changes and carries.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "whoever commits must see every change")]
pub struct Changes {
    /// Rate accounts to write.
    pub spends: Spends,
    /// The grant that paid, if it was no role: a use of it is spent, and of all that it is a part of.
    pub paid: Option<Paid>,
    /// Whether the review of this call is used up.
    pub consumes: bool,
    /// Whose agreement took a reviewer's place.
    pub consent: Option<Consent>,
    /// The credential the tool is given.
    pub credential: Option<Name>,
    /// Whether the record must hold a digest of the arguments.
    pub digest_arguments: bool,
    /// What must be done to the result.
    pub obligations: Option<Arc<[Obligation]>>,
}
