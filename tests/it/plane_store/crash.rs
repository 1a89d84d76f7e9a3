//! The machine stops: what was not synced is lost, torn, or there in part. What was acknowledged
//! is there.

use std::path::Path;

use scopegate_core::Event;
use scopegate_engine::Durability::Durable;
use scopegate_server::audit::{Known, verify_export};
use scopegate_server::store::{Archive, Change, SqliteStore, Store};

use super::{at, decision, exported, permit, review, session, store, tenant};

/// How many decisions a batch has: one in three uses a review up.
const BATCH: u64 = 5;
const BATCHES: u64 = 60;

/// The files as they were when a commit was acknowledged.
struct Acknowledged {
    /// How long the write-ahead log was: all of that was synced.
    synced: usize,
    records: u64,
    /// The second file of checkpoints, which is written after the sync.
    checkpoints: Vec<u8>,
}

/// What disks do to bytes that were not synced.
fn crash(log: &[u8], synced: usize, random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut left = log.to_vec();
    let unsynced = log.len() - synced;
    match random(3) {
        // Cut anywhere.
        0 => left.truncate(synced + random(unsynced + 1)),
        // Sectors that were never written, others after them that were.
        1 => {
            for _ in 0..=random(4) {
                let sector = synced + random(unsynced + 1);
                left.iter_mut().skip(sector).take(512).for_each(|byte| *byte = 0);
            }
        }
        // A sector of something else.
        _ => {
            let sector = synced + random(unsynced + 1);
            left.iter_mut().skip(sector).take(512).for_each(|byte| *byte ^= 0x5a);
        }
    }
    left
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_default()
}

/// A run of a plane: its files at the end, and what was acknowledged on the way.
fn run(folder: &Path) -> (Vec<u8>, Vec<Acknowledged>) {
    let mut plane = SqliteStore::open(folder).expect("the store");
    plane.commit(&[Change::Session(session(1, None))], Durable).expect("a session");
    let mut acknowledged = Vec::new();
    for batch in 0..BATCHES {
        let mut changes: Vec<_> = (1..BATCH).map(|n| permit(1, batch * BATCH + n)).collect();
        let mut last = decision(1, batch * BATCH + BATCH, Event::Permit);
        last.review = (batch % 3 == 0).then(|| review("consumed"));
        changes.push(Change::Decision(Box::new(last)));
        plane.commit(&changes, Durable).expect("a commit");
        if batch % 9 == 0 {
            plane.checkpoint(at(batch)).expect("a checkpoint");
        }
        acknowledged.push(Acknowledged {
            synced: read(folder, "scopegate.db-wal").len(),
            records: (batch + 1) * BATCH,
            checkpoints: read(folder, "checkpoints/acme.txt"),
        });
    }
    // Taken while the store is open: closing it would move the log into the database.
    (read(folder, "scopegate.db-wal"), acknowledged)
}

#[test]
fn what_was_acknowledged_survives_the_machine() {
    let points = std::env::var("SCOPEGATE_CRASH_POINTS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    // The database as it was closed before the run: all of the run is in the write-ahead log.
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(folder.path()));
    let before = ["scopegate.db", "checkpoint.key"].map(|name| (name, read(folder.path(), name)));
    let (log, acknowledged) = run(folder.path());
    assert!(log.len() > 400_000, "nothing of the run was moved into the database: {}", log.len());

    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let (mut reached, mut lost) = (0, 0);
    for point in 0..points {
        let index = random(acknowledged.len());
        let then = &acknowledged[index];
        // Whatever was being written when it happened: at most the next commit.
        let end = acknowledged.get(index + 1).map_or(log.len(), |next| next.synced);
        let left = crash(&log[..end], then.synced, &mut random);
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in &before {
            std::fs::write(folder.path().join(name), bytes).expect("a copy");
        }
        std::fs::write(folder.path().join("scopegate.db-wal"), left).expect("a copy");
        std::fs::create_dir(folder.path().join("checkpoints")).expect("a folder");
        std::fs::write(folder.path().join("checkpoints/acme.txt"), &then.checkpoints).expect("a copy");

        let what = format!("crash {point} after {} records", then.records);
        let mut plane = SqliteStore::open(folder.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let state = plane.load().unwrap_or_else(|error| panic!("{what}: {error}"));
        let kept = plane.archive().expect("an archive").count(&tenant("acme")).expect("a count");
        // The next batch may have reached the disk too: whole, or not at all.
        assert!([then.records, then.records + BATCH].contains(&kept), "{what}: {kept} records");
        *if kept == then.records { &mut lost } else { &mut reached } += 1;
        let tenant = &state.tenants[0];
        assert_eq!(tenant.sessions[0].records, kept, "{what}");
        assert_eq!(tenant.reviews, [review("consumed")], "{what}: no yes comes back");
        assert_eq!(tenant.accounts[0].tat, at(kept + 60_000).nanos(), "{what}: nothing is given back");
        plane.commit(&[permit(1, kept + 1)], Durable).unwrap_or_else(|error| panic!("{what}: {error}"));
        let (lines, _) = exported(&plane, 0);
        let seen = verify_export(lines.concat().as_bytes(), &Known::default());
        assert_eq!(seen.unwrap_or_else(|fault| panic!("{what}: {fault}")).records, kept + 1, "{what}");
    }
    assert!(reached > 0 && lost > points / 2, "{lost} unsynced batches were lost, {reached} were not");
}

#[test]
fn the_test_above_would_see_a_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(folder.path()));
    let before = ["scopegate.db", "checkpoint.key"].map(|name| (name, read(folder.path(), name)));
    let (log, acknowledged) = run(folder.path());
    let then = &acknowledged[30];
    let copy = tempfile::tempdir().expect("a folder");
    for (name, bytes) in &before {
        std::fs::write(copy.path().join(name), bytes).expect("a copy");
    }
    // A byte less than what was synced.
    std::fs::write(copy.path().join("scopegate.db-wal"), &log[..then.synced - 1]).expect("a copy");
    let mut plane = SqliteStore::open(copy.path()).expect("the store");
    plane.load().expect("its state");
    let kept = plane.archive().expect("an archive").count(&tenant("acme")).expect("a count");
    assert_eq!(kept, then.records - BATCH);
}
