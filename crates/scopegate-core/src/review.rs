//! Approvals: one state machine for everything that waits for a person.

use serde::{Deserialize, Serialize};

use crate::call::ToolCall;
use crate::claims::McpClaims;
use crate::decision::Hold;
use crate::denial::{Denial, DenyCode, Detail};
use crate::digest::CallDigest;
use crate::facts::{Asked, Facts, Waits};
use crate::id::{GrantId, Name, ReviewId, SessionId};
use crate::pin::DefinitionDigest;
use crate::redemption::{self, Redeemed, Redemption};
use crate::request::Consent;
use crate::role::ApprovalBy;
use crate::time::Timestamp;

/// A call that waits, or waited, for a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Binds it to exactly one call: tenant, owner, role, tool, arguments and the rest.
    pub digest: CallDigest,
    /// The session that asked.
    pub session: SessionId,
    /// Who asked.
    pub owner: Name,
    /// Under which role.
    pub role: Name,
    /// For which tool.
    pub tool: Name,
    /// Doing what, where the call says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<Name>,
    /// To what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<Name>,
    /// In which environment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub env: Option<Name>,
    /// On which server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<Name>,
    /// Through whose hands, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub via: Vec<Name>,
    /// The digest of what the tool was registered as, where its server is described.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub definition: Option<DefinitionDigest>,
    /// Under which grant, where the call names one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grant: Option<GrantId>,
    /// With which arguments, in full, as compact JSON.
    pub arguments: String,
    /// What the caller claimed about MCP, where the call is decided again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mcp: Option<Box<McpClaims>>,
    /// How a yes to it is taken up.
    #[serde(skip_serializing_if = "Redemption::is_recall", default)]
    pub redemption: Redemption,
    /// Where it stands.
    pub state: ReviewState,
    /// Who decided, from their credential.
    pub reviewer: Option<String>,
    /// When they did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_at: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it stops waiting, and a decision stops standing.
    pub expires_at: Timestamp,
    /// What came of reading a yes, where that takes it up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub redeemed: Option<Redeemed>,
}

/// Where a review stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "every state must be handled where it is read")]
pub enum ReviewState {
    /// Nobody has decided.
    Pending,
    /// The call may run, once.
    Approved,
    /// The call may not run until the review expires.
    Rejected,
    /// Too late.
    Expired,
    /// The call was permitted.
    Consumed,
}

/// Why a review could not be decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// No such review.
    #[error("unknown review")]
    Unknown,
    /// Someone was faster, or the time is over.
    #[error("the review is already {0:?}")]
    Settled(ReviewState),
    /// The reviewer is the one who asked.
    #[error("`{0}` asked for this call and cannot also approve it")]
    OwnRequest(String),
    /// The reviewer has no name.
    #[error("a review needs the name of the reviewer")]
    Nameless,
    /// The reviews cannot be reached.
    #[error("reviews are unavailable: {0}")]
    Unavailable(String),
}

impl Review {
    /// A review of a call, waiting; `None` while the arguments have not been read. It shows
    /// everything that the digest binds.
    pub fn open(
        id: ReviewId,
        (digest, definition): (CallDigest, Option<DefinitionDigest>),
        (session, owner, role): (SessionId, Name, Name),
        (call, redemption): (&ToolCall, Redemption),
        opened_at: Timestamp,
        expires_at: Timestamp,
    ) -> Option<Self> {
        Some(Self {
            id,
            digest,
            session,
            owner,
            role,
            tool: call.tool.clone(),
            action: call.action.clone(),
            resource: call.resource.clone(),
            env: call.env.clone(),
            server: call.server.clone(),
            via: call.via.as_deref().unwrap_or_default().to_vec(),
            definition,
            grant: None,
            arguments: call.args.to_json()?,
            mcp: call.mcp.clone().filter(|_| redemption == Redemption::Read),
            redemption,
            state: ReviewState::Pending,
            reviewer: None,
            decided_at: None,
            opened_at,
            expires_at,
            redeemed: None,
        })
    }

    /// Where it stands at a time.
    pub fn state_at(&self, now: Timestamp) -> ReviewState {
        match self.state {
            ReviewState::Consumed => ReviewState::Consumed,
            _ if now >= self.expires_at => ReviewState::Expired,
            state => state,
        }
    }

    /// Decides it.
    ///
    /// # Errors
    /// [`ReviewError`] when it is not pending, or when the reviewer is the requester.
    pub fn settle(&mut self, approve: bool, reviewer: &str, now: Timestamp) -> Result<(), ReviewError> {
        if reviewer.trim().is_empty() {
            return Err(ReviewError::Nameless);
        }
        if reviewer == self.owner {
            return Err(ReviewError::OwnRequest(reviewer.to_owned()));
        }
        match self.state_at(now) {
            ReviewState::Pending => {
                self.state = if approve { ReviewState::Approved } else { ReviewState::Rejected };
                self.reviewer = Some(reviewer.to_owned());
                self.decided_at = Some(now);
                Ok(())
            }
            state => Err(ReviewError::Settled(state)),
        }
    }

    /// Uses it up, in the same step that permits the call.
    pub fn consume(&mut self) {
        self.state = ReviewState::Consumed;
    }

    /// What the caller is told while it waits.
    pub fn hold(&self) -> Hold {
        Hold { review: self.id, expires_at: self.expires_at, by: ApprovalBy::Reviewer }
    }
}

/// How line 11 lets a call stop.
pub(crate) enum Wait {
    Deny(Denial),
    Hold(Waits),
    Load,
}

/// What line 11 found.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    /// Whether the review of this call is used up.
    pub(crate) consumes: bool,
    /// Whose agreement took a reviewer's place.
    pub(crate) consent: Option<Consent>,
}

/// Line 11: does a person have to agree, and has one? What a reviewer said comes first.
#[inline(always)]
pub(crate) fn check(
    facts: &Facts<'_>,
    waits: Option<Waits>,
    consent: Option<Consent>,
    now: Timestamp,
) -> Result<Agreed, Wait> {
    let Some(waits) = waits else { return Ok(Agreed::default()) };
    let review = match facts.review {
        Asked::NotLoaded => return Err(Wait::Load),
        Asked::Loaded(review) => review,
        Asked::Redeemed(review) => {
            redemption::check(review, now)?;
            return Ok(Agreed { consumes: true, consent: None });
        }
    };
    let state = review.map(|review| (review.state_at(now), review));
    match state {
        // A yes that has to be read lets nobody through who asks again.
        Some((ReviewState::Approved, review)) if review.redemption == Redemption::Recall => {
            return Ok(Agreed { consumes: true, consent: None });
        }
        Some((ReviewState::Rejected, review)) => {
            let detail = Detail::Review(review.id, review.expires_at);
            return Err(Wait::Deny(Denial::with(DenyCode::ApprovalRejected, detail)));
        }
        Some(_) | None => {}
    }
    match consent.filter(|_| waits.by == ApprovalBy::Client) {
        // Nobody needs to look at it any more.
        Some(consent) => Ok(Agreed { consumes: review.is_some(), consent: Some(consent) }),
        None => Err(Wait::Hold(waits)),
    }
}
