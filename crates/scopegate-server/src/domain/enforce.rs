//! May this call be made, now?

use std::sync::Arc;

use scopegate_core::json::JsonError;
use scopegate_core::{
    AccessRequest, CallDigest, Decision, Denial, DenyCode, Enforcer, Name, Notes, Principal, SessionId,
    Timestamp, ToolCall, TrustUse,
};

use super::actions::hostile;
use super::{Failure, Tenant};
use crate::audit::Circumstances;
use crate::auth::Caller;
use crate::store::SessionRow;
use crate::token::Presented;

/// Most sessions that are looked at above one: chains are short, and a ring would be damage.
const MAX_CHAIN: usize = 64;

/// A call, as it came.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) call: ToolCall,
    /// What the caller calls it.
    pub(crate) call_id: String,
    /// What was hostile about it. Such a call is denied, whatever the policy says.
    pub(crate) hostile: Option<JsonError>,
    /// Names the question, so that it can be asked again when its answer was lost.
    pub(crate) nonce: Option<String>,
}

impl Tenant {
    /// Decides, and records it. `presented` is what the question's token came to.
    pub(crate) async fn enforce(
        &self,
        caller: &Caller,
        presented: Presented,
        question: &Question,
        now: Timestamp,
    ) -> Result<Decision, Failure> {
        let call = &question.call;
        let notes: Notes = Arc::new(Circumstances {
            action: call.action.as_ref().map(ToString::to_string),
            call: Some(question.call_id.clone()).filter(|id| !id.is_empty()),
            key: Some(caller.signed_by().clone()),
            separation_off: caller.is_everything(),
            server: call.server.as_ref().map(ToString::to_string),
            ..Circumstances::default()
        });
        let (session, denial) = match self.identify(caller, presented) {
            Ok(session) => (session, question.hostile.map(hostile)),
            // Of a body that cannot be read at all nobody can tell who asked.
            Err((session, DenyCode::JwtInvalid)) if question.hostile.is_some() => {
                (session, question.hostile.map(hostile))
            }
            Err((session, code)) => (session, Some(Denial::new(code))),
        };
        let principal = Principal::Session(session);
        let trust = self.trust_use(session);
        let request = AccessRequest::new(principal.as_ref(), call).with_notes(&notes).with_trust(trust);
        let decide = async {
            let decision = match denial {
                Some(denial) => self.enforcer.refuse(&request, denial).await,
                None => self.enforcer.enforce(&request).await,
            };
            decision.map_err(|error| Failure::Unavailable(error.to_string()))
        };
        let Some(nonce) = question.nonce.as_deref() else { return decide.await };
        match CallDigest::of(session, &caller.owner, &Name::default(), call) {
            // An answer of before is no answer any more once the session is over.
            Some(digest) if self.is_alive(session, now) => {
                self.nonces.once(session, nonce, digest, now, decide).await
            }
            // What has no digest is denied, and may as well be denied twice.
            _ => decide.await,
        }
    }

    /// Trust in agents is always counted.
    fn trust_use(&self, session: SessionId) -> TrustUse {
        let row = self.book.session(session);
        let is_agent = row.is_some_and(|row| self.book.agents().knows(&row.owner));
        if is_agent { TrustUse::Counted } else { TrustUse::WhereRead }
    }

    fn is_alive(&self, session: SessionId, now: Timestamp) -> bool {
        let view = self.enforcer.session(session);
        view.is_some_and(|view| !view.revoked && !view.suspended && now < view.expires_at)
    }

    /// The session that asks, or why there is none.
    fn identify(&self, caller: &Caller, presented: Presented) -> Result<SessionId, (SessionId, DenyCode)> {
        const NOBODY: SessionId = SessionId::from_bits(0);
        let (id, expired) = match presented {
            Presented::Nothing => return Err((NOBODY, DenyCode::JwtInvalid)),
            Presented::Session { tenant, .. } if tenant != self.id => {
                return Err((NOBODY, DenyCode::JwtInvalid));
            }
            Presented::Session { session, expired, .. } => (session, expired),
        };
        match self.book.session(id) {
            // A token is good only beside the key it was given to.
            Some(session) if session.key != caller.key => Err((NOBODY, DenyCode::JwtInvalid)),
            Some(_) if self.enforcer.session(id).is_some() => Ok(id),
            _ => Err((id, self.long_over(id, expired))),
        }
    }

    /// What became of a session that nobody remembers. One that was revoked is never called
    /// expired: clients would provision a new one and go on.
    fn long_over(&self, id: SessionId, expired: bool) -> DenyCode {
        match self.archive.session(&self.id, id) {
            Ok(Some(row)) if self.was_revoked(&row) => DenyCode::SessionRevoked,
            Ok(Some(_)) if expired => DenyCode::JwtExpired,
            Ok(Some(_)) => DenyCode::SessionExpired,
            Ok(None) | Err(_) => DenyCode::JwtInvalid,
        }
    }

    /// Whether a session was revoked, or one that it was opened for: its end was theirs too.
    fn was_revoked(&self, session: &SessionRow) -> bool {
        let revoked = |row: &SessionRow| row.end.as_ref().is_some_and(|end| end.revoked);
        // A parent that cannot be read, or is forgotten, cannot speak for its child.
        let parent = |row: &SessionRow| self.archive.session(&self.id, row.parent?).ok().flatten();
        std::iter::successors(parent(session), parent).take(MAX_CHAIN).any(|row| revoked(&row))
            || revoked(session)
    }
}
