//! No record, no permit: sinks that fail, that are slow, and a queue that is full.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use scopegate_core::{
    AccessRequest, ChainHead, ChainedRecord, Decision, Enforcer, Need, Outcome, Provisioned, Quick, ToolCall,
};
use scopegate_engine::{Durability, RecordSink};

use super::record_files::POLICY;
use super::{World, call, word};

/// What the sink does with the next batch.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Willing,
    Stuck,
    Failing,
    Panicking,
    /// Writes, but cannot sync.
    Unsynced,
}

/// A sink in the hands of a test.
#[derive(Clone)]
struct Valve(Arc<(Mutex<State>, Condvar)>);

/// The sink's mood, and what it has kept.
type State = (Mood, Vec<ChainedRecord>);

impl Valve {
    fn new(mood: Mood) -> Self {
        Self(Arc::new((Mutex::new((mood, Vec::new())), Condvar::new())))
    }

    fn turn(&self, mood: Mood) {
        self.0.0.lock().unwrap().0 = mood;
        self.0.1.notify_all();
    }

    fn kept(&self) -> usize {
        self.0.0.lock().unwrap().1.len()
    }
}

impl RecordSink for Valve {
    fn head(&self) -> ChainHead {
        ChainHead::new("valve")
    }

    fn write(&mut self, batch: &[ChainedRecord], sync: bool) -> io::Result<()> {
        let mut state =
            self.0.1.wait_while(self.0.0.lock().unwrap(), |state| state.0 == Mood::Stuck).unwrap();
        match state.0 {
            Mood::Failing => return Err(io::Error::other("the disk is gone")),
            Mood::Panicking => {
                drop(state);
                std::panic::resume_unwind(Box::new("the sink is broken"));
            }
            Mood::Unsynced if sync => return Err(io::Error::other("the sync failed")),
            _ => {}
        }
        state.1.extend(batch.iter().cloned());
        Ok(())
    }
}

fn world(mood: Mood, durability: Durability) -> (World, Provisioned, Valve) {
    let valve = Valve::new(mood);
    let sink = valve.clone();
    let world = World::with(POLICY, |builder| builder.record_to(sink, durability));
    let session = world.open("r", "ann");
    (world, session, valve)
}

fn quick(world: &World, session: &Provisioned, call: &ToolCall) -> Quick {
    world.engine.try_enforce(&AccessRequest::new(session.principal.as_ref(), call))
}

async fn slow(world: &World, session: &Provisioned, call: &ToolCall) -> &'static str {
    let request = AccessRequest::new(session.principal.as_ref(), call);
    word(&world.engine.enforce(&request).await.expect("a local decision"))
}

async fn eventually(happened: impl Fn() -> bool) {
    for _ in 0..2000 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never happened");
}

#[tokio::test]
async fn a_sink_that_fails_ends_all_permits_and_no_denial() {
    for (mood, durability, why) in [
        (Mood::Failing, Durability::Buffered, "the disk is gone"),
        (Mood::Failing, Durability::Durable, "the disk is gone"),
        (Mood::Panicking, Durability::Buffered, "the sink panicked"),
        (Mood::Unsynced, Durability::Buffered, "the sync failed"),
        (Mood::Unsynced, Durability::Durable, "the sync failed"),
    ] {
        let (world, session, valve) = world(Mood::Willing, durability);
        assert_eq!(slow(&world, &session, &call("read", "{}")).await, "PERMIT", "{why}");
        valve.turn(mood);
        // The denial that goes into the broken sink.
        assert_eq!(slow(&world, &session, &call("rm", "{}")).await, "SCOPE_VIOLATION", "{why}");
        eventually(|| world.engine.record_failure().is_some()).await;
        assert_eq!(world.engine.record_failure().as_deref(), Some(why));
        assert!(!world.engine.flush().await, "{why}");
        valve.turn(Mood::Willing);
        for (tool, expected) in
            [("read", "AUDIT_UNAVAILABLE"), ("rm", "SCOPE_VIOLATION"), ("read", "AUDIT_UNAVAILABLE")]
        {
            assert_eq!(slow(&world, &session, &call(tool, "{}")).await, expected, "{tool} after {why}");
        }
        world.engine.end(session.session).expect("a known session");
        assert_eq!(slow(&world, &session, &call("read", "{}")).await, "SESSION_REVOKED", "after {why}");
    }
}

#[tokio::test]
async fn a_held_call_needs_a_record_too() {
    let valve = Valve::new(Mood::Failing);
    let sink = valve.clone();
    let policy = POLICY.replace("allowed_tools: [read]", "allowed_tools: [read], approval_required: [read]");
    let world = World::with(&policy, |builder| builder.record_to(sink, Durability::Buffered));
    let session = world.open("r", "ann");
    assert_eq!(slow(&world, &session, &call("rm", "{}")).await, "SCOPE_VIOLATION");
    eventually(|| world.engine.record_failure().is_some()).await;
    assert_eq!(slow(&world, &session, &call("read", "{}")).await, "AUDIT_UNAVAILABLE");
    assert!(world.engine.pending_reviews().is_empty(), "nothing was opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_makes_callers_wait_for_room() {
    let (world, session, valve) = world(Mood::Stuck, Durability::Buffered);
    let (read, rm) = (call("read", "{}"), call("rm", "{}"));
    let fill = |call: &ToolCall| {
        (0..).take_while(|_| matches!(quick(&world, &session, call), Quick::Decided(_))).count()
    };
    // The writer takes the first records along before it gets stuck.
    let mut permitted = 0;
    for _ in 0..20 {
        permitted += fill(&read);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(permitted >= 1024, "{permitted} permits");
    assert!(matches!(quick(&world, &session, &read), Quick::Need(Need::Plane)), "no room for a permit");
    assert!(matches!(quick(&world, &session, &rm), Quick::Need(Need::Plane)), "no room for a denial");
    world.engine.complete(scopegate_core::PermitId { session: session.session, number: 1 }, Outcome::Ok);
    assert_eq!(world.engine.lost_outcomes(), 1, "an outcome never waits, so it is counted as lost");
    let waiting = tokio::spawn({
        let (world, session) = (world.clone(), session.clone());
        async move { slow(&world, &session, &call("read", "{}")).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished(), "permitted without a place for the record");
    valve.turn(Mood::Willing);
    assert_eq!(waiting.await.expect("no panic"), "PERMIT");
    assert!(world.engine.flush().await);
    assert_eq!(valve.kept(), permitted + 1, "every permit has its record");
}

#[tokio::test]
async fn denials_leave_half_of_the_queue_to_permits() {
    let (world, session, valve) = world(Mood::Stuck, Durability::Buffered);
    let (read, rm) = (call("read", "{}"), call("rm", "{}"));
    for _ in 0..20 {
        while matches!(quick(&world, &session, &rm), Quick::Decided(_)) {}
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for index in 0..512 {
        let permitted = matches!(quick(&world, &session, &read), Quick::Decided(Decision::Permit(_)));
        assert!(permitted, "permit {index} found no room beside a flood of denials");
    }
    valve.turn(Mood::Willing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_permit_waits_for_the_disk() {
    let (world, session, valve) = world(Mood::Stuck, Durability::Durable);
    let read = call("read", "{}");
    assert!(matches!(quick(&world, &session, &read), Quick::Need(Need::Plane)), "it has to wait");
    assert!(
        matches!(quick(&world, &session, &call("rm", "{}")), Quick::Decided(Decision::Deny(_))),
        "a denial has not"
    );
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (world, session) = (world.clone(), session.clone());
            tokio::spawn(async move { slow(&world, &session, &call("read", "{}")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(waiting.iter().all(|one| !one.is_finished()), "permitted before the record was on disk");
    assert_eq!(valve.kept(), 0);
    valve.turn(Mood::Willing);
    for one in waiting {
        assert_eq!(one.await.expect("no panic"), "PERMIT");
    }
    assert_eq!(valve.kept(), 21, "one denial and twenty permits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permit_whose_sync_fails_is_not_given() {
    let (world, session, valve) = world(Mood::Stuck, Durability::Durable);
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (world, session) = (world.clone(), session.clone());
            tokio::spawn(async move { slow(&world, &session, &call("read", "{}")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    valve.turn(Mood::Unsynced);
    for one in waiting {
        assert_eq!(one.await.expect("no panic"), "AUDIT_UNAVAILABLE");
    }
}
