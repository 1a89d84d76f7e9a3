//! The straight line of a decision: facts, decide, commit.

use std::sync::{Arc, MutexGuard};

use async_trait::async_trait;
use scopegate_core::{
    AccessRequest, Account, Asked, CallDigest, Changes, Credential, Decision, DecisionRecord, Denial,
    DenyCode, Detail, EnforceError, Enforcer, Event, Facts, Link, Meter, Name, Need, Outcome, Permit,
    PermitId, PrincipalRef, Quick, Ruling, Scope, SessionId, Spend, Tat, Timestamp, decide,
};
use smallvec::SmallVec;

use super::{Inner, LocalEnforcer};
use crate::ledger::{Book, Ledger};
use crate::records::Ticket;
use crate::reviews::{NotOpened, Pages};
use crate::session::Session;
use crate::snapshot::Snapshot;
use crate::state::{AccountKey, Counted, More, NoRoom};

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
                Ok((decision, _)) => return Ok(decision),
                Err(_) => self.inner.journal.room().await,
            }
        }
    }
}

#[async_trait]
impl Enforcer for LocalEnforcer {
    fn try_enforce(&self, request: &AccessRequest<'_>) -> Quick {
        match self.inner.attempt(request, Patience::None, None) {
            Ok((decision, _)) => Quick::Decided(decision),
            Err(Stop::Args) => Quick::Need(Need::Args),
            Err(Stop::Secret(_) | Stop::Wait | Stop::Room | Stop::Stale) => Quick::Need(Need::Plane),
        }
    }

    async fn enforce(&self, request: &AccessRequest<'_>) -> Result<Decision, EnforceError> {
        let mut secret = None;
        loop {
            match self.inner.attempt(request, Patience::Disk, secret.as_ref()) {
                Ok((decision, ticket)) => return Ok(self.inner.kept(decision, ticket).await),
                Err(Stop::Args) => return Ok(Decision::Deny(Denial::new(DenyCode::InvalidArguments))),
                // Fetched while nothing is locked: a source may be slow.
                Err(Stop::Secret(name)) => secret = Some((self.inner.credentials.find(&name), name)),
                Err(Stop::Stale) => {}
                Err(Stop::Wait | Stop::Room) => self.inner.journal.room().await,
            }
        }
    }

    fn complete(&self, permit: PermitId, outcome: Outcome) {
        let event = match outcome {
            Outcome::Ok => Event::Ran,
            Outcome::Failed => Event::Failed,
            _ => Event::Dropped,
        };
        self.inner.journal.outcome(DecisionRecord::new(permit, self.inner.now(), event));
    }

    fn wants_outcomes(&self) -> bool {
        self.inner.journal.keeps()
    }

    async fn visible(&self, principal: PrincipalRef<'_>, tools: &[&str]) -> Result<Vec<bool>, EnforceError> {
        let snapshot = self.inner.snapshot.load();
        Ok(self.inner.sessions.with(principal, |session| {
            let scopes: Option<Vec<_>> =
                session.map(|session| session.chain().map(|s| snapshot.scope(s.slot)).collect());
            let could = |tool: &&str| match &scopes {
                Some(scopes) => {
                    scopes.iter().all(|s| s.is_some_and(|scope| scope.could_permit(&snapshot.tools, tool)))
                }
                None => false,
            };
            tools.iter().map(could).collect()
        }))
    }
}

/// What a decision may wait for.
#[derive(Clone, Copy, PartialEq)]
enum Patience {
    None,
    Disk,
}

/// Why there is no decision yet. Nothing was spent, opened or recorded.
enum Stop {
    Args,
    /// This secret has to be fetched.
    Secret(Name),
    /// The record has to be on disk first.
    Wait,
    /// The record queue is full.
    Room,
    /// The policy changed meanwhile: the new one decides.
    Stale,
}

/// A secret that was asked for, if it was found, and its name.
type Fetched = (Option<Arc<str>>, Name);

/// A rate account that counts the call.
struct Wanted<'a> {
    link: usize,
    account: Account,
    scope: &'a Scope,
    ledger: &'a Ledger,
}

/// The rate accounts of a decision, locked.
type Books<'a> = SmallVec<[(usize, Account, MutexGuard<'a, Book>); 2]>;

impl Inner {
    fn attempt(
        &self,
        request: &AccessRequest<'_>,
        patience: Patience,
        secret: Option<&Fetched>,
    ) -> Result<(Decision, Ticket), Stop> {
        let now = self.now();
        let snapshot = self.snapshot.load();
        self.sessions.with(request.principal, |session| match session {
            Some(session) => {
                let step = Step { inner: self, snapshot: &snapshot, session, request, now, patience, secret };
                step.take()
            }
            None => self.deny_unknown(request, Denial::new(DenyCode::JwtInvalid), now),
        })
    }

    fn attempt_refusal(
        &self,
        request: &AccessRequest<'_>,
        denial: &Denial,
    ) -> Result<(Decision, Ticket), Stop> {
        let (now, snapshot) = (self.now(), self.snapshot.load());
        self.sessions.with(request.principal, |session| match session {
            Some(session) => {
                let patience = Patience::None;
                let step =
                    Step { inner: self, snapshot: &snapshot, session, request, now, patience, secret: None };
                let links: SmallVec<[Link<'_>; 4]> = session.chain().map(|s| step.link(s)).collect();
                match step.decide(&links, &Books::new(), Asked::NotLoaded) {
                    Ruling::Deny(first) if is_about_the_session(first.code) => step.deny(first),
                    _ => step.deny(denial.clone()),
                }
            }
            // Whoever refuses may know more of a session than we do: that it is long over.
            None if is_about_the_session(denial.code) => self.deny_unknown(request, denial.clone(), now),
            None => self.deny_unknown(request, Denial::new(DenyCode::JwtInvalid), now),
        })
    }

    /// Line 1: nobody we know. Recorded under the empty session.
    fn deny_unknown(
        &self,
        request: &AccessRequest<'_>,
        denial: Denial,
        now: Timestamp,
    ) -> Result<(Decision, Ticket), Stop> {
        let id = PermitId { session: SessionId::from_bits(0), number: 0 };
        let place = match self.journal.place(id.session, true) {
            Ok(place) => place,
            // A flood of forged tokens must not fill the record; the denial itself needs none.
            Err(_) => return Ok((Decision::Deny(denial), Ticket::NONE)),
        };
        let record = || DecisionRecord::new(id, now, Event::Deny(denial.code));
        let ticket = place.fill(record, || More::denied(request, &denial));
        Ok((Decision::Deny(denial), ticket))
    }

    /// What a durable journal keeps is not given out before: a permit, and a hold that would
    /// otherwise name a review nobody knows after a restart.
    async fn kept(&self, decision: Decision, ticket: Ticket) -> Decision {
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

/// One attempt at a decision for a known session.
struct Step<'a> {
    inner: &'a Inner,
    snapshot: &'a Snapshot,
    session: &'a Arc<Session>,
    request: &'a AccessRequest<'a>,
    now: Timestamp,
    patience: Patience,
    secret: Option<&'a Fetched>,
}

impl<'a> Step<'a> {
    fn take(&self) -> Result<(Decision, Ticket), Stop> {
        match &self.session.parent {
            // Most sessions have no parent: one link, and no list of them.
            None => self.judge(&[self.link(self.session)]),
            Some(_) => {
                let links: SmallVec<[Link<'a>; 4]> = self.session.chain().map(|s| self.link(s)).collect();
                self.judge(&links)
            }
        }
    }

    fn judge(&self, links: &[Link<'a>]) -> Result<(Decision, Ticket), Stop> {
        let mut books = self.lock_books(links).ok_or(Stop::Stale)?;
        match self.decide(links, &books, Asked::NotLoaded) {
            Ruling::Permit(changes) => self.permit(&changes, &mut books, None),
            Ruling::Deny(denial) => self.deny(denial),
            Ruling::Need(Need::Args) => Err(Stop::Args),
            Ruling::Need(Need::Plane) => Err(Stop::Wait),
            Ruling::Need(Need::Review) | Ruling::Hold(_) => self.with_review(links, &mut books),
        }
    }

    fn decide(&self, links: &[Link<'_>], books: &Books<'_>, review: Asked<'_>) -> Ruling {
        let mut meters: SmallVec<[Meter<'_>; 2]> = SmallVec::new();
        for (link, account, book) in books {
            meters.push(Meter { link: *link, account: *account, accounts: &book.accounts });
        }
        let facts = Facts {
            links,
            tools: &self.snapshot.tools,
            meters: &meters,
            env: self.inner.env.as_deref(),
            credentials: &self.snapshot.credentials,
            review,
        };
        decide(&facts, self.request, self.now)
    }

    fn link(&self, session: &Session) -> Link<'a> {
        Link {
            suspended: session.owner.is_suspended(),
            revoked: session.is_revoked(),
            expires_at: session.expires_at,
            scope: self.snapshot.scope(session.slot),
        }
    }

    /// Locks the rate accounts that count this call; `None` when the policy changed meanwhile.
    fn lock_books(&self, links: &[Link<'a>]) -> Option<Books<'a>> {
        let mut books = Books::new();
        if let [Link { scope: Some(scope), .. }] = links {
            let session = self.session;
            // A session's own ledger is younger than the one it shares: this is the order.
            for (account, ledger) in [(Account::Shared, &*session.shared), (Account::Own, &session.own)] {
                if scope.counts(account) {
                    books.push((0, account, ledger.lock(scope, account)?));
                }
            }
            return Some(books);
        }
        let mut wanted: SmallVec<[Wanted<'a>; 2]> = SmallVec::new();
        for ((session, link), index) in self.session.chain().zip(links).zip(0..) {
            let Some(scope) = link.scope else { continue };
            for (account, ledger) in [(Account::Shared, &*session.shared), (Account::Own, &session.own)] {
                // Links of one owner and role share an account, and spend it once.
                if scope.counts(account) && !wanted.iter().any(|other| other.ledger.order == ledger.order) {
                    wanted.push(Wanted { link: index, account, scope, ledger });
                }
            }
        }
        if wanted.len() > 1 {
            // One order for everyone, so that no two decisions wait for each other.
            wanted.sort_unstable_by_key(|wanted| wanted.ledger.order);
        }
        for Wanted { link, account, scope, ledger } in wanted {
            books.push((link, account, ledger.lock(scope, account)?));
        }
        Some(books)
    }

    /// Line 11 with the review of this call, which nobody else can use up meanwhile.
    fn with_review(&self, links: &[Link<'_>], books: &mut Books<'_>) -> Result<(Decision, Ticket), Stop> {
        let call = self.request.call;
        let Some(digest) =
            CallDigest::of(self.session.id, &self.session.owner.name, &self.session.role, call)
        else {
            return self.deny(Denial::new(DenyCode::InvalidArguments));
        };
        let mut pages = self.inner.reviews.lock();
        match self.decide(links, books, Asked::Loaded(pages.find(&digest))) {
            Ruling::Permit(changes) => self.permit(&changes, books, Some((&mut pages, digest))),
            Ruling::Deny(denial) => self.deny(denial),
            Ruling::Hold(seconds) => self.hold(&mut pages, digest, seconds),
            Ruling::Need(_) => self.deny(Denial::new(DenyCode::PolicyError)),
        }
    }

    /// Commits everything a permit changes, or nothing.
    fn permit(
        &self,
        changes: &Changes,
        books: &mut Books<'_>,
        review: Option<(&mut Pages, CallDigest)>,
    ) -> Result<(Decision, Ticket), Stop> {
        if self.inner.journal.is_durable() && self.patience == Patience::None {
            return Err(Stop::Wait);
        }
        let credential = match (&changes.credential, self.secret) {
            (None, _) => None,
            (Some(name), Some((Some(secret), fetched))) if name == fetched => {
                Some(Credential::new(name.clone(), secret.clone()))
            }
            (Some(name), Some((None, fetched))) if name == fetched => {
                let detail = Detail::Name(name.clone());
                return self.deny(Denial::with(DenyCode::CredentialViolation, detail));
            }
            (Some(name), _) => return Err(Stop::Secret(name.clone())),
        };
        let place = match self.inner.journal.place(self.session.id, false) {
            Ok(place) => place,
            Err(NoRoom::Full) => return Err(Stop::Room),
            Err(NoRoom::Failed) => return Ok(unrecorded()),
        };
        for spend in &changes.spends {
            let account = books
                .get_mut(usize::from(spend.meter))
                .and_then(|(_, _, book)| book.accounts.get_mut(usize::from(spend.slot)));
            if let Some(account) = account {
                *account = spend.tat;
            }
        }
        let used = review.filter(|_| changes.consumes).and_then(|(pages, digest)| pages.consume(&digest));
        let arguments = changes.digest_arguments.then(|| CallDigest::of_args(self.request.call)).flatten();
        let id = self.session.number();
        let record = || {
            let mut record = self.record(id, Event::Permit);
            record.review = used.as_ref().map(|review| review.id);
            record.arguments = arguments;
            record
        };
        let more = || More {
            accounts: self.written(changes, books),
            review: used.cloned(),
            ..More::of(self.request)
        };
        let ticket = place.fill(record, more);
        let obligations = changes.obligations.clone();
        Ok((Decision::Permit(Permit { id, obligations, credential }), ticket))
    }

    fn deny(&self, denial: Denial) -> Result<(Decision, Ticket), Stop> {
        let ticket = match self.inner.journal.place(self.session.id, true) {
            Ok(place) => place.fill(
                || self.record(self.session.number(), Event::Deny(denial.code)),
                || More::denied(self.request, &denial),
            ),
            Err(NoRoom::Full) => return Err(Stop::Room),
            // A denial goes out even when nothing can be recorded.
            Err(NoRoom::Failed) => Ticket::NONE,
        };
        Ok((Decision::Deny(denial), ticket))
    }

    fn hold(&self, pages: &mut Pages, digest: CallDigest, seconds: u64) -> Result<(Decision, Ticket), Stop> {
        let place = match self.inner.journal.place(self.session.id, false) {
            Ok(place) => place,
            Err(NoRoom::Full) => return Err(Stop::Room),
            Err(NoRoom::Failed) => return Ok(unrecorded()),
        };
        let hold = match pages.hold(self.session, self.request.call, digest, seconds, self.now) {
            Ok(hold) => hold,
            Err(NotOpened::TooMany(until)) => {
                drop(place);
                return self.deny(Denial::with(DenyCode::RateLimitExceeded, Detail::Until(until)));
            }
            Err(NotOpened::Broken) => {
                drop(place);
                return self.deny(Denial::new(DenyCode::PolicyError));
            }
        };
        let record = || {
            let mut record = self.record(self.session.number(), Event::Hold);
            record.review = Some(hold.review);
            record
        };
        let ticket =
            place.fill(record, || More { review: pages.get(hold.review).cloned(), ..More::of(self.request) });
        Ok((Decision::Hold(hold), ticket))
    }

    /// The accounts that a permit has written, by name.
    fn written(&self, changes: &Changes, books: &Books<'_>) -> SmallVec<[(AccountKey, Tat); 4]> {
        let name = |spend: &Spend| {
            let book = books.get(usize::from(spend.meter))?;
            let (link, account) = (book.0, book.1);
            let session = self.session.chain().nth(link)?;
            let scope = self.snapshot.scope(session.slot)?;
            let (role, window) = scope.shape(account).get(usize::from(spend.slot))?.clone();
            let of = match account {
                Account::Shared => {
                    Counted::Shared { owner: session.owner.name.clone(), role: session.role.clone() }
                }
                Account::Own => Counted::Own(session.id),
            };
            Some((AccountKey { of, role, window }, spend.tat))
        };
        changes.spends.iter().filter_map(name).collect()
    }

    fn record(&self, id: PermitId, event: Event) -> DecisionRecord {
        let mut record = DecisionRecord::new(id, self.now, event);
        record.owner = Some(self.session.owner.name.clone());
        let version = self.snapshot.scope(self.session.slot).map_or(0, Scope::version);
        record.role = Some((self.session.role.clone(), version));
        record.tool = Some(recorded(&self.request.call.tool));
        record
    }
}

/// Lines 1 and 2.
fn is_about_the_session(code: DenyCode) -> bool {
    matches!(
        code,
        DenyCode::JwtInvalid
            | DenyCode::AgentSuspended
            | DenyCode::SessionRevoked
            | DenyCode::JwtExpired
            | DenyCode::SessionExpired
    )
}

fn unrecorded() -> (Decision, Ticket) {
    (Decision::Deny(Denial::new(DenyCode::AuditUnavailable)), Ticket::NONE)
}

/// A tool's name as records keep it. Names of policies fit; a caller's own is cut, or one call
/// could make a line that no reader accepts any more.
fn recorded(tool: &Name) -> Name {
    const LONGEST: usize = 128;
    match tool.get(..tool.floor_char_boundary(LONGEST)) {
        Some(cut) if tool.len() > LONGEST => format!("{cut}…").into(),
        _ => tool.clone(),
    }
}
