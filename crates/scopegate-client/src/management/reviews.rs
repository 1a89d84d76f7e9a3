//! Calls that wait for a person.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::error::ClientError;
use crate::routes::{self, Route};
use crate::wire::{Review, ReviewStatus, Reviews, SettleBody};

/// How soon a review is looked at again, at first; then ever less often.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(5);

impl Client {
    /// The reviews that wait, oldest first. An agent's key sees its own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_reviews(&self) -> Result<Vec<Review>, ClientError> {
        let all: Reviews = self.http.ask(&routes::LIST_REVIEWS, &[])?.told().await?;
        Ok(all.approvals)
    }

    /// A review, however old.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_review(&self, id: &str) -> Result<Review, ClientError> {
        self.http.ask(&routes::GET_REVIEW, &[id])?.told().await
    }

    /// Lets the held call run once. Who agrees is the holder of the key; `label` is only noted.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it was decided or has expired, `Forbidden` when the holder
    /// of the key asked for the call.
    pub async fn approve(&self, id: &str, label: &str) -> Result<Review, ClientError> {
        self.settle(&routes::APPROVE, id, label).await
    }

    /// Refuses the held call until its time is over.
    ///
    /// # Errors
    /// As for [`approve`](Self::approve).
    pub async fn reject(&self, id: &str, label: &str) -> Result<Review, ClientError> {
        self.settle(&routes::REJECT, id, label).await
    }

    async fn settle(&self, route: &Route, id: &str, label: &str) -> Result<Review, ClientError> {
        self.http.ask(route, &[id])?.json(&SettleBody { approved_by: label })?.told().await
    }

    /// Waits until a review is decided or expires, or the time is over: then it is still pending.
    /// It is looked at ever less often, every five seconds in the end; an outage is waited out.
    ///
    /// # Errors
    /// [`ClientError`]: an outage only when it lasts until the time is over.
    pub async fn wait_for_review(&self, id: &str, patience: Duration) -> Result<Review, ClientError> {
        let over = Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        loop {
            let seen = self.get_review(id).await;
            let settled = match &seen {
                Ok(review) => review.status != ReviewStatus::Pending,
                Err(error) => !error.is_outage(),
            };
            let left = over.saturating_duration_since(Instant::now());
            if settled || left.is_zero() {
                return seen;
            }
            sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(LAST_PAUSE);
        }
    }
}
