//! Rate that is spent in advance, for calls that somebody else decides.

use scopegate_core::{Advance, EnforceError, PrincipalRef, SessionId, Timestamp};

use super::books::{Books, Pair};
use super::enforce::Stop;
use super::{Inner, LocalEnforcer};
use crate::session::Session;
use crate::state::{NoRoom, Position, StateChange};

impl LocalEnforcer {
    /// Counts calls of a session before they are made, on every account that could count them, and says
    /// how many; 0 where nothing is lent: the session is unknown, over, a sub-agent's or has a budget, its role has no
    /// limit or too small a one, or there is no room. What is counted stays counted, whether or not the
    /// calls are ever made.
    ///
    /// # Errors
    /// [`EnforceError`] when it cannot be kept.
    pub async fn advance(&self, session: SessionId, advance: Advance) -> Result<u64, EnforceError> {
        loop {
            match self.inner.try_advance(session, advance) {
                Ok((0, _)) => return Ok(0),
                Ok((calls, position)) => {
                    let kept = match self.inner.journal.state() {
                        Some(log) if log.is_durable() => log.kept(position).await,
                        _ => true,
                    };
                    let lost = || EnforceError::NoDecision("the change cannot be kept".to_owned());
                    return kept.then_some(calls).ok_or_else(lost);
                }
                Err(Stop::Room) => self.inner.journal.room().await,
                // The policy changed meanwhile: the new one counts.
                Err(_) => {}
            }
        }
    }
}

impl Inner {
    fn try_advance(&self, id: SessionId, advance: Advance) -> Result<(u64, Position), Stop> {
        let guard = self.read();
        let (now, snapshot) = (self.now(), self.policy.load(&guard));
        let place = self.sessions.find(PrincipalRef::Session(id), &guard);
        let alive = place.filter(|place| place.session.is_plain() && place.session.is_alive(now));
        let Some((place, scope)) = alive.and_then(|place| Some((place, snapshot.scope(place.session.slot)?)))
        else {
            return Ok((0, 0));
        };
        let mut books = Pair::lock(place, &place.link(snapshot))?;
        let spends = advance.spend(scope, books.meters().as_ref(), now);
        let Some((calls, spends)) = spends else { return Ok((0, 0)) };
        let log = self.journal.state();
        match log.map_or(Ok(()), |log| log.reserve(false)) {
            Ok(()) => {}
            Err(NoRoom::Full) => return Err(Stop::Room),
            Err(NoRoom::Failed) => return Ok((0, 0)),
        }
        books.write(&spends);
        let written = || books.named(&spends, &place.session, snapshot).into_vec().into();
        Ok((calls, log.map_or(0, |log| log.append(StateChange::Advanced(written())))))
    }
}

impl Session {
    fn is_alive(&self, now: Timestamp) -> bool {
        !self.is_revoked() && !self.is_suspended() && now < self.expires_at
    }
}
