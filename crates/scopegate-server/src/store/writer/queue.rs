//! The queue: who waits for room, what waits for the disk, who waits for an answer.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::{Kept, NoPlace, Ticket};
use crate::store::Change;

/// Most changes in one transaction, unless one hand-over alone has more.
const BATCH: usize = 256;

#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    /// How long changes that nobody waits for are gathered before they are committed.
    gather: Duration,
    state: Mutex<State>,
    work: Condvar,
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Hand-overs that are not being committed yet, and how many changes they have.
    waiting: VecDeque<Vec<Change>>,
    changes: usize,
    /// Room that is taken: for changes to come, waiting, and being committed.
    taken: usize,
    /// How many were handed over, and how many of them were kept.
    next: u64,
    done: u64,
    askers: Vec<(Ticket, oneshot::Sender<Kept>)>,
    failed: Option<Arc<str>>,
    stopping: bool,
}

/// What the thread commits next.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    hand_overs: u64,
}

impl Queue {
    pub(super) fn new(capacity: usize, gather: Duration) -> Self {
        Self { capacity, gather, state: Mutex::default(), work: Condvar::new(), room: Notify::new() }
    }

    pub(super) fn take(&self, changes: usize, denial: bool) -> Result<(), NoPlace> {
        let mut state = self.lock();
        if state.failed.is_some() || state.stopping {
            return Err(NoPlace::Failed);
        }
        let most = if denial { self.capacity / 2 } else { self.capacity };
        // What is larger than the queue fits into an empty one.
        let alone = state.taken == 0 && !denial;
        if !alone && state.taken.saturating_add(changes) > most {
            return Err(NoPlace::Full);
        }
        state.taken += changes;
        Ok(())
    }

    pub(super) fn give_back(&self, changes: usize) {
        let mut state = self.lock();
        state.taken = state.taken.saturating_sub(changes);
        drop(state);
        self.room.notify_waiters();
    }

    pub(super) fn put(&self, changes: Vec<Change>) -> Ticket {
        let mut state = self.lock();
        state.next += 1;
        let ticket = Ticket(state.next);
        if state.failed.is_none() {
            // In between the thread sleeps on, and looks by itself when it is time.
            let is_first = state.waiting.is_empty();
            state.changes += changes.len();
            state.waiting.push_back(changes);
            let is_due = is_first || state.is_due();
            drop(state);
            if is_due {
                self.work.notify_one();
            }
        }
        ticket
    }

    /// Tells at once, or later through `tell`.
    pub(super) fn wait(&self, ticket: Ticket, tell: oneshot::Sender<Kept>) -> Option<Kept> {
        let mut state = self.lock();
        if ticket.0 <= state.done {
            return Some(Kept::Yes);
        }
        if let Some(why) = &state.failed {
            return Some(Kept::No(why.clone()));
        }
        state.askers.push((ticket, tell));
        drop(state);
        self.work.notify_one();
        None
    }

    pub(super) async fn room(&self) {
        let notified = self.room.notified();
        tokio::pin!(notified);
        // Registered before the look, so that no room is missed.
        notified.as_mut().enable();
        if !self.has_room() {
            notified.await;
        }
    }

    fn has_room(&self) -> bool {
        let state = self.lock();
        state.taken < self.capacity / 2 || state.failed.is_some() || state.stopping
    }

    /// What waits, once something does; `None` when nothing came within `patience`.
    pub(super) fn next(&self, patience: Duration) -> Option<Batch> {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.stopping;
        let state = self.work.wait_timeout_while(self.lock(), patience, idle);
        let (state, _) = state.unwrap_or_else(PoisonError::into_inner);
        let mut state = self.gathered(state);
        let mut batch = Batch::default();
        while let Some(first) = state.waiting.front() {
            if !batch.changes.is_empty() && batch.changes.len() + first.len() > BATCH {
                break;
            }
            batch.changes.extend(state.waiting.pop_front().unwrap_or_default());
            batch.hand_overs += 1;
        }
        state.changes = state.changes.saturating_sub(batch.changes.len());
        (batch.hand_overs > 0).then_some(batch)
    }

    fn gathered<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        if self.gather.is_zero() {
            return state;
        }
        let gathering = |state: &mut State| !state.waiting.is_empty() && !state.is_due();
        let state = self.work.wait_timeout_while(state, self.gather, gathering);
        state.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Everything of the batch is kept: whoever asked is told.
    pub(super) fn kept(&self, batch: &Batch) {
        let mut state = self.lock();
        state.done += batch.hand_overs;
        state.taken = state.taken.saturating_sub(batch.changes.len());
        let done = state.done;
        let told: Vec<_> = state.askers.extract_if(.., |(ticket, _)| ticket.0 <= done).collect();
        drop(state);
        tell(told, &Kept::Yes);
        self.room.notify_waiters();
    }

    /// Nothing is kept any more.
    pub(super) fn fail(&self, why: &Arc<str>) {
        let mut state = self.lock();
        state.failed.get_or_insert_with(|| why.clone());
        state.waiting.clear();
        state.changes = 0;
        let told = std::mem::take(&mut state.askers);
        drop(state);
        tell(told, &Kept::No(why.clone()));
        self.room.notify_waiters();
    }

    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.work.notify_one();
        self.room.notify_waiters();
    }

    /// Whether the thread should end: it was told to, and nobody holds a place any more.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.lock();
        state.stopping && state.waiting.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether what waits has to be committed now: for somebody, or because there is enough of it.
    fn is_due(&self) -> bool {
        !self.askers.is_empty() || self.stopping || self.changes >= BATCH
    }
}

fn tell(askers: Vec<(Ticket, oneshot::Sender<Kept>)>, kept: &Kept) {
    for (_, asker) in askers {
        // Whoever went away need not be told.
        let _ = asker.send(kept.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::store::TenantId;

    const LONG: Duration = Duration::from_secs(600);

    fn change() -> Vec<Change> {
        let tenant = TenantId::parse("default").unwrap();
        vec![Change::Accounts { tenant, accounts: Vec::new() }]
    }

    fn queue(gather: Duration) -> Queue {
        Queue::new(4 * BATCH, gather)
    }

    /// How many hand-overs are committed next, while something is done.
    fn next_during(queue: &Queue, done: impl FnOnce()) -> Option<u64> {
        thread::scope(|scope| {
            let next = scope.spawn(|| queue.next(LONG).map(|batch| batch.hand_overs));
            done();
            next.join().unwrap()
        })
    }

    #[test]
    fn what_nobody_waits_for_is_gathered_until_there_is_enough() {
        let queue = queue(LONG);
        let put = || (0..BATCH).for_each(|_| _ = queue.put(change()));
        assert_eq!(next_during(&queue, put), Some(BATCH as u64));
    }

    #[test]
    fn or_until_somebody_waits() {
        let queue = queue(LONG);
        let first = queue.put(change());
        let (tell, _told) = oneshot::channel();
        let wait = || assert!(queue.wait(first, tell).is_none());
        assert_eq!(next_during(&queue, wait), Some(1));
    }

    #[test]
    fn or_until_it_is_time() {
        let queue = queue(Duration::from_millis(1));
        queue.put(change());
        assert_eq!(queue.next(LONG).map(|batch| batch.hand_overs), Some(1));
    }

    #[test]
    fn or_until_the_end() {
        let queue = queue(LONG);
        queue.put(change());
        assert_eq!(next_during(&queue, || queue.stop()), Some(1));
    }

    #[test]
    fn without_gathering_nothing_is_late() {
        let queue = queue(Duration::ZERO);
        queue.put(change());
        assert_eq!(queue.next(LONG).map(|batch| batch.hand_overs), Some(1));
    }
}
