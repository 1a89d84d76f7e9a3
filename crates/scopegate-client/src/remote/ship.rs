//! Sends the journal, batch by batch, until each has arrived.

use std::sync::Weak;
use std::time::Duration;

use http::StatusCode;
use scopegate_core::SessionId;
use serde::Deserialize;
use tokio::time::sleep;

use super::Inner;
use super::book::Batch;
use crate::error::ClientError;

/// How long records may gather.
const GATHER: Duration = Duration::from_millis(250);
/// The longest pause while the plane cannot be reached, or does not take a batch.
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

/// What the plane said of a batch. Everything else that may come back says nothing, and the batch is
/// sent again.
enum Told {
    Arrived,
    /// It would be refused again.
    Refused(String),
}

/// How far the plane took a journal up.
#[derive(Deserialize)]
struct Taken {
    batch: u64,
    number: u64,
}

impl Inner {
    /// Sends what waits, once; false when some of it has to be sent again.
    pub(super) async fn ship(&self) -> bool {
        let mut settled = true;
        for (session, batch) in self.journal.batches() {
            if let Some(open) = self.open.as_ref().filter(|_| batch.fail_open) {
                open.sending(session, &batch);
            }
            match self.send(session, &batch).await {
                Ok(Told::Arrived) => _ = self.journal.settle(session, &batch, true),
                Ok(Told::Refused(why)) => {
                    if self.journal.settle(session, &batch, false) {
                        self.refused_journal(session, &batch, &why);
                    }
                }
                Err(error) => {
                    tracing::debug!(%session, %error, "a journal was not taken; it is sent again");
                    settled = false;
                    self.heed(&error);
                    // The next one would fare no better. A key can be given again; the journal waits for it.
                    if error.is_outage()
                        || matches!(error, ClientError::Unauthorized(_) | ClientError::Forbidden(_))
                    {
                        break;
                    }
                }
            }
        }
        if let Some(open) = &self.open {
            open.let_go_of_leftovers(&self.journal);
        }
        settled
    }

    /// Nothing is decided here for a session whose records the plane does not take.
    fn refused_journal(&self, session: SessionId, batch: &Batch, why: &str) {
        if let Some(open) = self.open.as_ref().filter(|_| batch.fail_open) {
            open.refused(session, batch);
        }
        if self.seats.find(session).is_none_or(|seat| seat.end_recording()) {
            tracing::error!(
                %session, why,
                "a journal was refused: some of it is not in the plane's log, and the plane decides every call from here on"
            );
        }
    }

    async fn send(&self, session: SessionId, batch: &Batch) -> Result<Told, ClientError> {
        let session = session.to_string();
        let ask = self.client.http.ask(&super::routes::JOURNAL, &[&session])?.json(batch)?;
        let answer = ask.answer().await?;
        let about_the_batch = matches!(
            answer.status,
            StatusCode::BAD_REQUEST
                | StatusCode::NOT_FOUND
                | StatusCode::CONFLICT
                | StatusCode::PAYLOAD_TOO_LARGE
        );
        let taken: Taken = match answer.good() {
            Ok(answer) => answer.json()?,
            Err(error) if about_the_batch && !matches!(error, ClientError::Garbage { .. }) => {
                return Ok(Told::Refused(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        match (taken.batch == batch.batch, taken.number == batch.to) {
            (true, true) => Ok(Told::Arrived),
            (true, false) => Ok(Told::Refused("another batch of this number was taken up before".to_owned())),
            (false, _) => Err(ClientError::Invalid("the answer is about another batch".to_owned())),
        }
    }
}
