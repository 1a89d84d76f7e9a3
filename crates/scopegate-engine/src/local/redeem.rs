//! A yes that is taken up by reading it: the call is decided again, and either way the yes is used up.

use scopegate_core::{
    AccessRequest, Asked, Changes, Denial, DenyCode, Detail, EnforceError, Event, Link, Notes, PrincipalRef,
    Reading, Redeemed, Redemption, Review, ReviewError, ReviewId, Ruling, TrustUse,
};

use super::beside::Given;
use super::books::Books;
use super::enforce::{Patience, Stop};
use super::step::Step;
use super::{Inner, LocalEnforcer};
use crate::grants::Grants;
use crate::records::{Entry, Ticket};
use crate::reviews::Pages;
use crate::state::{More, NoRoom};

/// What a reader is told once it is kept.
type Told = (Reading, Ticket);

impl LocalEnforcer {
    /// Reads a review of [`Redemption::Read`] for whoever asked. The first reading of a yes takes it up: the
    /// call is decided again as it was asked, as a call of `requester`, a session of the same owner in the same
    /// role. If it is permitted, readings in the next 60 s are told the same permit, and later ones that it
    /// expired; if it is denied, the yes is used up all the same. A permit comes without a credential, and where
    /// it would have duties the call is denied: nobody here performs them.
    ///
    /// # Errors
    /// [`ReviewError::Unknown`] also for the review of somebody else, and for one that is taken up by asking
    /// again; [`ReviewError::Unavailable`] when nothing can be said now, and nothing was used up.
    pub async fn redeem(
        &self,
        review: ReviewId,
        requester: PrincipalRef<'_>,
        notes: Option<&Notes>,
    ) -> Result<Reading, ReviewError> {
        loop {
            match self.inner.read_review(review, requester, notes)? {
                Ok(told) => return Ok(self.inner.told(told).await),
                Err(Stop::Stale) => {}
                Err(Stop::Wait | Stop::Room) => self.inner.journal.room().await,
                Err(Stop::Args | Stop::Plane | Stop::Secret(_)) => {
                    let lent = EnforceError::NoDecision("the session is lent".to_owned());
                    return Err(ReviewError::Unavailable(lent.to_string()));
                }
            }
        }
    }
}

impl Inner {
    /// One look at a review.
    fn read_review(
        &self,
        id: ReviewId,
        requester: PrincipalRef<'_>,
        notes: Option<&Notes>,
    ) -> Result<Result<Told, Stop>, ReviewError> {
        let guard = self.read();
        let (now, snapshot) = (self.now(), self.policy.load(&guard));
        let review = self.reviews.lock().get(id).cloned().ok_or(ReviewError::Unknown)?;
        let place = self.sessions.find(requester, &guard).ok_or(ReviewError::Unknown)?;
        let session = &place.session;
        // Where state outlives the process an agent comes back in a new session.
        let same = self.journal.state().is_some() || session.id == review.session;
        let asked = same && *session.owner() == review.owner && *session.role() == review.role;
        if !asked || review.redemption != Redemption::Read {
            return Err(ReviewError::Unknown);
        }
        if session.lender().is_some() {
            return Ok(Err(Stop::Plane));
        }
        let call = review.call();
        let request = AccessRequest { notes, ..AccessRequest::new(requester, &call) };
        // Who holds calls like that counts trust: a role or a policy that reads it must find it here, too.
        let request = request.redeemed_by(Redemption::Read).with_trust(TrustUse::Counted);
        let patience = Patience::Disk;
        let step = Step {
            inner: self,
            snapshot,
            place,
            request: &request,
            now,
            patience,
            secret: None,
            trust: None,
        };
        Ok(self.trust.with(session.owner(), |trust| Step { trust: Some(trust), ..step }.read(id)))
    }

    /// Nobody is told that a yes was taken up before that is kept.
    async fn told(&self, (reading, ticket): Told) -> Reading {
        let must_wait =
            matches!(reading, Reading::Permitted(_) | Reading::Denied(_)) && self.journal.is_durable();
        if must_wait && !self.journal.kept(ticket).await {
            return Reading::Denied(DenyCode::AuditUnavailable.as_str().into());
        }
        reading
    }
}

impl Step<'_> {
    fn read(&self, id: ReviewId) -> Result<Told, Stop> {
        self.with_books(|links, books| self.look_up(id, links, books))
    }

    /// Where the review stands, while nobody else can take it up.
    fn look_up(&self, id: ReviewId, links: &[Link<'_>], books: &mut impl Books) -> Result<Told, Stop> {
        // Everyone locks grants before reviews.
        let mut grants = self.inner.grants.lock();
        let mut pages = self.inner.reviews.lock();
        let Some(review) = pages.get(id).cloned() else { return Ok((Reading::Expired, Ticket::NONE)) };
        match review.reading(self.now) {
            Reading::Approved => {
                let request = self.request.under(review.grant);
                let step = Step { request: &request, ..*self };
                step.take_up(&review, (&mut pages, &mut grants), links, books)
            }
            // Whoever was stopped since is told of no permit any more.
            Reading::Permitted(_) if links.iter().any(|link| link.suspended || link.revoked) => {
                Ok((Reading::Expired, Ticket::NONE))
            }
            reading => Ok((reading, pages.ticket(id))),
        }
    }

    fn take_up(
        &self,
        review: &Review,
        (pages, grants): (&mut Pages, &mut Grants),
        links: &[Link<'_>],
        books: &mut impl Books,
    ) -> Result<Told, Stop> {
        if let (Some(server), false) = (&review.server, review.definition == self.definition()) {
            let changed = Denial::with(DenyCode::McpToolChanged, Detail::Name(server.clone()));
            return self.use_up(review, pages, &changed);
        }
        let mut room = None;
        match self.decide_under(grants, links, books, Asked::Redeemed(review), &mut room) {
            Ruling::Permit(changes) => match unperformed(changes) {
                None => self.hand_out(review, (pages, grants), changes, books),
                Some(denial) => self.use_up(review, pages, &denial),
            },
            Ruling::Deny(denial) => self.use_up(review, pages, &denial),
            Ruling::Hold(_) | Ruling::Need(_) => {
                self.use_up(review, pages, &Denial::new(DenyCode::PolicyError))
            }
        }
    }

    /// Commits the permit, all of it or nothing.
    fn hand_out(
        &self,
        review: &Review,
        (pages, grants): (&mut Pages, &mut Grants),
        changes: &Changes,
        books: &mut impl Books,
    ) -> Result<Told, Stop> {
        let place = match self.inner.journal.place(self.place.session.id, false) {
            Ok(place) => place,
            Err(NoRoom::Full) => return Err(Stop::Room),
            Err(NoRoom::Failed) => return Ok(unrecorded()),
        };
        books.write(&changes.spends);
        let paid = changes.paid;
        let spent = paid.map(|paid| grants.spend(paid.grant)).unwrap_or_default();
        let permit = self.place.session.number(place.counting());
        let used = pages.redeem(review.id, Redeemed::Permitted { at: self.now, permit }).cloned();
        let beside = self.beside(Given::Permit { agreed: true });
        let entry = || Entry { review: Some(review.id), beside, paid, ..self.entry(permit, Event::Permit) };
        let more = || More { review: used, grants: grants.told(&spent), ..self.more(books, changes) };
        let ticket = place.fill(entry, more);
        pages.taken_up(review.id, ticket, self.now);
        Ok((Reading::Permitted(permit), ticket))
    }

    /// The call is not permitted after all. Whoever reads that gives up, so nothing is left to be taken up.
    fn use_up(&self, review: &Review, pages: &mut Pages, denial: &Denial) -> Result<Told, Stop> {
        let place = match self.inner.journal.place(self.place.session.id, true) {
            Ok(place) => place,
            Err(NoRoom::Full) => return Err(Stop::Room),
            Err(NoRoom::Failed) => return Ok(unrecorded()),
        };
        let code = denial.code.as_str().into();
        let used = pages.redeem(review.id, Redeemed::Denied { at: self.now, code }).cloned();
        let id = self.place.session.number(place.counting());
        let beside = self.beside(Given::Deny(denial.code));
        let entry = || Entry { review: Some(review.id), beside, ..self.entry(id, Event::Deny(denial.code)) };
        let ticket = place.fill(entry, || More { review: used, ..More::denied(self.request, denial) });
        Ok((Reading::Denied(denial.code.as_str().into()), ticket))
    }
}

/// What a permit needs that whoever reads it is not given.
fn unperformed(changes: &Changes) -> Option<Denial> {
    if let Some(name) = &changes.credential {
        return Some(Denial::with(DenyCode::CredentialViolation, Detail::Name(name.clone())));
    }
    changes.obligations.as_ref().map(|_| Denial::new(DenyCode::PolicyError))
}

/// No record, no permit; and nothing used up.
fn unrecorded() -> Told {
    (Reading::Denied(DenyCode::AuditUnavailable.as_str().into()), Ticket::NONE)
}

#[cfg(test)]
mod tests;
