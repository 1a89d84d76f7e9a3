//! Sessions that another enforcer lends.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, Event, Need, Principal, Quick, Role, SessionId, SessionWatch,
    Timestamp, ToolCall,
};
use scopegate_engine::{Lender, LentSession, Loan, LocalEnforcer, ManualClock, Policy};

const T0: Timestamp = Timestamp::from_secs(1_000_000);

/// Lends so many calls.
struct Calls(AtomicI64);

impl Lender for Calls {
    fn lend(&self) -> Option<Loan> {
        (self.0.fetch_sub(1, Ordering::Relaxed) > 0).then(Loan::default)
    }

    fn unspent(&self, _: Loan) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn borrowed(calls: i64) -> (LocalEnforcer, Principal, Arc<Calls>) {
    let role = Role::new("clerk").allow(["read", "pay"]).require_approval(["pay"]);
    let clock = ManualClock::new(T0);
    let enforcer = LocalEnforcer::builder(Policy::new([role])).clock(clock).build().expect("an enforcer");
    let lent = LentSession {
        id: SessionId::from_bits(7),
        owner: "ann".into(),
        role: "clerk".into(),
        expires_at: Timestamp::from_secs(1_000_100),
        records: 500,
        watch: SessionWatch::default(),
    };
    let lender = Arc::new(Calls(AtomicI64::new(calls)));
    let principal = enforcer.borrow_session(lent, lender.clone()).expect("a session");
    (enforcer, principal, lender)
}

fn ask(enforcer: &LocalEnforcer, principal: &Principal, tool: &str) -> Quick {
    let call = ToolCall::new(tool).with_args(Args::none());
    enforcer.try_enforce(&AccessRequest::new(principal.as_ref(), &call))
}

#[tokio::test]
async fn decided_while_it_is_lent_and_numbered_apart() {
    let (enforcer, principal, _) = borrowed(2);
    for number in [501, 502] {
        let Quick::Decided(Decision::Permit(permit)) = ask(&enforcer, &principal, "read") else {
            panic!("permitted");
        };
        assert_eq!((permit.id.session, permit.id.number), (SessionId::from_bits(7), number));
    }
    assert!(
        matches!(ask(&enforcer, &principal, "read"), Quick::Need(Need::Plane)),
        "nothing is lent any more"
    );
    enforcer.flush().await;
    let events: Vec<_> = enforcer.records().iter().map(|line| line.record.event).collect();
    assert_eq!(events, [Event::Permit, Event::Permit], "what was not decided is not recorded");
    let call = ToolCall::new("read").with_args(Args::none());
    let asked = enforcer.enforce(&AccessRequest::new(principal.as_ref(), &call)).await;
    assert!(asked.is_err(), "waiting does not help");
}

#[test]
fn what_is_not_permitted_spends_nothing_and_nobody_is_asked_here() {
    let (enforcer, principal, lender) = borrowed(1);
    for _ in 0..3 {
        assert!(matches!(ask(&enforcer, &principal, "write"), Quick::Decided(Decision::Deny(_))));
        assert!(matches!(ask(&enforcer, &principal, "pay"), Quick::Need(Need::Plane)), "its lender holds it");
        assert_eq!(lender.0.load(Ordering::Relaxed), 1);
    }
    assert!(enforcer.pending_reviews().is_empty());
    assert!(matches!(ask(&enforcer, &principal, "read"), Quick::Decided(Decision::Permit(_))));
}

#[test]
fn a_role_that_is_not_here_cannot_be_lent() {
    let enforcer = LocalEnforcer::new(Policy::new([Role::new("clerk")])).expect("an enforcer");
    let lent = LentSession {
        id: SessionId::from_bits(7),
        owner: "ann".into(),
        role: "boss".into(),
        expires_at: T0,
        records: 0,
        watch: SessionWatch::default(),
    };
    assert!(enforcer.borrow_session(lent, Arc::new(Calls(AtomicI64::new(1)))).is_err());
}
