//! How much the writer keeps. Run by hand; the figures depend on the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use scopegate_core::{ChainHead, Event, Timestamp};
use scopegate_engine::{Durability, SystemClock};
use scopegate_server::audit::Log;
use scopegate_server::store::{
    Access, Change, Kept, SqliteStore, State, Store, StoreError, Writer, WriterHandle,
};

use super::{decision, store};

/// Counts commits.
struct Counted(SqliteStore, Arc<AtomicU64>);

impl Store for Counted {
    fn load(&mut self) -> Result<State, StoreError> {
        self.0.load()
    }

    fn access(&mut self) -> Result<Access, StoreError> {
        self.0.access()
    }

    fn commit(&mut self, batch: &[Change], durability: Durability) -> Result<(), StoreError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.commit(batch, durability)
    }

    fn checkpoint(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.0.checkpoint(now)
    }

    fn forget(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        self.0.forget(now)
    }

    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        self.0.changed_elsewhere()
    }
}

/// One caller: hands over a decision with a rate account, waits until it is kept, and again.
async fn call(handle: WriterHandle, session: u64, until: Instant) -> u64 {
    let mut number = 0;
    while Instant::now() < until {
        number += 1;
        let row = decision(session, number, Event::Permit);
        let ticket = handle.reserve(false).expect("room").append(Change::Decision(Box::new(row)));
        assert_eq!(handle.kept(ticket).await, Kept::Yes);
    }
    number
}

#[test]
#[ignore = "measures this machine's disk"]
fn commits_and_records_a_second() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for durability in [Durability::Durable, Durability::Buffered] {
        for callers in [1, 64, 512] {
            // On a real disk: a temporary folder may be in memory.
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
            let commits = Arc::new(AtomicU64::new(0));
            let counted = Counted(store(folder.path()), commits.clone());
            let writer =
                Writer::start(counted, Arc::new(SystemClock::new()), durability, 4096).expect("a thread");
            let begun = Instant::now();
            let until = begun + Duration::from_secs(4);
            let kept: u64 = runtime.block_on(async {
                let calls: Vec<_> =
                    (1..=callers).map(|n| tokio::task::spawn(call(writer.handle(), n, until))).collect();
                let mut kept = 0;
                for call in calls {
                    kept += call.await.expect("a caller");
                }
                kept
            });
            let seconds = begun.elapsed().as_secs_f64();
            let commits = commits.load(Ordering::Relaxed) as f64;
            assert_eq!(writer.stop(), Kept::Yes);
            println!(
                "{durability:?}, {callers} callers: {:.0} commits/s, {:.0} records/s, {:.1} records a commit",
                commits / seconds,
                kept as f64 / seconds,
                kept as f64 / commits
            );
        }
    }
}

#[test]
#[ignore = "measures this machine"]
fn a_record_is_chained() {
    const RECORDS: u64 = 100_000;
    let rows: Vec<_> = (1..=1000).map(|n| decision(1, n, Event::Permit)).collect();
    let time = |what: &str, mut each: Box<dyn FnMut(&scopegate_server::store::DecisionRow) + '_>| {
        let begun = Instant::now();
        (0..RECORDS / 1000).for_each(|_| rows.iter().for_each(&mut each));
        println!("{what}: {:.0} ns", begun.elapsed().as_nanos() as f64 / RECORDS as f64);
    };
    let (mut head, mut log) = (ChainHead::new("chain"), Log::new("chain"));
    time("core's chain", Box::new(|row| drop(std::hint::black_box(head.append(row.record.clone())))));
    time("the plane's log, chain and tree", Box::new(|row| drop(std::hint::black_box(log.append(row)))));
    time(
        "only a value and its text, which is less than any canonicaliser does",
        Box::new(|row| {
            let value = serde_json::to_value(&row.record).expect("a value");
            drop(std::hint::black_box(serde_json::to_vec(&value)));
        }),
    );
}
