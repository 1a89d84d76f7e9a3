//! The writer thread: chains, encodes and stores what decisions put into the queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::RecordSink;
use super::note::Batch;
use super::queue::{Inner, LANE};

/// How long records may gather before they are written.
const GATHER: Duration = Duration::from_millis(5);
/// How often buffered records are forced to the disk.
const SYNC_EVERY: Duration = Duration::from_millis(500);

pub(super) fn run(inner: &Inner, sink: Box<dyn RecordSink>) {
    let ended = catch_unwind(AssertUnwindSafe(|| write_until_stopped(inner, sink)));
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => fail(inner, error.to_string()),
        Err(_) => fail(inner, "the sink panicked".to_owned()),
    }
}

fn fail(inner: &Inner, why: String) {
    tracing::error!(why, "records cannot be kept: nothing is permitted from now on");
    inner.fail(why);
}

fn write_until_stopped(inner: &Inner, mut sink: Box<dyn RecordSink>) -> std::io::Result<()> {
    let mut chain = sink.head();
    let mut spare = Batch::with_capacity(LANE);
    let mut taken = Vec::new();
    let mut unsynced = None;
    loop {
        let stopping = inner.stop.load(Ordering::Acquire);
        let batch = inner.drain(&mut taken, &mut spare);
        if !taken.is_empty() {
            let chained: Vec<_> = taken.drain(..).map(|record| chain.append(record)).collect();
            sink.write(&chained, inner.durable)?;
            if !inner.durable {
                unsynced.get_or_insert_with(std::time::Instant::now);
            }
        }
        if unsynced.is_some_and(|since| stopping || since.elapsed() >= SYNC_EVERY) {
            sink.write(&[], true)?;
            unsynced = None;
        }
        inner.finish(batch);
        if stopping && inner.is_empty() {
            return Ok(());
        }
        rest(inner, unsynced.is_some());
    }
}

/// Sleeps until there is something to do.
fn rest(inner: &Inner, unsynced: bool) {
    if inner.durable || unsynced {
        if !inner.durable || inner.is_empty() {
            std::thread::park_timeout(if inner.durable { SYNC_EVERY } else { GATHER });
        }
        return;
    }
    inner.asleep.store(true, Ordering::SeqCst);
    if inner.is_empty() && !inner.stop.load(Ordering::Acquire) {
        std::thread::park_timeout(SYNC_EVERY);
    }
    inner.asleep.store(false, Ordering::SeqCst);
    // Let a few more records gather: one write serves them all.
    if !inner.stop.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(1));
    }
}
