//! What people do with held calls, at the plane.

use std::time::Duration;

use async_trait::async_trait;
use scopegate_core::{Review, ReviewError, ReviewId, Reviews};
use serde_json::{Value, json};

use super::{RemoteEnforcer, verdict};
use crate::error::ClientError;
use crate::wire;

/// How long a review is waited for at a time.
const PATIENCE: Duration = Duration::from_secs(3600);

#[async_trait]
impl Reviews for RemoteEnforcer {
    async fn pending(&self) -> Result<Vec<Review>, ReviewError> {
        let waiting = self.inner.client.list_reviews().await.map_err(failed)?;
        waiting.iter().map(review).collect()
    }

    /// Who agrees is the holder of the key; `reviewer` is noted beside it.
    async fn approve(&self, id: ReviewId, reviewer: &str) -> Result<Review, ReviewError> {
        review(&self.inner.client.approve(&id.to_string(), reviewer).await.map_err(failed)?)
    }

    async fn reject(&self, id: ReviewId, reviewer: &str) -> Result<Review, ReviewError> {
        review(&self.inner.client.reject(&id.to_string(), reviewer).await.map_err(failed)?)
    }

    async fn await_review(&self, id: ReviewId) -> Result<Review, ReviewError> {
        loop {
            let seen = self.inner.client.wait_for_review(&id.to_string(), PATIENCE).await.map_err(failed)?;
            if seen.status != wire::ReviewStatus::Pending {
                return review(&seen);
            }
        }
    }
}

/// A review as the core has it. The plane does not tell the digest that binds it to its call, so it
/// is empty here: redeeming a review is the plane's.
fn review(shown: &wire::Review) -> Result<Review, ReviewError> {
    let unreadable = |why: &str| ReviewError::Unavailable(format!("the plane told of a review {why}"));
    let id = verdict::review(&shown.id).ok_or_else(|| unreadable("without an id"))?;
    let state = match (shown.status, shown.used) {
        (wire::ReviewStatus::Approved, true) => "consumed",
        (wire::ReviewStatus::Pending, _) => "pending",
        (wire::ReviewStatus::Approved, false) => "approved",
        (wire::ReviewStatus::Rejected, _) => "rejected",
        (wire::ReviewStatus::Expired, _) => "expired",
    };
    let value: Value = json!({
        "id": id,
        "digest": "0".repeat(64),
        "session": shown.session.replace('-', ""),
        "owner": shown.requested_by.clone().unwrap_or_default(),
        "role": shown.role,
        "tool": shown.tool,
        "action": shown.action,
        "resource": shown.resource,
        "server": shown.server,
        "arguments": shown.arguments.to_string(),
        "state": state,
        "reviewer": shown.approved_by.as_ref().or(shown.rejected_by.as_ref()),
        "decided_at": shown.decided_at,
        "opened_at": shown.created_at,
        "expires_at": shown.expires_at,
    });
    serde_json::from_value(value).map_err(|error| unreadable(&format!("that is not one: {error}")))
}

fn failed(error: ClientError) -> ReviewError {
    match error {
        ClientError::NotFound(_) => ReviewError::Unknown,
        ClientError::Forbidden(why) => ReviewError::OwnRequest(why),
        error => ReviewError::Unavailable(error.to_string()),
    }
}
