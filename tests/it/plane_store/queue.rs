//! The writer: order, room, and what happens when the disk fails.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use scopegate_core::Timestamp;
use scopegate_engine::{Durability, ManualClock};
use scopegate_server::store::{
    Access, Archive, Change, Kept, NoPlace, SqliteStore, State, Store, StoreError, Writer, WriterHandle,
};

use super::{at, denial, permit, session, store, tenant};
use crate::engine::NOON;

fn start(store: impl Store, capacity: usize) -> Writer {
    let clock = Arc::new(ManualClock::new(NOON));
    Writer::start(store, clock, Durability::Durable, capacity).expect("a thread")
}

/// A disk that commits when it is told to, and says how many changes at a time.
struct Slow {
    go: Receiver<Result<(), &'static str>>,
    sizes: Sender<usize>,
    seen: Arc<Mutex<Vec<Change>>>,
}

impl Store for Slow {
    fn load(&mut self) -> Result<State, StoreError> {
        Ok(State::default())
    }

    fn access(&mut self) -> Result<Access, StoreError> {
        Ok(Access::default())
    }

    fn commit(&mut self, batch: &[Change], _: Durability) -> Result<(), StoreError> {
        self.sizes.send(batch.len()).expect("a listener");
        self.go.recv().expect("a word").map_err(|why| StoreError::Damaged(why.to_owned()))?;
        self.seen.lock().expect("a list").extend_from_slice(batch);
        Ok(())
    }

    fn checkpoint(&mut self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    fn forget(&mut self, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        Ok(false)
    }
}

struct Disk {
    go: Sender<Result<(), &'static str>>,
    sizes: Receiver<usize>,
    seen: Arc<Mutex<Vec<Change>>>,
}

fn slow(capacity: usize) -> (Writer, Disk) {
    let ((go, wait), (sizes, told), seen) = (channel(), channel(), Arc::default());
    let store = Slow { go: wait, sizes, seen: Arc::clone(&seen) };
    (start(store, capacity), Disk { go, sizes: told, seen })
}

fn put(handle: &WriterHandle, change: Change) -> scopegate_server::store::Ticket {
    handle.reserve(false).expect("room").append(change)
}

#[tokio::test]
async fn changes_are_kept_in_the_order_they_came() {
    let (writer, disk) = slow(4096);
    let handle = writer.handle();
    put(&handle, permit(1, 1));
    assert_eq!(disk.sizes.recv(), Ok(1), "the first does not wait for others");
    // While it is being committed, others gather: at most 256 in one transaction.
    let tickets: Vec<_> = (2..=600).map(|n| put(&handle, permit(1, n))).collect();
    assert!(tickets.is_sorted());
    for size in [256, 256, 87] {
        disk.go.send(Ok(())).expect("the disk");
        assert_eq!(disk.sizes.recv(), Ok(size));
    }
    disk.go.send(Ok(())).expect("the disk");
    assert_eq!(handle.kept(tickets[598]).await, Kept::Yes);
    let seen = disk.seen.lock().expect("a list");
    let numbers = seen.iter().map(|change| match change {
        Change::Decision(row) => row.record.id.number,
        other => panic!("{other:?}"),
    });
    assert!(numbers.eq(1..=600));
}

#[tokio::test]
async fn a_submission_is_never_split() {
    let (writer, disk) = slow(4096);
    let handle = writer.handle();
    put(&handle, permit(1, 1));
    assert_eq!(disk.sizes.recv(), Ok(1));
    for n in 2..=200 {
        put(&handle, permit(1, n));
    }
    let together: Vec<_> = (201..=300).map(|n| permit(1, n)).collect();
    let ticket = handle.submit(together).expect("room");
    for size in [199, 100] {
        disk.go.send(Ok(())).expect("the disk");
        assert_eq!(disk.sizes.recv(), Ok(size));
    }
    disk.go.send(Ok(())).expect("the disk");
    assert_eq!(handle.kept(ticket).await, Kept::Yes);
}

#[test]
fn denials_never_take_the_last_half() {
    let (writer, disk) = slow(8);
    let handle = writer.handle();
    let denials: Vec<_> = (0..4).map(|_| handle.reserve(true).expect("the first half")).collect();
    assert_eq!(handle.reserve(true).map(drop), Err(NoPlace::Full));
    let permits: Vec<_> = (0..4).map(|_| handle.reserve(false).expect("the last half")).collect();
    assert_eq!(handle.reserve(false).map(drop), Err(NoPlace::Full));
    assert_eq!(handle.submit(vec![permit(1, 1)]), Err(NoPlace::Full));
    // A place that is not used is given back.
    drop(permits);
    assert_eq!(handle.reserve(true).map(drop), Err(NoPlace::Full));
    drop(denials);
    handle.reserve(true).expect("room again").append(denial(1, 1));
    assert_eq!(disk.sizes.recv(), Ok(1));
    for n in 2..=4 {
        handle.reserve(true).expect("room again").append(denial(1, n));
    }
    // What is being committed still takes room.
    assert_eq!(handle.reserve(true).map(drop), Err(NoPlace::Full));
    disk.go.send(Ok(())).expect("the disk");
    assert_eq!(disk.sizes.recv(), Ok(3));
    handle.reserve(true).map(drop).expect("room for one");
    disk.go.send(Ok(())).expect("the disk");
}

#[tokio::test]
async fn whoever_waits_for_room_is_told() {
    let (writer, disk) = slow(2);
    let handle = writer.handle();
    put(&handle, permit(1, 1));
    put(&handle, permit(1, 2));
    assert_eq!(handle.reserve(false).map(drop), Err(NoPlace::Full));
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.room().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    disk.go.send(Ok(())).expect("the disk");
    disk.go.send(Ok(())).expect("the disk");
    waiting.await.expect("told");
    handle.reserve(false).map(drop).expect("room");
}

#[tokio::test]
async fn a_failed_commit_is_told_to_everyone_and_for_ever() {
    let (writer, disk) = slow(64);
    let handle = writer.handle();
    let first = put(&handle, permit(1, 1));
    assert_eq!(disk.sizes.recv(), Ok(1));
    let others = [put(&handle, permit(1, 2)), put(&handle, permit(1, 3))];
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.kept(others[1]).await }
    });
    tokio::task::yield_now().await;
    let unused = handle.reserve(false).expect("room");
    disk.go.send(Err("the disk is full")).expect("the disk");
    let no = Kept::No("the store is damaged: the disk is full".into());
    assert_eq!(waiting.await.expect("an answer"), no);
    assert_eq!(handle.kept(first).await, no);
    assert_eq!(handle.kept(others[0]).await, no);
    assert_eq!(handle.kept(unused.append(permit(1, 4))).await, no);
    assert_eq!(handle.reserve(false).map(drop), Err(NoPlace::Failed));
    assert_eq!(handle.reserve(true).map(drop), Err(NoPlace::Failed));
    handle.room().await;
    let why = handle.failure().wait_for(Option::is_some).await.expect("a reason").clone();
    assert_eq!(why.as_deref(), Some("the store is damaged: the disk is full"));
    assert!(disk.seen.lock().expect("a list").is_empty());
    assert_eq!(writer.stop(), no);
}

#[tokio::test]
async fn a_store_that_panics_has_failed() {
    let (writer, disk) = slow(64);
    let handle = writer.handle();
    let ticket = put(&handle, permit(1, 1));
    drop(disk.go);
    assert_eq!(handle.kept(ticket).await, Kept::No("the store panicked".into()));
    assert_eq!(handle.reserve(false).map(drop), Err(NoPlace::Failed));
}

#[tokio::test]
async fn stopping_keeps_what_was_handed_over_and_signs_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = start(store(folder.path()), 4096);
    let handle = writer.handle();
    handle.submit(vec![Change::Session(session(1, None))]).expect("room");
    let tickets: Vec<_> = (1..=300).map(|n| put(&handle, permit(1, n))).collect();
    assert_eq!(writer.stop(), Kept::Yes);
    for ticket in tickets {
        assert_eq!(handle.kept(ticket).await, Kept::Yes);
    }
    assert_eq!(handle.reserve(false).map(drop), Err(NoPlace::Failed));
    let mut plane = SqliteStore::open(folder.path()).expect("the writer let go of it");
    assert_eq!(plane.load().expect("its state").tenants[0].sessions[0].records, 300);
    let archive = plane.archive().expect("an archive");
    let signed = archive.checkpoints(&tenant("acme"), 0, 99).expect("checkpoints");
    assert_eq!(signed.last().expect("a checkpoint").size, 300);
}

#[tokio::test]
async fn another_process_is_noticed_while_the_writer_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = start(store(folder.path()), 64);
    let mut news = writer.handle().changed_elsewhere();
    let mut beside = SqliteStore::beside(folder.path()).expect("the command line");
    beside.commit(&[Change::HighWater(at(1))], Durability::Durable).expect("a commit");
    news.changed().await.expect("news");
    assert_eq!(writer.stop(), Kept::Yes);
}
