//! A yes that is read: once taken up, told again for a minute, and gone.

use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Args, ClaimedSession, Decision, Enforcer, Event, McpClaims, Principal, PrincipalRef,
    Provision, Provisioned, Reading, Redemption, Review, ReviewError, ReviewId, ReviewState, Reviews,
    SessionId, Timestamp, ToolCall,
};

use crate::state::Waiting;
use crate::{
    LocalEnforcer, ManualClock, NoRoom, Policy, Position, SavedSession, SavedState, StateChange, StateLog,
};

const POLICY: &str = "
version: 1
roles:
  - {name: payer, allowed_tools: [pay, read], approval_required: [pay], approval_ttl_seconds: 600, rate_limit_per_hour: 3}
  - {name: other, allowed_tools: [pay], approval_required: [pay]}
";
const STRICT: &str = "
version: 1
roles:
  - {name: payer, allowed_tools: [read], default_ttl_seconds: 86400}
";
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

/// A log that keeps what a restart needs, and can be told to fail.
#[derive(Default)]
struct Log(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    reviews: HashMap<ReviewId, Review>,
    numbers: HashMap<SessionId, u64>,
    events: Vec<Event>,
    failed: bool,
    unkept: bool,
}

impl StateLog for Log {
    fn reserve(&self, _: bool) -> Result<(), NoRoom> {
        if self.0.lock().unwrap().failed { Err(NoRoom::Failed) } else { Ok(()) }
    }

    fn release(&self) {}

    fn append(&self, change: StateChange) -> Position {
        let mut kept = self.0.lock().unwrap();
        match change {
            StateChange::Decided(decided) => {
                kept.events.push(decided.record.event);
                kept.numbers.insert(decided.record.id.session, decided.record.id.number);
                kept.reviews.extend(decided.review.map(|review| (review.id, review)));
            }
            StateChange::Settled(review) => {
                kept.reviews.insert(review.id, *review);
            }
            StateChange::Granted(_) | StateChange::Advanced(_) => {}
        }
        kept.events.len() as Position
    }

    fn kept(&self, _: Position) -> Waiting<'_, bool> {
        let unkept = self.0.lock().unwrap().unkept;
        Box::pin(std::future::ready(!unkept))
    }

    fn room(&self) -> Waiting<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn is_durable(&self) -> bool {
        true
    }
}

#[derive(Clone)]
struct World {
    engine: LocalEnforcer,
    clock: Arc<ManualClock>,
}

impl World {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn kept(log: &Arc<Log>, saved: SavedState) -> Self {
        Self::with(|builder| builder.keep_state(log.clone(), saved))
    }

    fn with(change: impl FnOnce(crate::LocalBuilder) -> crate::LocalBuilder) -> Self {
        let clock = Arc::new(ManualClock::new(NOON));
        let policy = Policy::from_text(POLICY, "policy").unwrap();
        let engine = change(LocalEnforcer::builder(policy).clock(clock.clone())).build().unwrap();
        Self { engine, clock }
    }

    fn open(&self, role: &str, owner: &str) -> Provisioned {
        self.engine.open(Provision::new(role, owner)).unwrap()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn ask_as(&self, who: &Principal, call: &ToolCall, way: Redemption) -> Decision {
        let request = AccessRequest::new(who.as_ref(), call).redeemed_by(way);
        self.engine.enforce(&request).await.unwrap()
    }

    /// The review that a call waits for.
    async fn held(&self, who: &Principal, call: &ToolCall, way: Redemption) -> ReviewId {
        match self.ask_as(who, call, way).await {
            Decision::Hold(hold) => hold.review,
            other => panic!("{other:?}"),
        }
    }

    /// A call that was asked and that a person agreed to.
    async fn agreed(&self, who: &Principal) -> ReviewId {
        let id = self.held(who, &pay(5), Redemption::Read).await;
        self.engine.approve(id, "bob").await.unwrap();
        id
    }

    async fn read(&self, id: ReviewId, who: &Principal) -> Result<Reading, ReviewError> {
        self.engine.redeem(id, who.as_ref(), None).await
    }

    async fn events(&self) -> Vec<Event> {
        assert!(self.engine.flush().await);
        self.engine.records().iter().map(|line| line.record.event).collect()
    }
}

fn pay(amount: u32) -> ToolCall {
    ToolCall::new("pay").with_args(Args::parse(format!(r#"{{"to":"x","amount":{amount}}}"#)))
}

fn denied(code: &str) -> Result<Reading, ReviewError> {
    Ok(Reading::Denied(code.into()))
}

#[tokio::test]
async fn a_yes_is_taken_up_once_and_told_again_for_a_minute() {
    let world = World::new();
    let ann = world.open("payer", "ann");
    let id = world.held(&ann.principal, &pay(5), Redemption::Read).await;
    assert_eq!(world.read(id, &ann.principal).await, Ok(Reading::Pending));
    world.engine.approve(id, "bob").await.unwrap();
    assert_eq!(world.engine.review(id).unwrap().reading(NOON), Reading::Approved, "a look takes nothing up");

    let Ok(Reading::Permitted(permit)) = world.read(id, &ann.principal).await else { panic!("no permit") };
    assert_eq!(permit.session, ann.session);
    for _ in 0..3 {
        world.advance(19);
        assert_eq!(world.read(id, &ann.principal).await, Ok(Reading::Permitted(permit)));
    }
    world.advance(3);
    assert_eq!(world.read(id, &ann.principal).await, Ok(Reading::Expired), "a minute later");
    assert_eq!(world.events().await, [Event::Hold, Event::Permit], "one record of it");
    let records = world.engine.records();
    assert_eq!((records[1].record.id, records[1].record.review), (permit, Some(id)));
}

#[tokio::test]
async fn what_nobody_agreed_to_is_never_permitted() {
    for (settle, wait, expected) in [
        (None, 0, Reading::Pending),
        (None, 600, Reading::Expired),
        (Some(false), 0, Reading::Rejected),
        (Some(true), 600, Reading::Expired),
        (Some(false), 600, Reading::Expired),
    ] {
        let world = World::new();
        let ann = world.open("payer", "ann");
        let id = world.held(&ann.principal, &pay(5), Redemption::Read).await;
        match settle {
            Some(true) => drop(world.engine.approve(id, "bob").await.unwrap()),
            Some(false) => drop(world.engine.reject(id, "bob").await.unwrap()),
            None => {}
        }
        world.advance(wait);
        assert_eq!(world.read(id, &ann.principal).await, Ok(expected), "{settle:?} after {wait} s");
        assert_eq!(world.events().await, [Event::Hold]);
    }
}

#[tokio::test]
async fn each_review_is_taken_up_in_its_own_way_alone() {
    let world = World::new();
    let ann = world.open("payer", "ann").principal;
    let (asked, read) = (Redemption::Recall, Redemption::Read);
    let recalled = world.held(&ann, &pay(5), asked).await;
    let id = world.held(&ann, &pay(5), read).await;
    assert_ne!(recalled, id, "one call, asked in two ways");
    assert_eq!(world.held(&ann, &pay(5), read).await, id, "while it waits it is the same");
    world.engine.approve(id, "bob").await.unwrap();
    assert_eq!(world.held(&ann, &pay(5), asked).await, recalled);
    let next = world.held(&ann, &pay(5), read).await;
    assert_ne!(next, id, "a yes that has to be read lets no call through");
    world.engine.approve(recalled, "bob").await.unwrap();
    assert_eq!(world.read(recalled, &ann).await, Err(ReviewError::Unknown), "nor is the other one read");
    assert!(matches!(world.read(id, &ann).await, Ok(Reading::Permitted(_))));
    assert_eq!(world.held(&ann, &pay(5), read).await, next, "the later review waits on");
    assert!(matches!(world.ask_as(&ann, &pay(5), asked).await, Decision::Permit(_)));

    world.engine.reject(next, "bob").await.unwrap();
    let again = world.ask_as(&ann, &pay(5), read).await;
    assert!(
        matches!(&again, Decision::Deny(denial) if denial.code.as_str() == "APPROVAL_REJECTED"),
        "{again:?}"
    );
}

#[tokio::test]
async fn nobody_else_takes_it_up() {
    let world = World::new();
    let ann = world.open("payer", "ann");
    let id = world.agreed(&ann.principal).await;
    let others = [world.open("payer", "eve"), world.open("other", "ann"), world.open("payer", "ann")];
    for other in &others {
        assert_eq!(world.read(id, &other.principal).await, Err(ReviewError::Unknown), "{other:?}");
    }
    assert_eq!(world.read(id, &Principal::token("sgs_forged")).await, Err(ReviewError::Unknown));
    let unknown = ReviewId::from_bits(7);
    assert_eq!(world.read(unknown, &ann.principal).await, Err(ReviewError::Unknown));
    assert!(matches!(world.read(id, &ann.principal).await, Ok(Reading::Permitted(_))));
}

#[tokio::test]
async fn a_call_that_is_denied_by_now_uses_the_yes_up() {
    type Change = fn(&World, &Provisioned);
    let cases: [(Change, &str); 4] = [
        (|world, _| world.engine.suspend("ann"), "AGENT_SUSPENDED"),
        (|world, ann| world.engine.end(ann.session).unwrap(), "SESSION_REVOKED"),
        (
            |world, _| world.engine.reload(&Policy::from_text(STRICT, "strict").unwrap()).unwrap(),
            "SCOPE_VIOLATION",
        ),
        (
            |world, ann| {
                let read = ToolCall::new("read").with_args(Args::none());
                for _ in 0..3 {
                    let asked = world.engine.try_enforce(&AccessRequest::new(ann.principal.as_ref(), &read));
                    assert!(matches!(asked, scopegate_core::Quick::Decided(Decision::Permit(_))));
                }
            },
            "RATE_LIMIT_EXCEEDED",
        ),
    ];
    for (change, code) in cases {
        let world = World::new();
        let ann = world.open("payer", "ann");
        let id = world.agreed(&ann.principal).await;
        change(&world, &ann);
        assert_eq!(world.read(id, &ann.principal).await, denied(code));
        // Nothing that is undone later brings it back.
        world.engine.readmit("ann");
        world.engine.reload(&Policy::from_text(POLICY, "policy").unwrap()).unwrap();
        assert_eq!(world.read(id, &ann.principal).await, denied(code), "it stays used up");
        world.advance(61);
        assert_eq!(world.read(id, &ann.principal).await, denied(code));
        assert!(world.engine.flush().await);
        let last = world.engine.records().last().unwrap().record.clone();
        assert_eq!((last.event.as_str(), last.review), (code, Some(id)));
    }
}

#[tokio::test]
async fn a_call_that_needs_nobody_any_more_is_permitted_and_its_yes_is_gone() {
    let world = World::new();
    let ann = world.open("payer", "ann");
    let id = world.agreed(&ann.principal).await;
    let free = "version: 1\nroles:\n  - {name: payer, allowed_tools: [pay]}\n";
    world.engine.reload(&Policy::from_text(free, "free").unwrap()).unwrap();
    assert!(matches!(world.read(id, &ann.principal).await, Ok(Reading::Permitted(_))));
    assert_eq!(world.engine.review(id).unwrap().state, ReviewState::Consumed);
}

#[tokio::test]
async fn all_that_was_judged_is_judged_again() {
    let world = World::new();
    let ann = world.open("payer", "ann");
    let claims = McpClaims { session: Some(ClaimedSession::Ours(ann.session)), schema: None };
    let call = ToolCall { mcp: Some(Box::new(claims)), via: Some(["bob".into()].into()), ..pay(5) };
    let id = world.held(&ann.principal, &call, Redemption::Read).await;
    let kept = world.engine.review(id).unwrap();
    let again: Review = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let stored = again.call();
    assert_eq!((&stored.mcp, &stored.via, &stored.tool), (&call.mcp, &call.via, &call.tool));
    assert_eq!(stored.args.to_json(), call.args.to_json());
    assert_eq!(again.redemption, Redemption::Read);
}

#[test]
fn fifty_readers_at_once_are_told_one_permit_and_one_record_is_made() {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ann = world.open("payer", "ann");
    let id = runtime.block_on(world.agreed(&ann.principal));
    let (start, told) = (Barrier::new(50), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                start.wait();
                let reading = runtime.block_on(world.read(id, &ann.principal)).unwrap();
                told.lock().unwrap().push(reading);
            });
        }
    });
    let told = told.into_inner().unwrap();
    assert!(matches!(told[0], Reading::Permitted(_)), "{told:?}");
    assert!(told.iter().all(|reading| *reading == told[0]), "{told:?}");
    assert_eq!(runtime.block_on(world.events()), [Event::Hold, Event::Permit]);
}

/// What a new process finds.
fn saved(log: &Log, sessions: &[&Provisioned]) -> SavedState {
    let kept = log.0.lock().unwrap();
    let saved = |session: &&Provisioned| SavedSession {
        id: session.session,
        owner: "ann".into(),
        role: "payer".into(),
        expires_at: session.expires_at,
        parent: None,
        revoked: false,
        records: kept.numbers.get(&session.session).copied().unwrap_or(0),
        max_calls: None,
        spent: 0,
    };
    SavedState {
        sessions: sessions.iter().map(saved).collect(),
        reviews: kept.reviews.values().cloned().collect(),
        ..SavedState::default()
    }
}

#[tokio::test]
async fn a_restart_tells_the_same_permit_and_takes_nothing_up_twice() {
    let log = Arc::new(Log::default());
    let world = World::kept(&log, SavedState::default());
    let ann = world.open("payer", "ann");
    let by_id = Principal::Session(ann.session);
    let id = world.agreed(&by_id).await;
    let Ok(Reading::Permitted(permit)) = world.read(id, &by_id).await else { panic!("no permit") };

    let world = World::kept(&log, saved(&log, &[&ann]));
    assert_eq!(world.read(id, &by_id).await, Ok(Reading::Permitted(permit)));
    // Where state is kept an agent comes back in a new session.
    let later = world.open("payer", "ann").principal;
    assert_eq!(world.read(id, &later).await, Ok(Reading::Permitted(permit)));
    world.advance(60);
    assert_eq!(world.read(id, &later).await, Ok(Reading::Expired));
    assert_eq!(log.0.lock().unwrap().events, [Event::Hold, Event::Permit]);
}

#[tokio::test]
async fn a_yes_that_nobody_read_waits_for_the_next_process() {
    let log = Arc::new(Log::default());
    let world = World::kept(&log, SavedState::default());
    let ann = world.open("payer", "ann");
    let by_id = Principal::Session(ann.session);
    let id = world.agreed(&by_id).await;
    let world = World::kept(&log, saved(&log, &[&ann]));
    assert!(matches!(world.read(id, &by_id).await, Ok(Reading::Permitted(_))));
}

#[tokio::test]
async fn without_a_record_there_is_no_permit() {
    let log = Arc::new(Log::default());
    let world = World::kept(&log, SavedState::default());
    let ann = world.open("payer", "ann").principal;
    let id = world.agreed(&ann).await;
    log.0.lock().unwrap().failed = true;
    assert_eq!(world.read(id, &ann).await, denied("AUDIT_UNAVAILABLE"));
    log.0.lock().unwrap().failed = false;
    assert_eq!(world.engine.review(id).unwrap().state, ReviewState::Approved, "nothing was used up");
    log.0.lock().unwrap().unkept = true;
    for _ in 0..2 {
        assert_eq!(world.read(id, &ann).await, denied("AUDIT_UNAVAILABLE"), "it was made, and is not kept");
    }
}

#[tokio::test]
async fn what_whoever_reads_cannot_do_is_not_permitted() {
    let policy = "
version: 1
roles:
  - {name: payer, allowed_tools: [pay], approval_required: [pay], redact_output: {pay: [{path: iban}]}}
";
    let engine = LocalEnforcer::new(Policy::from_text(policy, "policy").unwrap()).unwrap();
    let ann = engine.open(Provision::new("payer", "ann")).unwrap().principal;
    let call = pay(5);
    let request = AccessRequest::new(ann.as_ref(), &call).redeemed_by(Redemption::Read);
    let Decision::Hold(hold) = engine.enforce(&request).await.unwrap() else { panic!("not held") };
    engine.approve(hold.review, "bob").await.unwrap();
    assert_eq!(engine.redeem(hold.review, ann.as_ref(), None).await, denied("POLICY_ERROR"));
    let nobody = PrincipalRef::Session(SessionId::from_bits(3));
    assert_eq!(engine.redeem(hold.review, nobody, None).await, Err(ReviewError::Unknown));
}
