//! Actions of agents: an action is asked for by an agent's id instead of a session's token. The plane keeps
//! the sessions that they are judged in.

mod custody;
mod effective;
mod run;
mod seat;
mod told;

use std::sync::Arc;

use futures_util::future::join_all;
use scopegate_core::json::JsonError;
use scopegate_core::{
    AccessRequest, Decision, DecisionRecord, Denial, DenyCode, Detail, Enforcer, GrantId, Name, Notes,
    PrincipalRef, Redemption, SessionId, Timestamp, ToolCall, Trust, TrustMove, TrustUse,
};

pub(crate) use self::custody::Custody;
pub(super) use self::effective::Laid;
use self::seat::Seat;
pub(super) use self::seat::Standing;
pub(super) use self::told::Told;
use super::{Failure, Tenant};
use crate::audit::Circumstances;
use crate::auth::Caller;

/// An action, as it came.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) call: ToolCall,
    /// The agent that the caller named.
    pub(crate) agent: Option<String>,
    /// What was hostile about it, or cannot be. Such an action is denied, whatever the policy says.
    pub(crate) refused: Option<Denial>,
    pub(crate) asked: AskedAs,
    pub(crate) custody: Custody,
    /// The agent that a message is for.
    pub(crate) to: Option<Name>,
    /// The session that the caller says it is in, by the caller's own id of it.
    pub(crate) session: Option<String>,
    /// The grant that the caller wants it judged under.
    pub(crate) grant: Option<GrantId>,
}

/// How an action came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedAs {
    /// By itself.
    Intercept,
    /// To see whether the plane is there. Moves no trust.
    Preflight,
    /// Among others.
    Batch,
    /// Among others, to be written down: it was done already. Moves no trust.
    Telemetry,
    /// From one agent to another.
    Message,
}

/// What an action came to.
#[derive(Debug)]
pub(crate) struct Acted {
    pub(crate) decision: Decision,
    /// What was written down of it; `None` when nothing could be.
    pub(crate) record: Option<DecisionRecord>,
    pub(crate) about: Circumstances,
    /// The agent it was judged for, if that is one.
    pub(crate) agent: Option<Name>,
    /// The names of the roles that it was judged by.
    pub(crate) roles: Vec<Name>,
    pub(crate) trust: TrustMove,
}

impl Tenant {
    /// Decides on an action, and records it.
    pub(crate) async fn act(
        &self,
        caller: &Caller,
        action: Action,
        now: Timestamp,
    ) -> Result<Acted, Failure> {
        let seat = self.place(caller, &action, now).await?;
        self.judge(caller, seat, action).await
    }

    /// Decides on actions in their order, each by itself, and waits for all of their records at once.
    pub(crate) async fn act_all(
        &self,
        caller: &Caller,
        actions: Vec<Action>,
        now: Timestamp,
    ) -> Vec<Result<Acted, Failure>> {
        let mut judged = Vec::with_capacity(actions.len());
        for action in actions {
            let seat = self.place(caller, &action, now).await;
            judged.push(async move { self.judge(caller, seat?, action).await });
        }
        // Each is decided when it is first polled, which is in this order; what they wait for then is the disk.
        join_all(judged).await
    }

    /// Where an action is judged: in the run that it names, or else where its agent stands.
    async fn place(&self, caller: &Caller, action: &Action, now: Timestamp) -> Result<Seat, Failure> {
        let seat = self.seat(caller, action.agent.as_deref(), now).await?;
        Ok(match &action.session {
            Some(session) => self.within_run(caller, seat, session, now),
            None => seat,
        })
    }

    async fn judge(&self, caller: &Caller, seat: Seat, mut action: Action) -> Result<Acted, Failure> {
        action.call.via = self.hands(&action.custody);
        let denial = seat.denial.or_else(|| action.refused.take());
        let trust = match action.asked {
            AskedAs::Preflight | AskedAs::Telemetry => TrustUse::Still,
            _ if seat.is_borrowed => TrustUse::Still,
            _ => TrustUse::Counted,
        };
        let told = Arc::new(Told::new(Circumstances {
            action: action.call.action.as_ref().map(ToString::to_string),
            asked: Some(action.asked.word()),
            chain: action.custody.chain.clone(),
            claimed: seat.claimed,
            key: Some(caller.signed_by().clone()),
            parent: action.custody.parent.map(|id| id.to_string()),
            policies: self.matching(seat.session, &action),
            roles: (seat.roles.len() > 1).then(|| seat.roles.join(", ")),
            separation_off: caller.is_everything(),
            to: action.to.clone(),
            ..Circumstances::default()
        }));
        let notes: Notes = told.clone();
        let principal = PrincipalRef::Session(seat.session);
        let request = AccessRequest::new(principal, &action.call).with_notes(&notes).with_trust(trust);
        // Clients of this kind proceed on the status of an escalation, and do not ask again.
        let request = request.redeemed_by(Redemption::Read).under(action.grant);
        let decision = match denial {
            Some(denial) => self.enforcer.refuse(&request, denial).await,
            None => self.enforcer.enforce(&request).await,
        };
        let decision = decision.map_err(|error| Failure::Unavailable(error.to_string()))?;
        if let (Decision::Deny(_), Some(place)) = (&decision, told.placed()) {
            // Its id is told, so it has to be found; that it is denied does not depend on it.
            let _ = self.writer.kept(place).await;
        }
        let (record, about) = told.written();
        let moved = record.as_ref().and_then(|record| record.trust);
        let still = || TrustMove { was: self.trust(&seat.owner), is: self.trust(&seat.owner) };
        let trust = moved.unwrap_or_else(still);
        Ok(Acted { decision, record, about, agent: seat.agent, roles: seat.roles, trust })
    }

    /// The policies that match an action as it comes.
    fn matching(&self, session: SessionId, action: &Action) -> Option<String> {
        if action.refused.is_some() || !self.book.policies().is_asked() {
            return None;
        }
        let request = AccessRequest::new(PrincipalRef::Session(session), &action.call);
        let matched = self.enforcer.policies_matching(&request).into_iter();
        let told = matched.map(|(id, decision)| format!("{} {id}", decision.as_str()));
        Some(told.collect::<Vec<_>>().join(", ")).filter(|told| !told.is_empty())
    }

    /// How far an owner is trusted now.
    pub(crate) fn trust(&self, owner: &str) -> Trust {
        self.enforcer.trust(owner)
    }
}

impl AskedAs {
    /// As it stands in records.
    fn word(self) -> Name {
        Name::new_static(match self {
            Self::Intercept => "intercept",
            Self::Preflight => "preflight",
            Self::Batch => "batch",
            Self::Telemetry => "telemetry",
            Self::Message => "message",
        })
    }
}

/// A denial in words of its own.
pub(crate) fn rule(code: DenyCode, why: String) -> Denial {
    Denial::with(code, Detail::Rule(why.into()))
}

/// The denial of what the strict reader refuses.
pub(crate) fn hostile(error: JsonError) -> Denial {
    Denial::with(DenyCode::InvalidArguments, Detail::Arguments(error))
}
