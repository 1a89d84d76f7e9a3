//! The enforcer's face: decided here where that is lent, and asked of the plane where it is not.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use scopegate_core::{
    AccessRequest, Decision, Denial, DenyCode, Detail, EnforceError, Enforcer, Event, Need, Outcome,
    PermitId, PrincipalRef, Quick, Redemption, SessionId, Timestamp, ToolCall,
};

use super::agents::{Agent, Agents};
use super::ask::NoVerdict;
use super::seat::{FAIL_OPEN, LOCAL, Seat};
use super::verdict::Verdict;
use super::{Inner, RemoteEnforcer};
use crate::wire::Token;

#[async_trait]
impl Enforcer for RemoteEnforcer {
    #[inline]
    fn try_enforce(&self, request: &AccessRequest<'_>) -> Quick {
        match self.inner.decide_here(request) {
            // The plane judges arguments, so they have to be read before it is asked.
            Quick::Need(Need::Plane) if request.call.args.is_unread() => Quick::Need(Need::Args),
            quick => quick,
        }
    }

    async fn enforce(&self, request: &AccessRequest<'_>) -> Result<Decision, EnforceError> {
        let inner = &self.inner;
        if let Quick::Decided(decision) = inner.decide_here(request) {
            return Ok(decision);
        }
        if request.grant.is_some() {
            let why = "a plane's sessions name no grants";
            return Err(EnforceError::NoDecision(why.to_owned()));
        }
        let args = &request.call.args;
        if args.is_unread() {
            return Ok(Decision::Deny(Denial::new(DenyCode::InvalidArguments)));
        }
        match (inner.who(request.principal).await?, args.error()) {
            // What cannot be read cannot be sent either.
            (Some(who), Some(error)) => {
                let denial = Denial::with(DenyCode::InvalidArguments, Detail::Arguments(error));
                inner.repeat(&who, request, denial).await
            }
            (Some(who), None) => inner.decide_there(&who, request).await,
            (None, _) => Ok(Decision::Deny(Denial::new(DenyCode::JwtInvalid))),
        }
    }

    fn complete(&self, permit: PermitId, outcome: Outcome) {
        let inner = &self.inner;
        match (permit.number, &inner.open) {
            (FAIL_OPEN.., Some(open)) => open.complete(permit, outcome),
            (LOCAL.., _) => inner.local.complete(permit, outcome),
            _ => {
                let event = match outcome {
                    Outcome::Ok | Outcome::Redacted { failed: false, .. } => Event::Ran,
                    Outcome::Failed | Outcome::Redacted { failed: true, .. } => Event::Failed,
                    _ => Event::Dropped,
                };
                inner.outcome(permit, event);
            }
        }
    }

    async fn visible(&self, principal: PrincipalRef<'_>, tools: &[&str]) -> Result<Vec<bool>, EnforceError> {
        let inner = &self.inner;
        let unknown =
            || EnforceError::NoDecision("the plane does not tell what a session can see".to_owned());
        let seat = inner.who(principal).await?.and_then(|who| who.seat).ok_or_else(unknown)?;
        if !seat.is_lent() && !inner.load(seat.clone()).await {
            return Err(unknown());
        }
        inner.local.visible(seat.principal().as_ref(), tools).await
    }
}

/// Who asks, as the plane knows them.
struct Who {
    token: Token,
    session: SessionId,
    /// What is known of the session, if it was opened here.
    seat: Option<Arc<Seat>>,
    /// Whoever gets a new session when this one has expired.
    agent: Option<Arc<Agent>>,
}

impl Who {
    fn of(seat: Arc<Seat>) -> Self {
        Self { token: seat.token.clone(), session: seat.id, seat: Some(seat), agent: None }
    }

    /// Whether its session was ended.
    fn is_over(&self) -> bool {
        self.seat.as_ref().is_some_and(|seat| seat.is_over())
    }
}

impl Inner {
    /// Decides without the plane where that is lent.
    #[inline]
    fn decide_here(&self, request: &AccessRequest<'_>) -> Quick {
        match request.principal {
            // The plane knows what an agent holds beside its role.
            _ if request.grant.is_some() => Quick::Need(Need::Plane),
            // What servers offer, the plane knows.
            _ if request.call.server.is_some() || request.call.mcp.is_some() => Quick::Need(Need::Plane),
            PrincipalRef::Token(token) if !token.starts_with("sgs_") => self.decide_for_agent(token, request),
            _ => self.local.try_enforce(request),
        }
    }

    fn decide_for_agent(&self, token: &str, request: &AccessRequest<'_>) -> Quick {
        let agent = if Agents::is_agents(token) { self.agents.find(token) } else { None };
        let seat = agent.and_then(|agent| agent.seat(self.clocks.wall())).filter(|seat| seat.is_lent());
        match seat.as_ref().and_then(|seat| seat.local()) {
            Some(principal) => {
                self.local.try_enforce(&AccessRequest { principal: principal.as_ref(), ..*request })
            }
            None => Quick::Need(Need::Plane),
        }
    }

    /// Asks the plane, and sees to it that it need not be asked the next time.
    async fn decide_there(
        self: &Arc<Self>,
        who: &Who,
        request: &AccessRequest<'_>,
    ) -> Result<Decision, EnforceError> {
        let call = request.call;
        if request.redemption == Redemption::Read {
            let why = "a call whose yes is read is asked of the plane itself";
            return Err(EnforceError::NoDecision(why.to_owned()));
        }
        if let Some(denial) = self.standing_denial(who, call) {
            return self.repeat(who, request, denial).await;
        }
        let asked = self.ask(who.token.reveal(), who.session, call).await;
        if let (Some(agent), true, false) = (&who.agent, is_expired(&asked), who.is_over()) {
            // Also when no other can be opened.
            who.seat.iter().for_each(|seat| seat.take_back());
            let again = Who::of(self.reopen(agent).await?);
            let asked = self.ask(again.token.reveal(), again.session, call).await;
            // The plane has answered once, so nothing opens by itself.
            return self.heard(&again, call, asked.map_err(NoVerdict::into_error)?);
        }
        let none = match asked {
            Ok(verdict) => return self.heard(who, call, verdict),
            Err(none) => none,
        };
        who.seat.iter().for_each(|seat| self.prepare(seat));
        match (none, &self.open, &who.seat) {
            (NoVerdict::Unreachable(error), Some(open), Some(seat)) => {
                open.decide(seat, call).await.ok_or(error)
            }
            (none, ..) => Err(none.into_error()),
        }
    }

    /// A verdict came: what it means here, and for later.
    fn heard(
        self: &Arc<Self>,
        who: &Who,
        call: &ToolCall,
        verdict: Verdict,
    ) -> Result<Decision, EnforceError> {
        let decision = self.learn(who, call, verdict);
        who.seat.iter().for_each(|seat| self.prepare(seat));
        if !who.is_over() {
            return Ok(decision);
        }
        // Somebody ended it, perhaps just now. What is expired would be opened anew.
        if let Decision::Permit(permit) = &decision {
            self.outcome(permit.id, Event::Dropped);
        }
        Ok(Decision::Deny(Denial::new(DenyCode::SessionRevoked)))
    }

    /// Has what is missing for deciding here loaded meanwhile.
    fn prepare(self: &Arc<Self>, seat: &Arc<Seat>) {
        if !self.is_native() || seat.is_over() {
            return;
        }
        if !seat.is_lent() {
            let (inner, seat) = (self.clone(), seat.clone());
            tokio::spawn(async move {
                if inner.load(seat.clone()).await && seat.wants_rate() {
                    inner.load_rate(&seat).await;
                }
            });
        } else if seat.wants_rate() {
            let (inner, seat) = (self.clone(), seat.clone());
            tokio::spawn(async move { inner.load_rate(&seat).await });
        }
    }

    /// What a verdict says beyond this call.
    fn learn(&self, who: &Who, call: &ToolCall, verdict: Verdict) -> Decision {
        let Verdict { decision, until } = verdict;
        if let Some(seat) = &who.seat {
            match &decision {
                Decision::Permit(_) => {}
                Decision::Hold(_) => seat.said.refuse(&call.tool, self.clocks.monotonic()),
                Decision::Deny(denial) => self.learn_denial(seat, call, denial, until),
            }
        }
        if let (Some(answers), false) = (&self.answers, self.is_native()) {
            answers.keep(who.token.reveal(), call, &decision);
        }
        decision
    }

    fn learn_denial(&self, seat: &Seat, call: &ToolCall, denial: &Denial, until: Option<Timestamp>) {
        use DenyCode::{
            AgentSuspended, JwtExpired, JwtInvalid, RateLimitExceeded, SessionExpired, SessionRevoked,
            SessionTerminated,
        };
        match (denial.code, until) {
            (RateLimitExceeded, Some(until)) => {
                // It says nothing of what may be called, and how long it stands.
                return seat.said.deny(call.tool.clone(), denial.clone(), until);
            }
            (SessionRevoked, _) => seat.end(),
            // About the session itself. Only the plane can lend it again.
            (AgentSuspended | JwtExpired | JwtInvalid | SessionExpired | SessionTerminated, _) => {
                seat.take_back()
            }
            _ => {}
        }
        seat.said.refuse(&call.tool, self.clocks.monotonic());
    }

    /// What became of a call that the plane permitted.
    fn outcome(&self, permit: PermitId, event: Event) {
        // A plane that names no permits takes no outcomes.
        if permit.number != 0 {
            self.journal.outcome(permit, event, self.clocks.wall());
        }
    }

    /// A denial that still stands: asking again would not change it.
    fn standing_denial(&self, who: &Who, call: &ToolCall) -> Option<Denial> {
        let limited = who.seat.as_ref().and_then(|seat| seat.said.denied(&call.tool, self.clocks.wall()));
        limited.or_else(|| self.answers.as_ref()?.find(who.token.reveal(), call))
    }

    /// Denies here, and records it where that is lent.
    async fn repeat(
        &self,
        who: &Who,
        request: &AccessRequest<'_>,
        denial: Denial,
    ) -> Result<Decision, EnforceError> {
        match who.seat.as_ref().and_then(|seat| seat.local()) {
            Some(principal) => {
                let request = AccessRequest { principal: principal.as_ref(), ..*request };
                let recorded = self.local.refuse(&request, denial.clone());
                // A denial needs no record. Nobody waits for one while the journal is full.
                tokio::time::timeout(self.patience, recorded).await.unwrap_or(Ok(Decision::Deny(denial)))
            }
            None => Ok(Decision::Deny(denial)),
        }
    }

    /// Who a principal is; `None` when nobody is.
    async fn who(self: &Arc<Self>, principal: PrincipalRef<'_>) -> Result<Option<Who>, EnforceError> {
        let agent = match principal {
            PrincipalRef::Token(token) if Agents::is_agents(token) => match self.agents.find(token) {
                Some(agent) => Some(agent),
                None => return Ok(None),
            },
            _ => None,
        };
        let seat = match &agent {
            Some(agent) => Some(self.seat_of(agent).await?),
            None => self.session_of(principal).and_then(|id| self.seats.find(id)),
        };
        Ok(match (seat, principal) {
            (Some(seat), _) => Some(Who { agent, ..Who::of(seat) }),
            // A token that this process did not make is the plane's to know.
            (None, PrincipalRef::Token(token)) if !token.starts_with("sgs_") => Some(Who {
                token: Token::new(token),
                session: SessionId::from_bits(0),
                seat: None,
                agent: None,
            }),
            _ => None,
        })
    }

    /// The session of a principal that was opened here.
    pub(super) fn session_of(&self, principal: PrincipalRef<'_>) -> Option<SessionId> {
        match principal {
            PrincipalRef::Session(id) => Some(id),
            PrincipalRef::Token(token) if Agents::is_agents(token) => {
                let seat = self.agents.find(token)?.seat(self.clocks.wall())?;
                Some(seat.id)
            }
            // What is not lent is presented as the plane knows it.
            PrincipalRef::Token(token) if !token.starts_with("sgs_") => self.seats.holder(token),
            principal => self.local.identify(principal),
        }
    }

    pub(super) fn is_native(&self) -> bool {
        self.native.load(Ordering::Acquire)
    }
}

fn is_expired(asked: &Result<Verdict, NoVerdict>) -> bool {
    matches!(asked, Ok(Verdict { decision: Decision::Deny(denial), .. }) if denial.code == DenyCode::JwtExpired)
}
