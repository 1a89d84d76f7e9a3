//! The writer's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use scopegate_engine::{Clock, Durability};
use tokio::sync::watch;

use super::queue::Queue;
use super::steady::Steady;
use crate::store::{Store, StoreError};

/// How often the thread looks up when nothing waits, and whether others have written.
const LOOK: Duration = Duration::from_millis(100);
/// How often the logs are signed and what is buffered is synced: with the look before it and what is
/// gathered, within a second.
const SIGN: Duration = Duration::from_millis(850);

/// How often the store forgets what is long over; sooner when there is much of it.
const FORGET: Duration = Duration::from_secs(60);
const FORGET_ON: Duration = Duration::from_secs(1);

pub(super) struct Work {
    pub(super) queue: Arc<Queue>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) durability: Durability,
    pub(super) failed: watch::Sender<Option<Arc<str>>>,
    pub(super) changed: watch::Sender<u64>,
}

impl Work {
    pub(super) fn run(self, mut store: impl Store) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.write(&mut store)));
        let why: Arc<str> = match ended {
            Ok(Ok(())) => return self.queue.fail(&"the writer was stopped".into()),
            Ok(Err(error)) => error.to_string().into(),
            Err(_) => "the store panicked".into(),
        };
        tracing::error!(%why, "changes cannot be kept: nothing is permitted from now on");
        self.queue.fail(&why);
        self.failed.send_replace(Some(why));
    }

    fn write(&self, store: &mut impl Store) -> Result<(), StoreError> {
        let steady = Steady::new(self.clock.clone());
        let (mut looked, mut signed, mut forget_at) = (Instant::now(), Instant::now(), Instant::now());
        loop {
            if let Some(batch) = self.queue.next(LOOK) {
                store.commit(&batch.changes, self.durability)?;
                self.queue.kept(&batch);
                // A commit that syncs nothing is soon over: let others hand more over before the next one,
                // also where there is one processor for all of them.
                thread::yield_now();
            }
            let finished = self.queue.is_finished();
            if finished || signed.elapsed() >= SIGN {
                signed = Instant::now();
                store.checkpoint(self.clock.now())?;
            }
            if finished {
                return Ok(());
            }
            if Instant::now() >= forget_at {
                let more = store.forget(steady.now())?;
                forget_at = Instant::now() + if more { FORGET_ON } else { FORGET };
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                if store.changed_elsewhere()? {
                    self.changed.send_modify(|times| *times += 1);
                }
            }
        }
    }
}
