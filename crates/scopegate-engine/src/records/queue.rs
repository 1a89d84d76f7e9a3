//! The bounded queue between decisions and the writer.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

use scopegate_core::{DecisionRecord, SessionId};
use tokio::sync::Notify;

use super::note::{Batch, Entry};
use super::{RecordSink, writer};
use crate::session::Counting;
use crate::state::{Decided, More, NoRoom, StateChange, StateLog};

/// Sessions are spread over so many lanes; a session keeps its lane, so its records stay in order.
const LANES: usize = 8;
/// Records that fit into one lane.
pub(super) const LANE: usize = 1024;

/// Takes records, or takes none at all.
pub(crate) enum Journal {
    Nowhere,
    Queue {
        inner: Arc<Inner>,
        writer: Option<JoinHandle<()>>,
    },
    /// Keeps records and state in one; then there is no queue.
    State(Arc<dyn StateLog>),
}

pub(crate) struct Inner {
    lanes: [Mutex<Batch>; LANES],
    pub(super) durable: bool,
    pub(super) stop: AtomicBool,
    /// Why the writer gave up.
    failure: Mutex<Option<String>>,
    failed: AtomicBool,
    /// Whether the writer sleeps until it is woken.
    pub(super) asleep: AtomicBool,
    pub(super) thread: Mutex<Option<std::thread::Thread>>,
    /// Batches begun and finished: a record put in before batch n began is kept when n is done.
    pub(super) begun: AtomicU64,
    done: AtomicU64,
    /// Told after every batch and at failure.
    progress: Notify,
    lost_outcomes: AtomicUsize,
}

/// A place for one record, held until it is filled or given back.
pub(crate) enum Place<'a> {
    /// Nobody keeps records.
    Nowhere,
    Lane(Lane<'a>),
    State(Room<'a>),
}

/// A lane with room, locked.
pub(crate) struct Lane<'a>(MutexGuard<'a, Batch>, &'a Inner);

/// Room in a log of state; given back unless it is used.
pub(crate) struct Room<'a>(Option<&'a dyn StateLog>);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Some(log) = self.0.take() {
            log.release();
        }
    }
}

/// Waits for the record that was put in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// Nothing was put in.
    pub(crate) const NONE: Self = Self(0);
}

impl Journal {
    /// Whether it keeps anything.
    pub(crate) fn keeps(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// Hands records to `sink` on a thread of its own.
    pub(crate) fn start(sink: Box<dyn RecordSink>, durable: bool) -> std::io::Result<Self> {
        let inner = Arc::new(Inner {
            lanes: std::array::from_fn(|_| Mutex::new(Batch::with_capacity(LANE))),
            durable,
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
            failed: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            thread: Mutex::new(None),
            begun: AtomicU64::new(0),
            done: AtomicU64::new(0),
            progress: Notify::new(),
            lost_outcomes: AtomicUsize::new(0),
        });
        let shared = inner.clone();
        let thread = std::thread::Builder::new().name("scopegate-records".to_owned());
        let writer = thread.spawn(move || writer::run(&shared, sink))?;
        *lock(&inner.thread) = Some(writer.thread().clone());
        Ok(Self::Queue { inner, writer: Some(writer) })
    }

    /// A place for one record of the session. A denial never takes the last half of a lane.
    #[inline(always)]
    pub(crate) fn place(&self, session: SessionId, denial: bool) -> Result<Place<'_>, NoRoom> {
        match self {
            Self::Nowhere => Ok(Place::Nowhere),
            Self::Queue { inner, .. } => inner.place(session, denial).map(Place::Lane),
            Self::State(log) => {
                log.reserve(denial)?;
                Ok(Place::State(Room(Some(&**log))))
            }
        }
    }

    /// Whether a permit has to wait for the disk.
    #[inline]
    pub(crate) fn is_durable(&self) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Queue { inner, .. } => inner.durable,
            Self::State(log) => log.is_durable(),
        }
    }

    /// Whether state is kept beside records.
    pub(crate) fn state(&self) -> Option<&dyn StateLog> {
        match self {
            Self::State(log) => Some(&**log),
            _ => None,
        }
    }

    /// Waits for room, or for the failure that makes waiting pointless.
    pub(crate) async fn room(&self) {
        match self {
            Self::Nowhere => {}
            Self::State(log) => log.room().await,
            Self::Queue { inner, .. } => {
                let progress = inner.progress.notified();
                inner.wake();
                if !inner.failed.load(Ordering::Acquire) {
                    progress.await;
                }
            }
        }
    }

    /// Waits until the record is kept; false when it could not be.
    pub(crate) async fn kept(&self, ticket: Ticket) -> bool {
        match self {
            Self::Nowhere => true,
            Self::State(log) => log.kept(ticket.0).await,
            Self::Queue { inner, .. } => inner.kept(ticket).await,
        }
    }

    /// Notes an outcome; counted as lost when there is no room, because this never waits.
    pub(crate) fn outcome(&self, entry: Entry<'_>) {
        match self {
            Self::Nowhere => {}
            Self::State(log) => {
                if log.reserve(true).is_ok() {
                    log.append(StateChange::Decided(Box::new(Decided::new(entry.into(), More::default()))));
                }
            }
            Self::Queue { inner, .. } => match inner.try_lane(entry.id.session) {
                Some(mut lane) if lane.len() < LANE && !inner.failed.load(Ordering::Acquire) => {
                    lane.push(&entry);
                    drop(lane);
                    inner.nudge();
                }
                _ => {
                    inner.lost_outcomes.fetch_add(1, Ordering::Relaxed);
                }
            },
        }
    }

    /// Why records cannot be kept, if so.
    pub(crate) fn failure(&self) -> Option<String> {
        self.queue().and_then(|inner| lock(&inner.failure).clone())
    }

    /// Outcomes that found no room.
    pub(crate) fn lost_outcomes(&self) -> usize {
        self.queue().map_or(0, |inner| inner.lost_outcomes.load(Ordering::Relaxed))
    }

    /// Waits until everything so far is kept; false when it could not be.
    pub(crate) async fn flush(&self) -> bool {
        match self.queue() {
            Some(inner) => inner.kept(inner.ticket()).await,
            None => true,
        }
    }

    fn queue(&self) -> Option<&Inner> {
        match self {
            Self::Queue { inner, .. } => Some(inner),
            _ => None,
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Self::Queue { inner, writer } = self
            && let Some(writer) = writer.take()
        {
            inner.stop.store(true, Ordering::Release);
            inner.wake();
            // The writer empties the queue before it ends; a panic there has been told as a failure.
            let _ = writer.join();
        }
    }
}

impl Place<'_> {
    /// All records of a session go through one lane, which is locked here.
    pub(crate) fn counting(&self) -> Counting {
        match self {
            Self::Lane(_) => Counting::Alone,
            Self::Nowhere | Self::State(_) => Counting::BesideOthers,
        }
    }

    /// Puts the record in, and where state is kept, what else the decision changed.
    #[inline(always)]
    pub(crate) fn fill<'e>(self, entry: impl FnOnce() -> Entry<'e>, more: impl FnOnce() -> More) -> Ticket {
        match self {
            Self::Nowhere => Ticket::NONE,
            Self::Lane(Lane(mut lane, inner)) => {
                lane.push(&entry());
                let ticket = inner.ticket();
                drop(lane);
                inner.nudge();
                ticket
            }
            Self::State(mut room) => match room.0.take() {
                Some(log) => {
                    let decided = Decided::new(entry().into(), more());
                    Ticket(log.append(StateChange::Decided(Box::new(decided))))
                }
                None => Ticket::NONE,
            },
        }
    }
}

impl Inner {
    #[inline(always)]
    fn place(&self, session: SessionId, denial: bool) -> Result<Lane<'_>, NoRoom> {
        if self.failed.load(Ordering::Acquire) {
            return Err(NoRoom::Failed);
        }
        let lane = self.lane(session);
        if lane.len() >= if denial { LANE / 2 } else { LANE } {
            return Err(NoRoom::Full);
        }
        Ok(Lane(lane, self))
    }

    async fn kept(&self, ticket: Ticket) -> bool {
        loop {
            let progress = self.progress.notified();
            if self.done.load(Ordering::Acquire) >= ticket.0 {
                return true;
            }
            if self.failed.load(Ordering::Acquire) {
                return false;
            }
            self.wake();
            progress.await;
        }
    }

    fn lane(&self, session: SessionId) -> MutexGuard<'_, Batch> {
        let at = (session.bits() as usize) % LANES;
        let lane = self.lanes.get(at).unwrap_or(&self.lanes[0]);
        lock(lane)
    }

    fn try_lane(&self, session: SessionId) -> Option<MutexGuard<'_, Batch>> {
        match self.lanes.get((session.bits() as usize) % LANES)?.try_lock() {
            Ok(lane) => Some(lane),
            Err(TryLockError::Poisoned(lane)) => Some(lane.into_inner()),
            // Held for some nanoseconds by another decision of this lane.
            Err(TryLockError::WouldBlock) => Some(self.lane(session)),
        }
    }

    /// The batch that will hold what is in the lanes now.
    fn ticket(&self) -> Ticket {
        Ticket(self.begun.load(Ordering::Acquire) + 1)
    }

    fn nudge(&self) {
        if self.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    fn wake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
        if let Some(thread) = &*lock(&self.thread) {
            thread.unpark();
        }
    }

    /// Takes everything out of the lanes.
    pub(super) fn drain(&self, into: &mut Vec<DecisionRecord>, spare: &mut Batch) -> u64 {
        let batch = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        for lane in &self.lanes {
            std::mem::swap(&mut *lock(lane), spare);
            into.extend(spare.drain());
            spare.clear();
        }
        batch
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lock(lane).is_empty())
    }

    pub(super) fn finish(&self, batch: u64) {
        self.done.store(batch, Ordering::Release);
        self.progress.notify_waiters();
    }

    pub(super) fn fail(&self, why: String) {
        *lock(&self.failure) = Some(why);
        self.failed.store(true, Ordering::Release);
        self.progress.notify_waiters();
    }
}

/// Nothing here is left half done by a panic, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
