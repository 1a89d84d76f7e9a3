//! One attempt at a decision: facts, decide, commit.

use std::cell::Cell;
use std::sync::Arc;

use scopegate_core::pin::DefinitionDigest;
use scopegate_core::{
    AccessRequest, Asked, CallDigest, Changes, Credential, Decision, Denial, DenyCode, Detail, Event, Facts,
    Held, Hold, Link, Manifest, Meter, Name, Need, Permit, PermitId, Redemption, Review, ReviewState, Ruling,
    Scope, Timestamp, Trust, Waits, decide,
};
use smallvec::SmallVec;

use super::Inner;
use super::beside::Given;
use super::books::{Books, Chain, Pair, Stale};
use super::budgets::Budgets;
use super::enforce::{Patience, Stop};
use crate::grants::Grants;
use crate::records::{Called, Entry, Ticket};
use crate::reviews::{NotOpened, Pages};
use crate::session::Placed;
use crate::snapshot::Snapshot;
use crate::state::{More, NoRoom};

/// A decision, and where its record stands.
pub(super) struct Answer {
    pub(super) decision: Decision,
    pub(super) ticket: Ticket,
}

/// A secret that was asked for, if it was found, and its name.
pub(super) type Fetched = (Option<Arc<str>>, Name);

impl Answer {
    pub(super) fn deny(denial: Denial, ticket: Ticket) -> Self {
        Self { decision: Decision::Deny(denial), ticket }
    }

    /// No record, no permit.
    fn unrecorded() -> Self {
        Self::deny(Denial::new(DenyCode::AuditUnavailable), Ticket::NONE)
    }
}

impl From<Stale> for Stop {
    fn from(_: Stale) -> Self {
        Self::Stale
    }
}

/// One attempt at a decision for a known session.
pub(super) struct Step<'a> {
    pub(super) inner: &'a Inner,
    pub(super) snapshot: &'a Snapshot,
    pub(super) place: &'a Placed,
    pub(super) request: &'a AccessRequest<'a>,
    pub(super) now: Timestamp,
    pub(super) patience: Patience,
    pub(super) secret: Option<&'a Fetched>,
    /// The trust in the owner, where a policy or a role reads it; nobody else moves it meanwhile.
    pub(super) trust: Option<&'a Cell<Trust>>,
}

impl<'a> Step<'a> {
    #[inline(always)]
    pub(super) fn take(&self) -> Result<Answer, Stop> {
        if !self.place.session.is_plain() {
            return self.take_chain();
        }
        // Most sessions have neither parent nor budget: one link, and no list of them.
        let link = self.place.link(self.snapshot);
        self.judge(&[link], Pair::lock(self.place, &link)?)
    }

    #[inline(never)]
    fn take_chain(&self) -> Result<Answer, Stop> {
        // Held while the links are looked at, until the decision stands.
        let budgets = Budgets::lock(&self.place.session);
        let links = self.links();
        self.judge(&links, Chain::lock(&self.place.session, &links, budgets)?)
    }

    /// Does something with the links of the session and the accounts that count its calls.
    pub(super) fn with_books<T>(
        &self,
        look: impl FnOnce(&[Link<'a>], &mut Chain<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let budgets = Budgets::lock(&self.place.session);
        let links = self.links();
        let mut books = Chain::lock(&self.place.session, &links, budgets)?;
        look(&links, &mut books)
    }

    /// Denies, unless something about the session itself denies first.
    pub(super) fn refuse(&self, denial: &Denial) -> Result<Answer, Stop> {
        match self.decide(&self.links(), &Pair::NONE, (Asked::NotLoaded, &[]), &mut None) {
            Ruling::Deny(first) if is_about_the_session(first.code) => self.deny(first),
            _ => self.deny(denial.clone()),
        }
    }

    #[inline(always)]
    fn judge(&self, links: &[Link<'a>], mut books: impl Books) -> Result<Answer, Stop> {
        if self.request.grant.is_some() {
            return self.with_grants(links, &mut books);
        }
        let mut room = None;
        match self.decide(links, &books, (Asked::NotLoaded, &[]), &mut room) {
            Ruling::Permit(changes) => self.permit(changes, &mut books, None, None),
            Ruling::Deny(denial) if denial.may_be_lifted() && self.inner.grants.any() => {
                self.with_grants(links, &mut books)
            }
            Ruling::Deny(denial) => self.deny(denial),
            Ruling::Need(Need::Args) => Err(Stop::Args),
            Ruling::Need(Need::Plane) => Err(Stop::Wait),
            // Reviews of a lent session are its lender's.
            Ruling::Need(Need::Review) | Ruling::Hold(_) if self.place.session.lender().is_some() => {
                Err(Stop::Plane)
            }
            Ruling::Need(Need::Review) | Ruling::Hold(_) => self.with_review(links, &mut books, None),
        }
    }

    #[inline(always)]
    pub(super) fn decide<'c>(
        &self,
        links: &[Link<'_>],
        books: &impl Books,
        (review, grants): (Asked<'_>, &[Held<'_>]),
        room: &'c mut Option<Changes>,
    ) -> Ruling<'c> {
        let meters = books.meters();
        decide(&self.facts(links, meters.as_ref(), review, grants), self.request, self.now, room)
    }

    #[inline(always)]
    pub(super) fn facts<'f>(
        &'f self,
        links: &'f [Link<'f>],
        meters: &'f [Meter<'f>],
        review: Asked<'f>,
        grants: &'f [Held<'f>],
    ) -> Facts<'f> {
        Facts {
            links,
            session: self.place.session.id,
            owner: self.place.session.owner(),
            trust: self.trust.map(Cell::get),
            policies: self.snapshot.policies.as_deref(),
            catalogues: &self.snapshot.catalogues,
            manifest: self.manifest(),
            grants,
            tools: &self.snapshot.tools,
            meters,
            env: self.inner.env.as_deref(),
            credentials: &self.snapshot.credentials,
            review,
        }
    }

    /// The owner's, looked up only where it is read.
    #[inline(always)]
    fn manifest(&self) -> Option<&'a Manifest> {
        self.request.call.resource.as_ref()?;
        self.snapshot.manifests.get(self.place.session.owner()).map(|manifest| &**manifest)
    }

    fn links(&self) -> SmallVec<[Link<'a>; 4]> {
        self.place.session.chain().map(|session| session.link(self.snapshot)).collect()
    }

    /// Line 11 with the review of this call, which nobody else can use up meanwhile.
    #[inline(never)]
    pub(super) fn with_review(
        &self,
        links: &[Link<'_>],
        books: &mut impl Books,
        grants: Option<&mut Grants>,
    ) -> Result<Answer, Stop> {
        let call = self.request.call;
        // Where state outlives the process an agent comes back in a new session and asks again.
        let session = match self.inner.journal.state() {
            None => self.place.session.id,
            Some(_) => scopegate_core::SessionId::from_bits(0),
        };
        let definition = self.definition();
        let (owner, role) = (self.place.session.owner(), self.place.session.role());
        let Some(digest) = CallDigest::of_defined(session, owner, role, call, definition) else {
            return self.deny(Denial::new(DenyCode::InvalidArguments));
        };
        let waiting = (digest, self.request.redemption);
        let mut pages = self.inner.reviews.lock();
        let mut room = None;
        let asked = Asked::Loaded(pages.find(&waiting));
        let ruling = match grants.as_deref() {
            None => self.decide(links, books, (asked, &[]), &mut room),
            Some(grants) => self.decide_under(grants, links, books, asked, &mut room),
        };
        match ruling {
            Ruling::Permit(changes) => self.permit(changes, books, Some((&mut pages, waiting)), grants),
            Ruling::Deny(denial) => self.deny(denial),
            Ruling::Hold(waits) => self.hold(&mut pages, (digest, definition), waits),
            Ruling::Need(_) => self.deny(Denial::new(DenyCode::PolicyError)),
        }
    }

    /// What the tool was registered as, where its server is described.
    pub(super) fn definition(&self) -> Option<DefinitionDigest> {
        let call = self.request.call;
        self.snapshot.catalogues.definition(call.server.as_deref()?, &call.tool)
    }

    /// Commits everything a permit changes, or nothing.
    #[inline(always)]
    pub(super) fn permit(
        &self,
        changes: &Changes,
        books: &mut impl Books,
        review: Option<(&mut Pages, (CallDigest, Redemption))>,
        grants: Option<&mut Grants>,
    ) -> Result<Answer, Stop> {
        if self.inner.journal.is_durable() && self.patience == Patience::None {
            return Err(Stop::Wait);
        }
        let credential = match (&changes.credential, self.secret) {
            (None, _) => None,
            (Some(name), Some((Some(secret), fetched))) if name == fetched => {
                Some(Box::new(Credential::new(name.clone(), secret.clone())))
            }
            (Some(name), Some((None, fetched))) if name == fetched => {
                let detail = Detail::Name(name.clone());
                return self.deny(Denial::with(DenyCode::CredentialViolation, detail));
            }
            (Some(name), _) => return Err(Stop::Secret(name.clone())),
        };
        let place = match self.inner.journal.place(self.place.session.id, false) {
            Ok(place) => place,
            Err(NoRoom::Full) => return Err(Stop::Room),
            Err(NoRoom::Failed) => return Ok(Answer::unrecorded()),
        };
        books.write(&changes.spends);
        let paid = changes.paid;
        let grants = grants.zip(paid).map(|(grants, paid)| (grants.spend(paid.grant), &*grants));
        let used = review.filter(|_| changes.consumes).and_then(|(pages, waiting)| pages.consume(&waiting));
        let arguments = changes.digest_arguments.then(|| CallDigest::of_args(self.request.call)).flatten();
        let id = self.place.session.number(place.counting());
        // Consent closes a review that waits; nobody has reviewed the call.
        let consent = changes.consent;
        let review = used.as_ref().filter(|_| consent.is_none()).map(|review| review.id);
        let given = Given::Permit { agreed: review.is_some() };
        let beside = self.beside(given);
        let entry = || Entry { review, consent, arguments, beside, paid, ..self.entry(id, Event::Permit) };
        let spent = || grants.as_ref().map(|(spent, of)| of.told(spent)).unwrap_or_default();
        let more = || More { review: used.cloned(), grants: spent(), ..self.more(books, changes) };
        let ticket = place.fill(entry, more);
        let obligations = changes.obligations.clone();
        Ok(Answer { decision: Decision::Permit(Permit { id, obligations, credential }), ticket })
    }

    /// What a permit changes beside its review.
    #[inline(always)]
    pub(super) fn more(&self, books: &impl Books, changes: &Changes) -> More {
        let accounts = books.named(&changes.spends, &self.place.session, self.snapshot);
        More { accounts, budgets: books.spent(), ..More::of(self.request) }
    }

    pub(super) fn deny(&self, denial: Denial) -> Result<Answer, Stop> {
        let ticket = match self.inner.journal.place(self.place.session.id, true) {
            Ok(place) => {
                let (counting, beside) = (place.counting(), self.beside(Given::Deny(denial.code)));
                let id = || self.place.session.number(counting);
                place.fill(
                    || Entry { beside, ..self.entry(id(), Event::Deny(denial.code)) },
                    || More::denied(self.request, &denial),
                )
            }
            Err(NoRoom::Full) => return Err(Stop::Room),
            // A denial goes out even when nothing can be recorded.
            Err(NoRoom::Failed) => Ticket::NONE,
        };
        Ok(Answer::deny(denial, ticket))
    }

    fn hold(
        &self,
        pages: &mut Pages,
        digest: (CallDigest, Option<DefinitionDigest>),
        waits: Waits,
    ) -> Result<Answer, Stop> {
        let place = match self.inner.journal.place(self.place.session.id, false) {
            Ok(place) => place,
            Err(NoRoom::Full) => return Err(Stop::Room),
            Err(NoRoom::Failed) => return Ok(Answer::unrecorded()),
        };
        let pending = |review: &Review| review.state_at(self.now) == ReviewState::Pending;
        let AccessRequest { call, redemption, .. } = *self.request;
        let given = Given::Hold { opened: !pages.find(&(digest.0, redemption)).is_some_and(pending) };
        let asked = (call, redemption);
        let hold = match pages.hold(&self.place.session, asked, digest, waits.seconds, self.now) {
            Ok(hold) => {
                if matches!(given, Given::Hold { opened: true }) {
                    pages.note_grant(hold.review, self.request.grant);
                }
                Hold { by: waits.by, ..hold }
            }
            Err(NotOpened::TooMany(until)) => {
                drop(place);
                return self.deny(Denial::with(DenyCode::RateLimitExceeded, Detail::Until(until)));
            }
            Err(NotOpened::Broken) => {
                drop(place);
                return self.deny(Denial::new(DenyCode::PolicyError));
            }
        };
        let (counting, beside) = (place.counting(), self.beside(given));
        let id = || self.place.session.number(counting);
        let entry = || Entry { review: Some(hold.review), beside, ..self.entry(id(), Event::Hold) };
        let ticket =
            place.fill(entry, || More { review: pages.get(hold.review).cloned(), ..More::of(self.request) });
        Ok(Answer { decision: Decision::Hold(hold), ticket })
    }

    #[inline(always)]
    pub(super) fn entry(&self, id: PermitId, event: Event) -> Entry<'_> {
        let version = self.snapshot.scope(self.place.session.slot).map_or(0, Scope::version);
        let call = Called { session: &self.place.session, version, tool: &self.request.call.tool };
        Entry::of(call, id, self.now, event)
    }
}

/// Lines 1 and 2.
pub(super) fn is_about_the_session(code: DenyCode) -> bool {
    matches!(
        code,
        DenyCode::JwtInvalid
            | DenyCode::AgentSuspended
            | DenyCode::SessionRevoked
            | DenyCode::JwtExpired
            | DenyCode::SessionExpired
            | DenyCode::SessionTerminated
    )
}
