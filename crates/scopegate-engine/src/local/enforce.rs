//! The enforcer's face: attempts at a decision, and what they wait for.

use std::cell::Cell;

use async_trait::async_trait;
use scopegate_core::{
    AccessRequest, Decision, Denial, DenyCode, EnforceError, Enforcer, Event, Name, Need, Outcome, PermitId,
    PrincipalRef, Quick, Scope, SessionId, Timestamp, Trust, TrustUse,
};

use super::step::{Answer, Fetched, Step};
use super::{Inner, LocalEnforcer};
use crate::lent::Lender;
use crate::records::{Entry, Ticket};
use crate::state::More;

impl LocalEnforcer {
    /// Denies a call for a reason that lies outside the policy, and records it. Whatever denies the
    /// session itself comes first.
    ///
    /// # Errors
    /// [`EnforceError`] as for `enforce`.
    pub async fn refuse(
        &self,
        request: &AccessRequest<'_>,
        denial: Denial,
    ) -> Result<Decision, EnforceError> {
        loop {
            match self.inner.attempt_refusal(request, &denial) {
                Ok(answer) => return Ok(answer.decision),
                Err(_) => self.inner.journal.room().await,
            }
        }
    }
}

#[async_trait]
impl Enforcer for LocalEnforcer {
    fn try_enforce(&self, request: &AccessRequest<'_>) -> Quick {
        match self.inner.attempt(request, Patience::None, None) {
            Ok(answer) => Quick::Decided(answer.decision),
            Err(Stop::Args) => Quick::Need(Need::Args),
            Err(Stop::Plane | Stop::Secret(_) | Stop::Wait | Stop::Room | Stop::Stale) => {
                Quick::Need(Need::Plane)
            }
        }
    }

    async fn enforce(&self, request: &AccessRequest<'_>) -> Result<Decision, EnforceError> {
        let mut secret = None;
        loop {
            match self.inner.attempt(request, Patience::Disk, secret.as_ref()) {
                Ok(answer) => return Ok(self.inner.kept(answer).await),
                Err(Stop::Args) => return Ok(Decision::Deny(Denial::new(DenyCode::InvalidArguments))),
                Err(Stop::Plane) => {
                    let why = "the session is lent, and its lender was not asked";
                    return Err(EnforceError::NoDecision(why.to_owned()));
                }
                // Fetched while nothing is locked: a source may be slow.
                Err(Stop::Secret(name)) => secret = Some((self.inner.credentials.find(&name), name)),
                Err(Stop::Stale) => {}
                Err(Stop::Wait | Stop::Room) => self.inner.journal.room().await,
            }
        }
    }

    fn complete(&self, permit: PermitId, outcome: Outcome) {
        let (event, redacted) = match outcome {
            Outcome::Ok => (Event::Ran, 0),
            Outcome::Failed => (Event::Failed, 0),
            Outcome::Redacted { failed: false, parts } => (Event::Ran, parts),
            Outcome::Redacted { failed: true, parts } => (Event::Failed, parts),
            _ => (Event::Dropped, 0),
        };
        let entry = Entry { redacted, ..Entry::bare(permit, self.inner.now(), event) };
        self.inner.journal.outcome(entry);
    }

    fn wants_outcomes(&self) -> bool {
        self.inner.journal.keeps()
    }

    async fn visible(&self, principal: PrincipalRef<'_>, tools: &[&str]) -> Result<Vec<bool>, EnforceError> {
        Ok(self.could_permit(principal, None, tools))
    }

    async fn visible_at(
        &self,
        principal: PrincipalRef<'_>,
        server: &str,
        tools: &[&str],
    ) -> Result<Vec<bool>, EnforceError> {
        Ok(self.could_permit(principal, Some(server), tools))
    }
}

impl LocalEnforcer {
    /// Which of these tools, at this MCP server or at none, every scope in force could permit.
    fn could_permit(&self, principal: PrincipalRef<'_>, server: Option<&str>, tools: &[&str]) -> Vec<bool> {
        let guard = self.inner.read();
        let snapshot = self.inner.policy.load(&guard);
        let place = self.inner.sessions.find(principal, &guard);
        let scopes: Option<Vec<_>> =
            place.map(|place| place.session.chain().map(|s| snapshot.scope(s.slot)).collect());
        let could = |tool: &&str| match &scopes {
            Some(scopes) => {
                let permits = |scope: &Scope| scope.could_permit(&snapshot.tools, tool, server);
                scopes.iter().all(|scope| scope.is_some_and(permits))
                    && snapshot.policies.as_deref().is_none_or(|policies| policies.could_permit(tool))
            }
            None => false,
        };
        tools.iter().map(could).collect()
    }
}

/// Decides while the session is lent, and gives back what was taken for a permit that there is not.
// Apart from the path of every other session, which is then one straight piece.
#[inline(never)]
fn lent(lender: &dyn Lender, step: &Step<'_>) -> Result<Answer, Stop> {
    let Some(loan) = lender.lend() else { return Err(Stop::Plane) };
    let answer = step.take();
    if !matches!(&answer, Ok(Answer { decision: Decision::Permit(_), .. })) {
        lender.unspent(loan);
    }
    answer
}

impl Step<'_> {
    #[inline(always)]
    fn answer(&self) -> Result<Answer, Stop> {
        match self.place.session.lender() {
            None => self.take(),
            Some(lender) => lent(lender, self),
        }
    }

    /// The same where trust is read or counts: it stays as it is until the decision stands.
    #[inline(never)]
    fn trusted(&self, decide: impl FnOnce(&Step<'_>) -> Result<Answer, Stop>) -> Result<Answer, Stop> {
        let decide = |trust: &Cell<Trust>| decide(&Step { trust: Some(trust), ..*self });
        self.inner.trust.with(self.place.session.owner(), decide)
    }

    /// Whether trust is read, or moved, by this decision.
    #[inline(always)]
    fn counts_trust(&self) -> bool {
        self.request.trust != TrustUse::WhereRead || self.snapshot.reads_trust
    }
}

/// What a decision may wait for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Patience {
    None,
    Disk,
}

/// Why there is no decision yet. Nothing was spent, opened or recorded.
pub(super) enum Stop {
    Args,
    /// Whoever lent the session decides.
    Plane,
    /// This secret has to be fetched.
    Secret(Name),
    /// The record has to be on disk first.
    Wait,
    /// The record queue is full.
    Room,
    /// The policy changed meanwhile: the new one decides.
    Stale,
}

impl Inner {
    #[inline(always)]
    fn attempt(
        &self,
        request: &AccessRequest<'_>,
        patience: Patience,
        secret: Option<&Fetched>,
    ) -> Result<Answer, Stop> {
        let guard = self.read();
        let (now, snapshot) = (self.now(), self.policy.load(&guard));
        match self.sessions.find(request.principal, &guard) {
            Some(place) => {
                let step = Step { inner: self, snapshot, place, request, now, patience, secret, trust: None };
                if step.counts_trust() { step.trusted(|step| step.answer()) } else { step.answer() }
            }
            None => self.deny_unknown(request, Denial::new(DenyCode::JwtInvalid), now),
        }
    }

    fn attempt_refusal(&self, request: &AccessRequest<'_>, denial: &Denial) -> Result<Answer, Stop> {
        let guard = self.read();
        let (now, snapshot) = (self.now(), self.policy.load(&guard));
        match self.sessions.find(request.principal, &guard) {
            Some(place) => {
                let patience = Patience::None;
                let step =
                    Step { inner: self, snapshot, place, request, now, patience, secret: None, trust: None };
                match step.counts_trust() {
                    true => step.trusted(|step| step.refuse(denial)),
                    false => step.refuse(denial),
                }
            }
            // Whoever refuses may know more than we do: that a session is long over.
            None => self.deny_unknown(request, denial.clone(), now),
        }
    }

    /// Line 1: nobody we know. Recorded under the empty session.
    fn deny_unknown(
        &self,
        request: &AccessRequest<'_>,
        denial: Denial,
        now: Timestamp,
    ) -> Result<Answer, Stop> {
        let id = PermitId { session: SessionId::from_bits(0), number: 0 };
        let place = match self.journal.place(id.session, true) {
            Ok(place) => place,
            // A flood of forged tokens must not fill the record; the denial itself needs none.
            Err(_) => return Ok(Answer::deny(denial, Ticket::NONE)),
        };
        let entry = || Entry::bare(id, now, Event::Deny(denial.code));
        let ticket = place.fill(entry, || More::denied(request, &denial));
        Ok(Answer::deny(denial, ticket))
    }

    /// What a durable journal keeps is not given out before: a permit, and a hold that would
    /// otherwise name a review nobody knows after a restart.
    async fn kept(&self, Answer { decision, ticket }: Answer) -> Decision {
        let must_wait = match decision {
            Decision::Permit(_) => self.journal.is_durable(),
            Decision::Hold(_) => self.journal.is_durable() && self.journal.state().is_some(),
            Decision::Deny(_) => false,
        };
        if must_wait && !self.journal.kept(ticket).await {
            return Decision::Deny(Denial::new(DenyCode::AuditUnavailable));
        }
        decision
    }
}
