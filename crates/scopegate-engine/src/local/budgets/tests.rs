//! Budgets: as many permits as they say, whoever asks, and never one more.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Advance, Args, Decision, Denial, DenyCode, Enforcer, Principal, Provision, Provisioned,
    Reading, Redemption, Reviews, SessionId, Timestamp, ToolCall,
};

use crate::state::Waiting;
use crate::{
    CallBudget, LocalEnforcer, ManualClock, NoRoom, Policy, Position, SavedSession, SavedState, StateChange,
    StateLog,
};

const POLICY: &str = "
version: 1
roles:
  - {name: worker, allowed_tools: [read, pay], approval_required: [pay], max_delegation_depth: 2, rate_limit_per_hour: 100}
";
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

fn engine() -> LocalEnforcer {
    LocalEnforcer::new(Policy::from_text(POLICY, "policy").unwrap()).unwrap()
}

fn order(max_calls: Option<u64>) -> Provision {
    Provision { max_calls, ..Provision::new("worker", "ann") }
}

fn tool(name: &str) -> ToolCall {
    ToolCall::new(name).with_args(Args::none())
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit(_) => "PERMIT",
        Decision::Hold(_) => "HOLD",
        Decision::Deny(denial) => denial.code.as_str(),
    }
}

async fn ask(engine: &LocalEnforcer, who: &Principal, name: &str) -> &'static str {
    word(&engine.enforce(&AccessRequest::new(who.as_ref(), &tool(name))).await.unwrap())
}

fn spent(engine: &LocalEnforcer, session: &Provisioned) -> Option<(u64, u64)> {
    let budget = engine.session(session.session).unwrap().budget;
    budget.map(|CallBudget { max_calls, spent }| (spent, max_calls))
}

#[tokio::test]
async fn only_permits_are_spent_and_nothing_lifts_the_end() {
    let engine = engine();
    let session = engine.open(order(Some(2))).unwrap();
    let who = &session.principal;
    for (name, expected, left) in [
        ("read", "PERMIT", 1),
        ("drop", "SCOPE_VIOLATION", 1),
        ("pay", "HOLD", 1),
        ("read", "PERMIT", 2),
        ("read", "SESSION_TERMINATED", 2),
        ("drop", "SESSION_TERMINATED", 2),
        ("pay", "SESSION_TERMINATED", 2),
    ] {
        assert_eq!(ask(&engine, who, name).await, expected, "{name}");
        assert_eq!(spent(&engine, &session), Some((left, 2)), "{name}");
    }
    // A yes lifts it as little as anything else.
    engine.approve(engine.pending_reviews()[0].id, "bob").await.unwrap();
    assert_eq!(ask(&engine, who, "pay").await, "SESSION_TERMINATED");
    let other = Denial::new(DenyCode::ScopeViolation);
    let call = tool("read");
    let refused = engine.refuse(&AccessRequest::new(who.as_ref(), &call), other).await.unwrap();
    assert_eq!(word(&refused), "SESSION_TERMINATED", "whatever refuses it, the session comes first");
    engine.suspend("ann");
    assert_eq!(ask(&engine, who, "read").await, "AGENT_SUSPENDED");
    engine.readmit("ann");
    engine.end(session.session).unwrap();
    assert_eq!(ask(&engine, who, "read").await, "SESSION_REVOKED");
}

#[tokio::test]
async fn a_budget_of_nothing_and_none_at_all() {
    let engine = engine();
    let nothing = engine.open(order(Some(0))).unwrap();
    assert_eq!(ask(&engine, &nothing.principal, "read").await, "SESSION_TERMINATED");
    let huge = engine.open(order(Some(u64::MAX))).unwrap();
    assert_eq!(ask(&engine, &huge.principal, "read").await, "PERMIT");
    let none = engine.open(order(None)).unwrap();
    assert_eq!((spent(&engine, &none), ask(&engine, &none.principal, "read").await), (None, "PERMIT"));
}

#[tokio::test]
async fn sub_agents_spend_of_every_session_above() {
    let engine = engine();
    let parent = engine.open(order(Some(3))).unwrap();
    let child = engine.open_child(&parent.principal, order(None)).unwrap();
    let grandchild = engine.open_child(&child.principal, order(Some(1))).unwrap();
    assert_eq!(ask(&engine, &grandchild.principal, "read").await, "PERMIT");
    assert_eq!(ask(&engine, &grandchild.principal, "read").await, "SESSION_TERMINATED");
    assert_eq!((spent(&engine, &parent), spent(&engine, &grandchild)), (Some((1, 3)), Some((1, 1))));
    assert_eq!(ask(&engine, &child.principal, "read").await, "PERMIT");
    assert_eq!(ask(&engine, &parent.principal, "read").await, "PERMIT");
    assert_eq!(ask(&engine, &child.principal, "read").await, "SESSION_TERMINATED");
    assert_eq!(ask(&engine, &parent.principal, "read").await, "SESSION_TERMINATED");
}

#[tokio::test]
async fn a_yes_that_is_read_is_a_call() {
    let engine = engine();
    let session = engine.open(order(Some(1))).unwrap();
    let (who, call) = (session.principal.as_ref(), tool("pay"));
    let request = AccessRequest::new(who, &call).redeemed_by(Redemption::Read);
    let Decision::Hold(hold) = engine.enforce(&request).await.unwrap() else { panic!("not held") };
    engine.approve(hold.review, "bob").await.unwrap();
    assert!(matches!(engine.redeem(hold.review, who, None).await, Ok(Reading::Permitted(_))));
    assert!(matches!(engine.redeem(hold.review, who, None).await, Ok(Reading::Permitted(_))));
    assert_eq!(spent(&engine, &session), Some((1, 1)), "told twice, spent once");
    assert_eq!(ask(&engine, &session.principal, "read").await, "SESSION_TERMINATED");
}

#[tokio::test]
async fn what_others_decide_is_not_counted_in_advance() {
    let engine = engine();
    let advance = Advance { span: Duration::from_secs(360), least: 1 };
    for (max_calls, expected) in [(None, 10), (Some(1000), 0)] {
        let session = engine.open(order(max_calls)).unwrap();
        assert_eq!(engine.advance(session.session, advance).await, Ok(expected), "{max_calls:?}");
    }
}

#[test]
fn fifty_at_once_get_exactly_the_budget() {
    let engine = engine();
    let parent = engine.open(order(Some(20))).unwrap();
    let children: Vec<_> =
        (0..5).map(|_| engine.open_child(&parent.principal, order(Some(7))).unwrap()).collect();
    let (start, permits) = (Barrier::new(50), Mutex::new(0));
    std::thread::scope(|scope| {
        for thread in 0..50 {
            let who = children.get(thread % 10).map_or(&parent, |child| child).principal.clone();
            let (engine, start, permits) = (&engine, &start, &permits);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                start.wait();
                for _ in 0..4 {
                    let answer = runtime.block_on(ask(engine, &who, "read"));
                    assert!(["PERMIT", "SESSION_TERMINATED"].contains(&answer), "{answer}");
                    *permits.lock().unwrap() += u64::from(answer == "PERMIT");
                }
            });
        }
    });
    assert_eq!(*permits.lock().unwrap(), 20);
    assert_eq!(spent(&engine, &parent), Some((20, 20)));
    assert!(children.iter().all(|child| spent(&engine, child).unwrap().0 <= 7));
}

/// A log that keeps what budgets stand at.
#[derive(Default)]
struct Log(Mutex<Vec<(SessionId, u64)>>);

impl StateLog for Log {
    fn reserve(&self, _: bool) -> Result<(), NoRoom> {
        Ok(())
    }

    fn release(&self) {}

    fn append(&self, change: StateChange) -> Position {
        if let StateChange::Decided(decided) = change {
            self.0.lock().unwrap().extend(decided.budgets);
        }
        0
    }

    fn kept(&self, _: Position) -> Waiting<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    fn room(&self) -> Waiting<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn is_durable(&self) -> bool {
        true
    }
}

fn kept(log: &Arc<Log>, sessions: Vec<SavedSession>) -> LocalEnforcer {
    let clock = Arc::new(ManualClock::new(NOON));
    let policy = Policy::from_text(POLICY, "policy").unwrap();
    let saved = SavedState { sessions, ..SavedState::default() };
    LocalEnforcer::builder(policy).clock(clock).keep_state(log.clone(), saved).build().unwrap()
}

#[tokio::test]
async fn a_restart_goes_on_counting() {
    let log = Arc::new(Log::default());
    let engine = kept(&log, Vec::new());
    let parent = engine.open(order(Some(3))).unwrap();
    let child = engine.open_child(&parent.principal, order(Some(2))).unwrap();
    assert_eq!(ask(&engine, &child.principal, "read").await, "PERMIT");
    assert_eq!(ask(&engine, &child.principal, "pay").await, "HOLD");
    assert_eq!(ask(&engine, &child.principal, "read").await, "PERMIT");
    let told = log.0.lock().unwrap().clone();
    let (p, c) = (parent.session, child.session);
    assert_eq!(told, [(c, 1), (p, 1), (c, 2), (p, 2)], "each permit tells what it left");

    let saved = |session: &Provisioned, parent: Option<SessionId>, max_calls| SavedSession {
        id: session.session,
        owner: "ann".into(),
        role: "worker".into(),
        expires_at: session.expires_at,
        parent,
        revoked: false,
        records: 3,
        max_calls: Some(max_calls),
        spent: 2,
    };
    let engine = kept(&log, vec![saved(&parent, None, 3), saved(&child, Some(p), 2)]);
    assert_eq!(ask(&engine, &Principal::Session(c), "read").await, "SESSION_TERMINATED");
    assert_eq!(ask(&engine, &Principal::Session(p), "read").await, "PERMIT");
    assert_eq!(ask(&engine, &Principal::Session(p), "read").await, "SESSION_TERMINATED");
}
