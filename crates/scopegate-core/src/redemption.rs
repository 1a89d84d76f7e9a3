//! How a yes from a person is taken up: by asking again, or by reading it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::{Args, ToolCall};
use crate::denial::{Denial, DenyCode, Detail};
use crate::id::{Name, PermitId};
use crate::review::{Review, ReviewState, Wait};
use crate::time::Timestamp;

/// How long whoever asked is told the same permit once more, after the first time.
const REPEATED: Duration = Duration::from_secs(60);

/// How a yes to a review is taken up. A review has one way from its birth on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a way that nobody handles would be a way around")]
pub enum Redemption {
    /// The caller asks again, and that call is permitted.
    #[default]
    Recall,
    /// Whoever asked reads where the review stands, and runs the call by itself: the first time that it reads
    /// of a yes, the call is decided again and permitted. Such a review never lets a call through that asks again.
    Read,
}

impl Redemption {
    /// Whether the caller asks again.
    pub fn is_recall(&self) -> bool {
        *self == Self::Recall
    }
}

/// What came of the first time that a yes was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a yes was good, or it was not")]
pub enum Redeemed {
    /// The call was permitted.
    Permitted {
        /// When.
        at: Timestamp,
        /// The one permit that there is.
        permit: PermitId,
    },
    /// The call was denied when it was decided again: the yes is used up all the same.
    Denied {
        /// When.
        at: Timestamp,
        /// The code.
        code: Name,
    },
}

/// Where a review stands for whoever asked, if a yes to it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever tells it has words for each")]
pub enum Reading {
    /// Nobody has decided.
    Pending,
    /// A person has agreed, and nobody has taken that up.
    Approved,
    /// It was taken up, a moment ago: the call may run on this permit.
    Permitted(PermitId),
    /// A person had agreed, and the call was denied all the same.
    Denied(Name),
    /// A person said no.
    Rejected,
    /// Too late.
    Expired,
}

impl Review {
    /// Where it stands at a time, while nobody takes it up.
    pub fn reading(&self, now: Timestamp) -> Reading {
        match (self.state_at(now), &self.redeemed) {
            (ReviewState::Pending, _) => Reading::Pending,
            (ReviewState::Approved, _) => Reading::Approved,
            (ReviewState::Rejected, _) => Reading::Rejected,
            (ReviewState::Consumed, Some(Redeemed::Permitted { at, permit })) if now < at.after(REPEATED) => {
                Reading::Permitted(*permit)
            }
            (ReviewState::Consumed, Some(Redeemed::Denied { code, .. })) => Reading::Denied(code.clone()),
            (ReviewState::Consumed | ReviewState::Expired, _) => Reading::Expired,
        }
    }

    /// Uses it up by reading it.
    pub fn redeem(&mut self, redeemed: Redeemed) {
        self.consume();
        self.redeemed = Some(redeemed);
    }

    /// The call that waits, to be decided again: everything that was judged of it.
    pub fn call(&self) -> ToolCall {
        ToolCall {
            tool: self.tool.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            env: self.env.clone(),
            server: self.server.clone(),
            mcp: self.mcp.clone(),
            via: (!self.via.is_empty()).then(|| self.via.clone().into_boxed_slice()),
            args: Args::parse(self.arguments.clone()),
        }
    }
}

/// Line 11 for a call whose review is just being read: it stands in for the person, if they agreed.
pub(crate) fn check(review: &Review, now: Timestamp) -> Result<(), Wait> {
    if review.redemption == Redemption::Read && review.state_at(now) == ReviewState::Approved {
        return Ok(());
    }
    Err(Wait::Deny(Denial::with(DenyCode::ApprovalRejected, Detail::Review(review.id, review.expires_at))))
}
