//! Held calls and what people said of them, in this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scopegate_core::pin::DefinitionDigest;
use scopegate_core::{
    CallDigest, GrantId, Hold, Reading, Redeemed, Redemption, Review, ReviewError, ReviewId, ReviewState,
    SessionId, Timestamp, ToolCall,
};
use tokio::sync::Notify;

use crate::random;
use crate::records::Ticket;
use crate::session::Session;
use crate::state::{Position, StateChange, StateLog};

/// Most reviews one session may have waiting.
pub(crate) const MAX_PENDING: usize = 100;
/// How long a settled review can still be read.
const REMEMBERED: Duration = Duration::from_secs(3600);
const NANOSECOND: Duration = Duration::from_nanos(1);

/// All reviews of an enforcer.
#[derive(Default)]
pub(crate) struct ReviewBook {
    pages: Mutex<Pages>,
    changed: Notify,
}

/// The reviews, held while a decision is made on one of them.
#[derive(Default)]
pub(crate) struct Pages {
    by_id: HashMap<ReviewId, Review>,
    by_call: HashMap<Waiting, ReviewId>,
    /// Where the records of what was just taken up by reading stand: nobody is told of it before.
    taken_up: HashMap<ReviewId, Ticket>,
    /// The reviews of each session, to keep their number in bounds without a look at all others.
    by_session: HashMap<SessionId, Vec<ReviewId>>,
    /// When the last one was opened.
    latest: Timestamp,
    sweep_at: usize,
}

/// The call that a review is of, and how a yes to it is taken up.
type Waiting = (CallDigest, Redemption);

/// Why no review was opened.
pub(crate) enum NotOpened {
    /// The session has too many waiting; there is room again then.
    TooMany(Timestamp),
    /// No randomness, or the arguments have no digest.
    Broken,
}

impl ReviewBook {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Pages> {
        // Every step leaves the pages whole, so a panic elsewhere cannot have spoilt them.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pending(&self, now: Timestamp) -> Vec<Review> {
        let pages = self.lock();
        let waiting = |review: &&Review| review.state_at(now) == ReviewState::Pending;
        let mut reviews: Vec<Review> = pages.by_id.values().filter(waiting).cloned().collect();
        reviews.sort_by_key(|review| (review.opened_at, review.id));
        reviews
    }

    /// All that are remembered, as they stand now, oldest first.
    pub(crate) fn all(&self, now: Timestamp) -> Vec<Review> {
        let mut reviews: Vec<Review> = self.lock().by_id.values().cloned().collect();
        reviews.iter_mut().for_each(|review| review.state = review.state_at(now));
        reviews.sort_by_key(|review| (review.opened_at, review.id));
        reviews
    }

    pub(crate) fn find(&self, id: ReviewId, now: Timestamp) -> Option<Review> {
        let mut review = self.lock().by_id.get(&id).cloned()?;
        review.state = review.state_at(now);
        Some(review)
    }

    /// Decides a review; `log` is told before anyone can act on it.
    pub(crate) fn settle(
        &self,
        id: ReviewId,
        (approve, by): (bool, &str),
        now: Timestamp,
        log: Option<&dyn StateLog>,
    ) -> Result<(Review, Position), ReviewError> {
        let mut pages = self.lock();
        let review = pages.by_id.get_mut(&id).ok_or(ReviewError::Unknown)?;
        let mut settled = review.clone();
        settled.settle(approve, by, now)?;
        let position = match log {
            None => 0,
            Some(log) => {
                log.reserve(false).map_err(|room| ReviewError::Unavailable(room.to_string()))?;
                log.append(StateChange::Settled(Box::new(settled.clone())))
            }
        };
        *review = settled.clone();
        drop(pages);
        self.changed.notify_waiters();
        Ok((settled, position))
    }

    /// Takes up what an earlier process kept.
    pub(crate) fn restore(&self, mut reviews: Vec<Review>) {
        let mut pages = self.lock();
        // Of several reviews of one call the last one counts.
        reviews.sort_by_key(|review| review.opened_at);
        reviews.into_iter().for_each(|review| pages.restore(review));
    }

    /// Waits until the review is no longer pending.
    pub(crate) async fn settled(
        &self,
        id: ReviewId,
        now: impl Fn() -> Timestamp,
    ) -> Result<Review, ReviewError> {
        loop {
            let changed = self.changed.notified();
            let mut review = self.lock().by_id.get(&id).cloned().ok_or(ReviewError::Unknown)?;
            let state = review.state_at(now());
            if state != ReviewState::Pending {
                review.state = state;
                return Ok(review);
            }
            let left = now().until(review.expires_at);
            // Whichever comes first: someone decides, or the time is over.
            let _ = tokio::time::timeout(left, changed).await;
        }
    }
}

impl Pages {
    /// The review of a call that is not settled for good.
    pub(crate) fn find(&self, waiting: &Waiting) -> Option<&Review> {
        self.by_call.get(waiting).and_then(|id| self.by_id.get(id))
    }

    pub(crate) fn get(&self, id: ReviewId) -> Option<&Review> {
        self.by_id.get(&id)
    }

    /// Uses up the review of a call, and shows it.
    pub(crate) fn consume(&mut self, waiting: &Waiting) -> Option<&Review> {
        let id = self.by_call.remove(waiting)?;
        let review = self.by_id.get_mut(&id)?;
        review.consume();
        Some(review)
    }

    /// Uses up a review by reading it, and shows it.
    pub(crate) fn redeem(&mut self, id: ReviewId, redeemed: Redeemed) -> Option<&Review> {
        let review = self.by_id.get_mut(&id)?;
        review.redeem(redeemed);
        let waiting = (review.digest, review.redemption);
        // The call may have been asked again since, and wait for somebody once more.
        if self.by_call.get(&waiting) == Some(&id) {
            self.by_call.remove(&waiting);
        }
        Some(review)
    }

    /// Notes where the record of what was taken up stands.
    pub(crate) fn taken_up(&mut self, id: ReviewId, ticket: Ticket, now: Timestamp) {
        let is_told = |id: &ReviewId| {
            self.by_id.get(id).is_some_and(|review| matches!(review.reading(now), Reading::Permitted(_)))
        };
        self.taken_up.retain(|id, _| is_told(id));
        self.taken_up.insert(id, ticket);
    }

    /// What has to be kept before anybody is told that the review was taken up.
    pub(crate) fn ticket(&self, id: ReviewId) -> Ticket {
        self.taken_up.get(&id).copied().unwrap_or(Ticket::NONE)
    }

    /// Takes up a review that an earlier process kept.
    fn restore(&mut self, review: Review) {
        let open =
            matches!(review.state, ReviewState::Pending | ReviewState::Approved | ReviewState::Rejected);
        if open {
            self.by_call.insert((review.digest, review.redemption), review.id);
        }
        self.by_session.entry(review.session).or_default().push(review.id);
        self.latest = self.latest.max(review.opened_at);
        self.by_id.insert(review.id, review);
    }

    /// Notes under which grant a call was made whose review was opened.
    pub(crate) fn note_grant(&mut self, id: ReviewId, grant: Option<GrantId>) {
        if let Some(review) = self.by_id.get_mut(&id) {
            review.grant = grant;
        }
    }

    /// The pending review of this very call, or a new one.
    pub(crate) fn hold(
        &mut self,
        session: &Session,
        (call, redemption): (&ToolCall, Redemption),
        (digest, definition): (CallDigest, Option<DefinitionDigest>),
        seconds: u64,
        now: Timestamp,
    ) -> Result<Hold, NotOpened> {
        let waiting = (digest, redemption);
        let pending = |review: &&Review| review.state_at(now) == ReviewState::Pending;
        if let Some(review) = self.find(&waiting).filter(pending) {
            return Ok(review.hold());
        }
        self.sweep(now);
        let id = random::review_id().map_err(|_| NotOpened::Broken)?;
        let who = (session.id, session.owner().clone(), session.role().clone());
        let expires_at = now.after(Duration::from_secs(seconds));
        // A tick of the clock may see many: each is a nanosecond younger than the one before it.
        let opened_at = now.max(self.latest.after(NANOSECOND));
        let review = Review::open(id, (digest, definition), who, (call, redemption), opened_at, expires_at);
        let review = review.ok_or(NotOpened::Broken)?;
        self.room(session.id, now)?.push(id);
        self.latest = opened_at;
        let hold = review.hold();
        self.by_id.insert(id, review);
        self.by_call.insert(waiting, id);
        Ok(hold)
    }

    /// Room for one more review of the session. What is over is forgotten where room is short.
    fn room(&mut self, session: SessionId, now: Timestamp) -> Result<&mut Vec<ReviewId>, NotOpened> {
        let mine = self.by_session.entry(session).or_default();
        if mine.len() < MAX_PENDING {
            return Ok(mine);
        }
        let mut ends = Vec::new();
        mine.retain(|id| match self.by_id.get(id).map(|review| (review.reading(now), review.expires_at)) {
            Some((Reading::Pending, end)) => {
                ends.push(end);
                true
            }
            Some((Reading::Expired | Reading::Denied(_), _)) | None => {
                self.by_id.remove(id);
                false
            }
            Some(_) => true,
        });
        match ends.iter().min() {
            Some(first) if ends.len() >= MAX_PENDING => Err(NotOpened::TooMany(*first)),
            _ => Ok(mine),
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.by_id.len() < self.sweep_at.max(1024) {
            return;
        }
        self.by_id.retain(|_, review| review.expires_at.after(REMEMBERED) > now);
        self.by_call.retain(|_, id| self.by_id.contains_key(id));
        self.by_session.retain(|_, reviews| {
            reviews.retain(|id| self.by_id.contains_key(id));
            !reviews.is_empty()
        });
        self.sweep_at = self.by_id.len() * 2;
    }
}
