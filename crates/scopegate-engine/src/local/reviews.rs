//! What people do with held calls.

use async_trait::async_trait;
use scopegate_core::{Review, ReviewError, ReviewId, Reviews};

use super::LocalEnforcer;

impl LocalEnforcer {
    /// A review, as it stands now; `None` when it is unknown or long settled.
    pub fn review(&self, review: ReviewId) -> Option<Review> {
        self.inner.reviews.find(review, self.inner.now())
    }

    async fn settle(&self, id: ReviewId, approve: bool, by: &str) -> Result<Review, ReviewError> {
        let inner = &self.inner;
        let state = inner.journal.state();
        let (review, position) = inner.reviews.settle(id, (approve, by), inner.now(), state)?;
        match state {
            Some(log) if log.is_durable() && !log.kept(position).await => {
                Err(ReviewError::Unavailable("the decision cannot be kept".to_owned()))
            }
            _ => Ok(review),
        }
    }

    /// All reviews that are not long over, as they stand now, oldest first.
    pub fn reviews(&self) -> Vec<Review> {
        self.inner.reviews.all(self.inner.now())
    }

    /// The reviews that wait, oldest first.
    pub fn pending_reviews(&self) -> Vec<Review> {
        self.inner.reviews.pending(self.inner.now())
    }
}

#[async_trait]
impl Reviews for LocalEnforcer {
    async fn pending(&self) -> Result<Vec<Review>, ReviewError> {
        Ok(self.pending_reviews())
    }

    async fn approve(&self, review: ReviewId, reviewer: &str) -> Result<Review, ReviewError> {
        self.settle(review, true, reviewer).await
    }

    async fn reject(&self, review: ReviewId, reviewer: &str) -> Result<Review, ReviewError> {
        self.settle(review, false, reviewer).await
    }

    /// Needs a tokio runtime with time: a review that nobody decides expires.
    async fn await_review(&self, review: ReviewId) -> Result<Review, ReviewError> {
        self.inner.reviews.settled(review, || self.inner.now()).await
    }
}
