//! What was decided here, on its way to the plane: in order, numbered, and bounded.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use scopegate_core::{ChainHead, ChainedRecord, DecisionRecord, Event, PermitId, SessionId, Timestamp};
use scopegate_engine::{FileSink, RecordSink};

use super::book::{Batch, Book, is_outcome};
use super::lock;

/// Items that may wait. Whoever records more waits, and then calls are asked of the plane.
const MOST: usize = 20_000;
/// The session of a token that this process did not make.
pub(super) const NOBODY: SessionId = SessionId::from_bits(0);

/// All that waits to be sent.
#[derive(Default)]
pub(super) struct Journal {
    waiting: Mutex<Waiting>,
    room: Condvar,
    /// Decisions that were recorded here, and those that can never be sent.
    pub(super) decided: AtomicU64,
    pub(super) lost: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    /// By session, decisions under fail-open apart.
    books: HashMap<(SessionId, bool), Book>,
    /// The versions of roles that sessions were lent on.
    versions: HashMap<SessionId, u64>,
    items: usize,
    closed: bool,
}

impl Journal {
    /// The version of the role that a session is decided on from here on.
    pub(super) fn version(&self, session: SessionId, version: u64) {
        lock(&self.waiting).versions.insert(session, version);
    }

    /// What became of a call that the plane permitted.
    pub(super) fn outcome(&self, permit: PermitId, event: Event, at: Timestamp) {
        let mut waiting = lock(&self.waiting);
        // Of a session that was opened elsewhere, the plane takes no journal from here.
        if waiting.items >= MOST || waiting.closed || permit.session == NOBODY {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.put(&DecisionRecord::new(permit, at, event), false);
    }

    /// The next batch of every session that has one; those on their way are given again.
    pub(super) fn batches(&self) -> Vec<(SessionId, Batch)> {
        let mut waiting = lock(&self.waiting);
        let of = |((session, fail_open), book): (&(SessionId, bool), &mut Book)| {
            Some((*session, book.next(*fail_open)?))
        };
        waiting.books.iter_mut().filter_map(of).collect()
    }

    /// Takes up what an earlier process decided under fail-open and did not send.
    pub(super) fn adopt(&self, session: SessionId, book: Book) {
        let mut waiting = lock(&self.waiting);
        waiting.items += book.items();
        waiting.books.insert((session, true), book);
    }

    /// A batch arrived, or never will. False when somebody else has said so before.
    pub(super) fn settle(&self, session: SessionId, batch: &Batch, arrived: bool) -> bool {
        let mut waiting = lock(&self.waiting);
        let book = waiting.books.get_mut(&(session, batch.fail_open));
        if !book.is_some_and(|book| book.settle(batch.batch)) {
            return false;
        }
        let items = batch.items();
        waiting.items = waiting.items.saturating_sub(items);
        if !arrived {
            self.lost.fetch_add(items as u64, Ordering::Relaxed);
        }
        drop(waiting);
        self.room.notify_all();
        true
    }

    /// Forgets the journals of sessions that are over, where nothing waits.
    pub(super) fn forget(&self, is_over: impl Fn(SessionId) -> bool) {
        let mut waiting = lock(&self.waiting);
        waiting.books.retain(|(session, _), book| !book.is_empty() || !is_over(*session));
        waiting.versions.retain(|session, _| !is_over(*session));
    }

    /// Whether nothing waits that was decided under fail-open in one of these sessions.
    pub(super) fn has_sent(&self, mut sessions: impl Iterator<Item = SessionId>) -> bool {
        let waiting = lock(&self.waiting);
        sessions.all(|session| waiting.books.get(&(session, true)).is_none_or(Book::is_empty))
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.waiting).books.values().all(Book::is_empty)
    }

    /// Takes nothing more, and lets go of whoever waits for room.
    pub(super) fn close(&self) {
        lock(&self.waiting).closed = true;
        self.room.notify_all();
    }

    fn take(&self, records: &[ChainedRecord], fail_open: bool) {
        let mut waiting = lock(&self.waiting);
        // What is decided under fail-open is bounded, and on disk: it waits for no plane.
        while waiting.items >= MOST && !waiting.closed && !fail_open {
            let waited = self.room.wait_timeout(waiting, Duration::from_millis(100));
            (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        for record in records.iter().map(|line| &line.record) {
            if record.id.session == NOBODY {
                continue; // nobody's token: there is no session to send it for
            }
            if !is_outcome(record.event) {
                self.decided.fetch_add(1, Ordering::Relaxed);
            }
            waiting.put(record, fail_open);
        }
    }
}

impl Waiting {
    fn put(&mut self, record: &DecisionRecord, fail_open: bool) {
        let session = record.id.session;
        let version = self.versions.get(&session).copied().unwrap_or_default();
        let book = self.books.entry((session, fail_open)).or_insert_with(|| Book::new(fail_open));
        self.items += book.put(record, version);
    }
}

/// Where the local engine's records go.
pub(super) struct ToPlane(pub(super) Arc<Journal>);

impl RecordSink for ToPlane {
    fn head(&self) -> ChainHead {
        ChainHead::new("local")
    }

    fn write(&mut self, batch: &[ChainedRecord], _: bool) -> io::Result<()> {
        self.0.take(batch, false);
        Ok(())
    }
}

/// Where the records go of what was permitted without the plane: on disk first.
pub(super) struct ToDisk {
    pub(super) file: FileSink,
    pub(super) journal: Arc<Journal>,
}

impl RecordSink for ToDisk {
    fn head(&self) -> ChainHead {
        self.file.head()
    }

    fn write(&mut self, batch: &[ChainedRecord], sync: bool) -> io::Result<()> {
        self.file.write(batch, sync)?;
        self.journal.take(batch, true);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use scopegate_core::DenyCode;

    use super::super::seat::LOCAL;
    use super::*;

    const SESSION: SessionId = SessionId::from_bits(7);

    fn record(number: u64, event: Event, second: u64) -> DecisionRecord {
        let id = PermitId { session: SESSION, number: LOCAL + number };
        DecisionRecord::new(id, Timestamp::from_secs(second), event)
    }

    fn put(journal: &Journal, records: &[DecisionRecord]) {
        let mut chain = ChainHead::new("test");
        let lines: Vec<_> = records.iter().map(|record| chain.append(record.clone())).collect();
        journal.take(&lines, false);
    }

    fn sent(journal: &Journal) -> Option<(u64, u64, usize, u64)> {
        let (_, batch) = journal.batches().pop()?;
        let counted = batch.omitted.values().sum();
        Some((batch.from - LOCAL, batch.to - LOCAL, batch.entries.len(), counted))
    }

    fn settle(journal: &Journal) {
        let (session, batch) = journal.batches().pop().unwrap();
        assert!(journal.settle(session, &batch, true));
    }

    #[test]
    fn a_batch_that_two_sent_is_settled_once() {
        let journal = Journal::default();
        put(&journal, &[record(1, Event::Permit, 0)]);
        let (session, first) = journal.batches().pop().unwrap();
        settle(&journal);
        put(&journal, &[record(2, Event::Permit, 0)]);
        assert_eq!(sent(&journal), Some((2, 2, 1, 0)));
        assert!(!journal.settle(session, &first, true), "the second is on its way by now");
        assert!(!journal.settle(session, &first, false));
        assert_eq!(sent(&journal), Some((2, 2, 1, 0)), "and stays so");
        assert_eq!((lock(&journal.waiting).items, journal.lost.load(Ordering::Relaxed)), (1, 0));
    }

    #[test]
    fn a_batch_stays_the_same_until_it_arrived() {
        let journal = Journal::default();
        assert_eq!(sent(&journal), None);
        put(&journal, &[record(1, Event::Permit, 0), record(2, Event::Permit, 0)]);
        assert_eq!(sent(&journal), Some((1, 2, 2, 0)));
        put(&journal, &[record(3, Event::Permit, 0), record(1, Event::Ran, 0)]);
        assert_eq!(sent(&journal), Some((1, 2, 2, 0)));
        settle(&journal);
        assert_eq!(sent(&journal), Some((3, 3, 2, 0)));
        settle(&journal);
        put(&journal, &[record(3, Event::Failed, 0)]);
        assert_eq!(sent(&journal), Some((4, 3, 1, 0)), "an outcome alone covers no number");
        settle(&journal);
        assert!(journal.is_empty());
        assert_eq!(lock(&journal.waiting).items, 0);
    }

    #[test]
    fn denials_beyond_sixty_a_minute_are_counted() {
        let journal = Journal::default();
        let deny = Event::Deny(DenyCode::ScopeViolation);
        let flood: Vec<_> = (1..=1_000).map(|number| record(number, deny, 5)).collect();
        put(&journal, &flood);
        assert_eq!(sent(&journal), Some((1, 1_000, 60, 940)));
        settle(&journal);
        put(&journal, &[record(1_001, Event::Permit, 6), record(1_002, deny, 7), record(1_003, deny, 60)]);
        assert_eq!(sent(&journal), Some((1_001, 1_003, 2, 1)), "a permit is always written down");
        settle(&journal);
        assert_eq!(lock(&journal.waiting).items, 0);
    }

    #[test]
    fn large_journals_go_in_pieces_without_a_gap() {
        let journal = Journal::default();
        let many: Vec<_> = (1..=1_200).map(|number| record(number, Event::Permit, 0)).collect();
        put(&journal, &many);
        for expected in [(1, 500, 500, 0), (501, 1_000, 500, 0), (1_001, 1_200, 200, 0)] {
            assert_eq!(sent(&journal), Some(expected));
            settle(&journal);
        }
        assert_eq!(journal.decided.load(Ordering::Relaxed), 1_200);
    }
}
