//! Actions within a run: in the run's own session, and only while that stands in the agent's roles.

use scopegate_core::{Denial, DenyCode, SessionId, Timestamp};

use super::super::runtime::{Run, State};
use super::super::{Failure, Tenant};
use super::rule;
use super::seat::Seat;
use crate::auth::Caller;
use crate::store::SessionRow;

impl Tenant {
    /// The seat of an action that names a run; whatever is wrong with the run denies it.
    pub(super) fn within_run(&self, caller: &Caller, seat: Seat, named: &str, now: Timestamp) -> Seat {
        match self.run_of(caller, &seat, named, now) {
            Ok(session) => Seat { session, ..seat },
            // Recorded where the agent stands: a session that is over has its own reason first.
            Err(denial) => Seat { denial: seat.denial.or(Some(denial)), ..seat },
        }
    }

    fn run_of(&self, caller: &Caller, seat: &Seat, named: &str, now: Timestamp) -> Result<SessionId, Denial> {
        let unknown =
            || rule(DenyCode::ScopeViolation, "the session that the action names is not known".to_owned());
        let id = SessionId::parse(named).ok_or_else(unknown)?;
        let Run { session, state, .. } = self.run(caller, id, now).map_err(|_| unknown())?;
        if session.owner != seat.owner {
            return Err(unknown());
        }
        let over = |why: &str| Err(rule(DenyCode::SessionTerminated, format!("the session {why}")));
        match state {
            State::Ended => over("was ended"),
            State::Killed(why) => over(&format!("was stopped: {why}")),
            State::Expired => over("is past its time"),
            _ if !self.stands_like(&session, seat.session) => over("was begun in other roles: begin another"),
            // One that has made all its actions is denied in its own name.
            State::Active | State::Exhausted => Ok(session.id),
        }
    }

    /// Whether a run is in the roles of a standing session, and under the same permissions.
    fn stands_like(&self, run: &SessionRow, standing: SessionId) -> bool {
        let standing = self.book.session(standing);
        standing.is_some_and(|standing| standing.role == run.role && standing.parent == run.parent)
    }

    /// The standing session of an agent, which a run is begun beside.
    pub(in crate::domain) async fn stand_for(
        &self,
        caller: &Caller,
        named: Option<&str>,
        now: Timestamp,
    ) -> Result<SessionId, Failure> {
        let seat = self.seat(caller, named, now).await?;
        match seat.denial {
            None => Ok(seat.session),
            Some(denial) if denial.code == DenyCode::AgentSuspended => {
                Err(Failure::Forbidden(denial.to_string()))
            }
            Some(denial) => Err(Failure::Conflict(denial.to_string())),
        }
    }
}
