//! Sends the journal, batch by batch, until each has arrived.

use std::sync::Weak;
use std::time::Duration;

use scopegate_core::SessionId;
use tokio::time::sleep;

use super::Inner;
use super::book::Batch;
use crate::error::ClientError;

/// How long records may gather.
const GATHER: Duration = Duration::from_millis(250);
/// The longest pause while the plane cannot be reached.
const LAST_PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn run(inner: Weak<Inner>) {
    let mut pause = GATHER;
    loop {
        sleep(pause).await;
        let Some(inner) = inner.upgrade() else { return };
        pause = if inner.ship().await { GATHER } else { (pause * 2).min(LAST_PAUSE) };
        let now = inner.clocks.wall();
        inner.journal.forget(|session| inner.seats.find(session).is_none_or(|seat| now >= seat.expires_at));
    }
}

impl Inner {
    /// Sends what waits, once; false when the plane cannot be reached.
    pub(super) async fn ship(&self) -> bool {
        for (session, batch) in self.journal.batches() {
            match self.send(session, &batch).await {
                Ok(()) => self.journal.settle(session, &batch, true),
                // A key can be given again; the journal waits for it.
                Err(ClientError::Unauthorized(_) | ClientError::Forbidden(_)) => return false,
                Err(error) if error.is_outage() => return false,
                Err(error) => {
                    // It would be refused again.
                    tracing::error!(%session, %error, "a journal was refused: what it holds is not in the plane's log");
                    self.journal.settle(session, &batch, false);
                }
            }
        }
        true
    }

    async fn send(&self, session: SessionId, batch: &Batch) -> Result<(), ClientError> {
        let session = session.to_string();
        self.client
            .http
            .ask(&super::routes::JOURNAL, &[&session])?
            .json(batch)?
            .answer()
            .await?
            .good()
            .map(drop)
    }
}
