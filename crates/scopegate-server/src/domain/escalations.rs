//! Escalations: held calls whose yes is taken up by whoever asked reading it.

use std::sync::Arc;

use scopegate_core::{
    Name, Notes, PrincipalRef, Reading, Redemption, ReviewError, ReviewId, ReviewState, Timestamp,
};

use super::runtime;
use super::{Failure, Shown, Slice, Tenant};
use crate::audit::Circumstances;
use crate::auth::Caller;
use crate::store::SessionRow;

/// Where an escalation stands for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Pending,
    Approved,
    Rejected,
    Expired,
}

/// Which escalations are asked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// At which stage; at every one, unless given.
    pub(crate) stage: Option<Stage>,
    /// Of which agent.
    pub(crate) agent: Option<String>,
}

impl Stage {
    pub(crate) fn of(shown: &Shown) -> Self {
        match shown.review.state {
            ReviewState::Pending => Self::Pending,
            // What was agreed to stays so, also once that has been used.
            ReviewState::Approved | ReviewState::Consumed => Self::Approved,
            ReviewState::Rejected => Self::Rejected,
            ReviewState::Expired => Self::Expired,
        }
    }
}

impl Tenant {
    /// Escalations that are not long over, newest first, and how many there are: all of them for people, its own
    /// for an agent.
    pub(crate) fn escalations(&self, caller: &Caller, wanted: &Wanted, slice: Slice) -> (Vec<Shown>, usize) {
        let is_one = |review: &scopegate_core::Review| {
            review.redemption == Redemption::Read
                && wanted.agent.as_deref().is_none_or(|agent| *review.owner == *agent)
        };
        let reviews = self.enforcer.reviews().into_iter().rev().filter(is_one);
        let shown = reviews.map(|review| Shown { asked: self.book.asked(&review), review });
        let at_stage = |shown: &Shown| wanted.stage.is_none_or(|stage| Stage::of(shown) == stage);
        let all: Vec<Shown> = shown.filter(|shown| shown.is_seen_by(caller) && at_stage(shown)).collect();
        let (total, skip) = (all.len(), usize::try_from(slice.skip).unwrap_or(usize::MAX));
        (all.into_iter().skip(skip).take(slice.most).collect(), total)
    }

    /// An escalation, however old. To look at it takes nothing up.
    pub(crate) fn escalation(&self, caller: &Caller, id: ReviewId) -> Result<Shown, Failure> {
        let unknown = || Failure::Unknown("escalation");
        let shown = self.review(caller, id).map_err(|failure| match failure {
            Failure::Unknown(_) => unknown(),
            failure => failure,
        })?;
        Some(shown).filter(|shown| shown.review.redemption == Redemption::Read).ok_or_else(unknown)
    }

    /// Where an escalation stands. Through the key that asked, the first reading of a yes takes it up; what is
    /// read so, and by nobody else, may run.
    pub(crate) async fn read_escalation(
        &self,
        caller: &Caller,
        id: ReviewId,
        now: Timestamp,
    ) -> Result<(Shown, Told), Failure> {
        let shown = self.escalation(caller, id)?;
        let asked_it = shown.asked.as_ref().is_some_and(|asked| asked.key == caller.key);
        if !asked_it {
            return Ok((shown, Told::Onlooker));
        }
        let session = self.reader(&shown, now);
        let review = &shown.review;
        let notes: Notes = Arc::new(Circumstances {
            action: review.action.as_ref().map(ToString::to_string),
            call: shown.asked.as_ref().and_then(|asked| asked.call.clone()),
            key: Some(caller.signed_by().clone()),
            separation_off: caller.is_everything(),
            server: review.server.as_ref().map(ToString::to_string),
            ..Circumstances::default()
        });
        let read = self.enforcer.redeem(id, PrincipalRef::Session(session), Some(&notes)).await;
        let reading = match read {
            Ok(reading) => reading,
            // Nobody holds it any more: it stands as it was kept, and no yes is taken up.
            Err(ReviewError::Unknown) => match review.reading(now) {
                Reading::Approved | Reading::Pending => Reading::Expired,
                reading => reading,
            },
            Err(error) => return Err(Failure::Unavailable(error.to_string())),
        };
        // As it stands since.
        Ok((self.escalation(caller, id)?, Told::Asker(reading)))
    }

    /// The session in which a yes is taken up: the one that asked. Where its time is over, or it was replaced, and
    /// nobody ended it, another one of the same key, agent and role that is kept for the same purpose.
    fn reader(&self, shown: &Shown, now: Timestamp) -> scopegate_core::SessionId {
        let own = shown.review.session;
        let Some(row) = self.book.session(own) else { return own };
        let lives = |row: &SessionRow| row.end.is_none() && now < row.expires_at;
        let was_ended = row.end.as_ref().is_some_and(|end| end.revoked);
        if lives(&row) || was_ended || row.framework == runtime::FRAMEWORK || row.max_calls.is_some() {
            return own;
        }
        let is_like = |other: &SessionRow| {
            let same = |one: &SessionRow| {
                (
                    one.key.clone(),
                    one.owner.clone(),
                    one.role.clone(),
                    one.task_type.clone(),
                    one.framework.clone(),
                )
            };
            lives(other) && other.max_calls.is_none() && same(other) == same(&row)
        };
        let sessions = self.book.sessions();
        sessions
            .iter()
            .filter(|other| is_like(other))
            .max_by_key(|other| other.expires_at)
            .map_or(own, |like| like.id)
    }
}

/// What is told of an escalation, and to whom.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// To whoever asked for the call.
    Asker(Reading),
    /// To somebody else, who may not run it.
    Onlooker,
}

impl Told {
    /// Why a call is denied that a person had agreed to.
    pub(crate) fn code(&self) -> Option<&Name> {
        match self {
            Self::Asker(Reading::Denied(code)) => Some(code),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
