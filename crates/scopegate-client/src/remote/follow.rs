//! Follows the plane: what changed as it happens, and that nothing did, again and again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use scopegate_core::Timestamp;
use serde::Deserialize;
use tokio::time::sleep;

use super::events::{Event, Reader};
use super::lease::Moment;
use super::{Inner, lock, ship};
use crate::error::ClientError;
use crate::routes;
use crate::wire::Epoch;

/// How often a lease is confirmed while it is used.
const CONFIRM: Duration = Duration::from_millis(1_500);
/// After so many confirmations that nobody used, none are asked for until somebody does.
const IDLE: u32 = 20;
/// Pauses between attempts to listen.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
struct Told {
    incarnation: u64,
    counter: u64,
    now: Timestamp,
}

impl Inner {
    /// Starts the tasks that follow the plane, once. They end with the enforcer.
    pub(super) fn follow(self: &Arc<Self>) {
        if !self.following.swap(true, Ordering::AcqRel) {
            tokio::spawn(confirm(Arc::downgrade(self)));
            tokio::spawn(listen(Arc::downgrade(self)));
            tokio::spawn(ship::run(Arc::downgrade(self)));
        }
    }

    /// Asks the plane for its epoch: the round trip that keeps what was lent.
    pub(super) async fn confirm(&self) -> Result<(), ClientError> {
        let left = lock(&self.scopes).leaving(Moment::now(&*self.clocks));
        let told: Told = match self.client.http.ask(&routes::EPOCH, &[])?.told().await {
            Ok(told) => told,
            Err(error) => {
                // Only silence leaves what was lent as it was.
                if !error.is_outage() {
                    lock(&self.scopes).shut();
                }
                return Err(error);
            }
        };
        let epoch = Epoch { incarnation: told.incarnation, counter: told.counter };
        let back = Moment::now(&*self.clocks);
        lock(&self.scopes).confirm(left, back, epoch, (super::lease::LONGEST, told.now));
        Ok(())
    }

    /// A key that the plane does not take may have been revoked: nothing is lent to whoever may not ask.
    pub(super) fn heed(&self, error: &ClientError) {
        if matches!(error, ClientError::Unauthorized(_) | ClientError::Forbidden(_)) {
            lock(&self.scopes).shut();
        }
    }

    pub(super) fn hear(&self, event: &Event) {
        // Held until what changed is taken back: an answer of before must not come between.
        let mut scopes = lock(&self.scopes);
        match event {
            Event::Epoch(epoch) => scopes.hear(*epoch, false),
            Event::Change(epoch, touched) => {
                scopes.hear(*epoch, true);
                // Also when the epoch was heard of before: who asked for it was not told what changed.
                self.seats.touch(touched);
            }
        }
    }
}

async fn confirm(inner: Weak<Inner>) {
    let mut unused = 0;
    loop {
        sleep(CONFIRM).await;
        let Some(inner) = inner.upgrade() else { return };
        unused = if inner.lease.was_used() { 0 } else { unused + 1 };
        if unused < IDLE
            && let Err(error) = inner.confirm().await
        {
            tracing::debug!(%error, "the lease was not confirmed");
        }
    }
}

async fn listen(inner: Weak<Inner>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match hear(&inner).await {
            Ok(Heard::Something) => pause = FIRST_PAUSE,
            Ok(Heard::Nothing) => pause = (pause * 2).min(LAST_PAUSE),
            Ok(Heard::Gone) => return,
            Err(error) => {
                tracing::debug!(%error, "the plane's events cannot be heard; its epoch is asked for instead");
                pause = (pause * 2).min(LAST_PAUSE);
            }
        }
        sleep(pause).await;
    }
}

#[derive(Debug)]
pub(super) enum Heard {
    Something,
    Nothing,
    /// The enforcer is gone.
    Gone,
}

/// Listens until the stream ends.
pub(super) async fn hear(enforcer: &Weak<Inner>) -> Result<Heard, ClientError> {
    let Some(inner) = enforcer.upgrade() else { return Ok(Heard::Gone) };
    let asking = inner.listener.http.ask(&super::routes::EVENTS, &[])?.stream().await;
    if let Err(error) = &asking {
        inner.heed(error);
    }
    drop(inner);
    let (mut pieces, mut reader, mut heard) = (asking?, Reader::default(), Heard::Nothing);
    while let Some(piece) = pieces.next().await? {
        let Some(inner) = enforcer.upgrade() else { return Ok(Heard::Gone) };
        let Ok(events) = reader.read(&piece) else {
            // It may have been the one that takes everything back.
            lock(&inner.scopes).shut();
            return Ok(Heard::Nothing);
        };
        for event in &events {
            inner.hear(event);
            heard = Heard::Something;
        }
    }
    Ok(heard)
}
