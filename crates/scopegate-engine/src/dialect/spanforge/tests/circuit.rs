//! Emission that fails: what is answered meanwhile, and when it is over.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use scopegate_core::{Decision, DenyCode};

use super::*;

const OPEN: &str = "circuit breaker is open; failing secure";

struct World {
    scope: ScopeEnforcer,
    sink: Moody,
    seconds: Arc<AtomicU64>,
}

fn world(change: impl FnOnce(ScopeBuilder) -> ScopeBuilder) -> World {
    let (sink, seconds) = (Moody::default(), Arc::new(AtomicU64::new(0)));
    let clock = seconds.clone();
    let now = move || Duration::from_secs(clock.load(Ordering::Relaxed));
    let builder = ScopeEnforcer::builder(enforcer(), key(), sink.clone()).monotonic(now);
    World { scope: change(builder).build().unwrap(), sink, seconds }
}

impl World {
    fn ask(&self, action: &str) -> ScopeDecision {
        self.scope.evaluate(&question("a", "claims", action)).unwrap()
    }

    fn at(&self, seconds: u64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let world = world(|builder| builder);
    world.sink.fail(true);
    for _ in 0..5 {
        let answer = world.ask("read");
        assert_eq!((answer.allowed, answer.outcome), (false, Outcome::Block));
        assert_eq!(answer.reason, "the decision cannot be recorded; failing secure");
        let denied = world.scope.decision(&answer);
        assert!(matches!(denied, Decision::Deny(denial) if denial.code == DenyCode::AuditUnavailable));
    }
    assert_eq!(world.ask("read").reason, OPEN, "the default threshold is 5");
    assert_eq!(world.sink.kept.records().len(), 0);
}

#[test]
fn as_published_up_to_the_threshold_go_out_without_a_record() {
    let world = world(|builder| builder.audit_required(false).cb_threshold(3));
    world.sink.fail(true);
    for _ in 0..3 {
        assert!(world.ask("read").allowed);
    }
    let answer = world.ask("read");
    assert_eq!((answer.allowed, answer.outcome, &*answer.reason), (false, Outcome::Block, OPEN));
    assert!(
        matches!(world.scope.decision(&answer), Decision::Deny(d) if d.code == DenyCode::AuditUnavailable)
    );
    // Nobody has a manifest or a policy looked up, and what cannot be asked still has no answer.
    assert_eq!(world.scope.evaluate(&question("nobody", "r", "x")).unwrap().reason, OPEN);
    assert!(world.scope.evaluate(&question("", "r", "x")).is_err());
    assert_eq!(world.scope.get_status().status, "circuit_open");
    // Counted in both numbers, and not listed.
    let status = world.scope.get_status();
    assert_eq!((status.total_checks, status.blocked_checks), (5, 2));
    assert_eq!(world.scope.list_for_trace("trace-1").len(), 3);
    assert_eq!(world.scope.get(&answer.scope_id), None);
}

#[test]
fn an_open_circuit_asks_no_policy() {
    let world = world(|builder| builder.cb_threshold(1).policy(Says(Err("asked"))));
    world.sink.fail(true);
    world.ask("read");
    let answer = world.scope.evaluate_with_policy(&question("a", "claims", "read"), None).unwrap();
    assert_eq!((&*answer.reason, answer.policy_id), (OPEN, None));
}

#[test]
fn it_counts_failures_in_a_row_and_closes_by_itself() {
    let world = world(|builder| builder.cb_threshold(2).cb_reset_seconds(10.5));
    world.sink.fail(true);
    world.ask("drop");
    world.sink.fail(false);
    assert!(world.ask("read").allowed);
    world.sink.fail(true);
    // A refusal whose record is lost counts too, and stays what it is.
    let refused = world.ask("drop");
    assert_eq!(refused.outcome, Outcome::Escalate);
    world.ask("drop");
    world.at(10);
    assert_eq!(world.ask("read").reason, OPEN);
    world.at(11);
    world.sink.fail(false);
    assert!(world.ask("read").allowed);
    assert_eq!(world.scope.get_status().status, "ok");
    // No record is missing between those that were kept.
    let records = world.sink.kept.records();
    let lines: Vec<_> = records.iter().map(SignedRecord::to_line).collect();
    let head = verify_records(&key(), lines.iter().map(String::as_str), None).unwrap();
    assert_eq!((head.records, &head), (2, &world.scope.head()));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let build = |change: fn(ScopeBuilder) -> ScopeBuilder| {
        change(ScopeEnforcer::builder(enforcer(), key(), MemoryScopeSink::new())).build().map(drop)
    };
    assert_eq!(build(|b| b.cb_threshold(0)), Err(ScopeBuildError::Threshold));
    for seconds in [-1.0, f64::INFINITY, 1e300, f64::NEG_INFINITY] {
        let built =
            ScopeEnforcer::builder(enforcer(), key(), MemoryScopeSink::new()).cb_reset_seconds(seconds);
        assert_eq!(built.build().map(drop), Err(ScopeBuildError::Reset(seconds)));
    }
    assert!(build(|b| b.cb_reset_seconds(f64::NAN)).is_err());
    assert_eq!(build(|b| b.cb_reset_seconds(0.0)), Ok(()));
}
