//! The one writer: a bounded queue, first in first out, and a thread that commits whatever waited.
//!
//! There is no timer in the way of an answer: while one batch is being synced the next one
//! gathers; only what no answer waits for is gathered for some milliseconds. An answer goes out when its [`Ticket`] is [kept](WriterHandle::kept).

mod queue;
mod run;
mod steady;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use scopegate_engine::{Clock, Durability};
use tokio::sync::{oneshot, watch};

use self::queue::Queue;
use super::{Change, Store};

/// How long buffered changes are gathered that nobody waits for: each commit costs more than a change.
const GATHER: Duration = Duration::from_millis(10);

/// A place in the order of all changes; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// The place as a number, for whoever keeps it among numbers.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The place that a number stands for. One that nobody was given is kept already, or never.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// Why there is no place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "whoever decides must tell the two apart")]
pub enum NoPlace {
    /// There will be room again.
    #[error("too many changes wait to be kept; try again")]
    Full,
    /// The store has failed, or the writer was stopped: never again.
    #[error("changes cannot be kept any more")]
    Failed,
}

/// Whether a change was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an answer must not go out by mistake")]
pub enum Kept {
    /// It was.
    Yes,
    /// It was not, and nothing will be any more.
    No(Arc<str>),
}

/// The writer's thread. Dropping it keeps what was handed over, and stops.
#[derive(Debug)]
pub struct Writer {
    handle: WriterHandle,
    thread: Option<JoinHandle<()>>,
}

/// Hands changes to the writer.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    queue: Arc<Queue>,
    failure: watch::Receiver<Option<Arc<str>>>,
    elsewhere: watch::Receiver<u64>,
}

/// Room for one change, given back when it is not used.
#[derive(Debug)]
#[must_use = "a place that is not filled is given back"]
pub struct Place<'a>(&'a WriterHandle);

impl Writer {
    /// Starts the thread. At most `capacity` changes wait or are being committed at a time.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        store: impl Store,
        clock: Arc<dyn Clock>,
        durability: Durability,
        capacity: usize,
    ) -> std::io::Result<Self> {
        let (failed, failure) = watch::channel(None);
        let (changed, elsewhere) = watch::channel(0);
        let gather = if durability == Durability::Buffered { GATHER } else { Duration::ZERO };
        let queue = Arc::new(Queue::new(capacity, gather));
        let handle = WriterHandle { queue: queue.clone(), failure, elsewhere };
        let work = run::Work { queue, clock, durability, failed, changed };
        let thread = std::thread::Builder::new().name("scopegate-writer".to_owned());
        let thread = Some(thread.spawn(move || work.run(store))?);
        Ok(Self { handle, thread })
    }

    /// What the rest of the plane uses.
    pub fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Takes nothing more, keeps what was handed over, signs the logs, and ends.
    pub fn stop(mut self) -> Kept {
        self.end();
        self.handle.failure.borrow().clone().map_or(Kept::Yes, Kept::No)
    }

    fn end(&mut self) {
        self.handle.queue.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told as a failure.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

impl WriterHandle {
    /// Room for one change. A denial never takes the last half: a flood of them must not keep
    /// permits out.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn reserve(&self, denial: bool) -> Result<Place<'_>, NoPlace> {
        self.queue.take(1, denial)?;
        Ok(Place(self))
    }

    /// Room for one change, that [`append`](Self::append) fills or [`release`](Self::release)
    /// gives back: for callers that cannot hold a [`Place`].
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn take(&self, denial: bool) -> Result<(), NoPlace> {
        self.queue.take(1, denial)
    }

    /// Gives back room that was taken.
    pub fn release(&self) {
        self.queue.give_back(1);
    }

    /// Puts a change into room that was taken. Whoever holds the locks that the change was decided
    /// under calls this before they go: so changes have the order they were made in.
    pub fn append(&self, change: Change) -> Ticket {
        self.queue.put(vec![change])
    }

    /// Changes that are all kept or none.
    ///
    /// # Errors
    /// [`NoPlace`]; nothing was handed over.
    pub fn submit(&self, changes: Vec<Change>) -> Result<Ticket, NoPlace> {
        self.queue.take(changes.len(), false)?;
        Ok(self.queue.put(changes))
    }

    /// Waits until a change is kept, or never will be.
    pub async fn kept(&self, ticket: Ticket) -> Kept {
        let (tell, told) = oneshot::channel();
        match self.queue.wait(ticket, tell) {
            Some(kept) => kept,
            None => told.await.unwrap_or_else(|_| Kept::No("the writer is gone".into())),
        }
    }

    /// Waits until there may be room again, or there never will be.
    pub async fn room(&self) {
        self.queue.room().await;
    }

    /// Why changes cannot be kept any more; watch it to end the process.
    pub fn failure(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.failure.clone()
    }

    /// Changes each time another process has written to the store.
    pub fn changed_elsewhere(&self) -> watch::Receiver<u64> {
        self.elsewhere.clone()
    }
}

impl Place<'_> {
    /// Fills the place.
    pub fn append(self, change: Change) -> Ticket {
        let handle = self.0;
        std::mem::forget(self);
        handle.append(change)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}
