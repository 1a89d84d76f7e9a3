//! A session that is opened when it is first needed, and anew when its time is over.

use crate::denial::DenyCode;
use crate::enforcer::Provisioned;
use crate::id::SessionId;
use crate::request::Principal;

/// Where a session stands that an adapter opens by itself. A value: whoever holds it has the lock,
/// and does what it says.
///
/// A session that was revoked, or whose owner was suspended, is never replaced: somebody wanted
/// that agent to stop.
#[derive(Debug, Default)]
pub struct LazySession(State);

#[derive(Debug, Default)]
enum State {
    #[default]
    Unopened,
    Open(Provisioned),
    /// Stays what it is, whatever becomes of it.
    Last(Provisioned),
    Closed(Option<Principal>),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every step must be taken")]
pub enum Step {
    /// Ask the gate as this principal.
    Ask(Principal),
    /// Open a session, and say so with [`LazySession::opened`].
    Open,
    /// Do not ask: what was said is final, or nothing was ever opened and nothing will be.
    Stop,
}

impl LazySession {
    /// Before a call.
    pub fn next(&self) -> Step {
        match &self.0 {
            State::Unopened => Step::Open,
            State::Open(session) | State::Last(session) => Step::Ask(session.principal.clone()),
            State::Closed(Some(principal)) => Step::Ask(principal.clone()),
            State::Closed(None) => Step::Stop,
        }
    }

    /// The session that was asked for is open.
    pub fn opened(&mut self, session: Provisioned) {
        self.0 = State::Open(session);
    }

    /// After a call of `asked` was denied: whether it may ask once more, and as whom.
    pub fn denied(&mut self, asked: &Principal, code: DenyCode) -> Step {
        match (code, std::mem::take(&mut self.0)) {
            (DenyCode::JwtExpired | DenyCode::SessionExpired, State::Open(session)) => {
                if session.principal == *asked {
                    return Step::Open;
                }
                // Another call was faster.
                let anew = Step::Ask(session.principal.clone());
                self.0 = State::Open(session);
                anew
            }
            (DenyCode::JwtExpired | DenyCode::SessionExpired, State::Unopened) => Step::Open,
            (DenyCode::SessionRevoked | DenyCode::AgentSuspended, State::Open(session)) => {
                self.0 = State::Last(session);
                Step::Stop
            }
            (_, state) => {
                self.0 = state;
                Step::Stop
            }
        }
    }

    /// Opens nothing any more; the session to end, if one is open.
    pub fn close(&mut self) -> Option<SessionId> {
        match std::mem::take(&mut self.0) {
            State::Open(session) | State::Last(session) => {
                self.0 = State::Closed(Some(session.principal));
                Some(session.session)
            }
            State::Unopened => {
                self.0 = State::Closed(None);
                None
            }
            closed @ State::Closed(_) => {
                self.0 = closed;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enforcer::SessionHandle;
    use crate::time::Timestamp;

    fn session(bits: u128) -> Provisioned {
        let session = SessionId::from_bits(bits);
        let (principal, expires_at) = (Principal::Session(session), Timestamp::default());
        Provisioned { session, principal, expires_at, handle: SessionHandle::default() }
    }

    fn open(bits: u128) -> LazySession {
        let mut lazy = LazySession::default();
        assert_eq!(lazy.next(), Step::Open);
        lazy.opened(session(bits));
        lazy
    }

    #[test]
    fn an_expired_session_is_opened_anew_and_only_once() {
        for code in [DenyCode::JwtExpired, DenyCode::SessionExpired] {
            let (mut lazy, first) = (open(1), session(1).principal);
            assert_eq!(lazy.denied(&first, code), Step::Open);
            lazy.opened(session(2));
            // A call that was denied meanwhile takes the session that is open by now.
            let second = session(2).principal;
            assert_eq!(lazy.denied(&first, code), Step::Ask(second.clone()));
            assert_eq!(lazy.next(), Step::Ask(second));
        }
    }

    #[test]
    fn whoever_was_stopped_stays_stopped() {
        for code in [DenyCode::SessionRevoked, DenyCode::AgentSuspended] {
            let (mut lazy, first) = (open(1), session(1).principal);
            assert_eq!(lazy.denied(&first, code), Step::Stop);
            assert_eq!(lazy.denied(&first, DenyCode::JwtExpired), Step::Stop);
            assert_eq!(lazy.next(), Step::Ask(first));
        }
    }

    #[test]
    fn no_other_denial_opens_a_session() {
        for code in DenyCode::ALL {
            if matches!(code, DenyCode::JwtExpired | DenyCode::SessionExpired) {
                continue;
            }
            assert_eq!(open(1).denied(&session(1).principal, *code), Step::Stop, "{code}");
        }
    }

    #[test]
    fn a_closed_session_is_ended_once_and_never_opened() {
        let mut lazy = open(1);
        assert_eq!(lazy.close(), Some(session(1).session));
        assert_eq!(lazy.close(), None);
        assert_eq!(lazy.next(), Step::Ask(session(1).principal));
        assert_eq!(lazy.denied(&session(1).principal, DenyCode::JwtExpired), Step::Stop);
        let mut unopened = LazySession::default();
        assert_eq!(unopened.close(), None);
        assert_eq!(unopened.next(), Step::Stop);
    }
}
