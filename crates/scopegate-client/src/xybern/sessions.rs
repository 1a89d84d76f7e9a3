//! Runs of agents, with budgets.

use serde_json::json;

use super::Xybern;
use super::escalation_wire::{RunDraft, RunView};
use crate::error::ClientError;
use crate::routes;

impl Xybern<'_> {
    /// Begins a run of an agent. What it is permitted counts against its budgets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn start_session(&self, draft: &RunDraft) -> Result<RunView, ClientError> {
        self.client.http.ask(&routes::START_RUN, &[])?.json(draft)?.told().await
    }

    /// How a run stands: whoever reads anything but active stops.
    ///
    /// # Errors
    /// [`ClientError`]: `NotFound` also for the run of another key.
    pub async fn heartbeat(&self, session: &str) -> Result<RunView, ClientError> {
        self.client.http.ask(&routes::BEAT_RUN, &[session])?.json(&json!({}))?.told().await
    }

    /// Ends a run. Ending it twice is fine.
    ///
    /// # Errors
    /// As for [`heartbeat`](Self::heartbeat).
    pub async fn end_session(&self, session: &str) -> Result<RunView, ClientError> {
        self.client.http.ask(&routes::END_RUN, &[session])?.json(&json!({}))?.told().await
    }
}
