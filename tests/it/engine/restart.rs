//! State that outlives the process: an enforcer hands every change to a log, and starts again from it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use scopegate_core::{Gate, Outcome, Principal, PrincipalRef, Provisioned, ReviewId, SessionId};
use scopegate_engine::{
    AccountKey, NoRoom, Position, SavedSession, SavedState, StateChange, StateLog, Waiting,
};

use super::{World, call, wait, word};

const POLICY: &str = "
version: 1
roles:
  - {name: clerk, allowed_tools: [read, pay], rate_limit_per_hour: 3, approval_required: [pay]}
  - {name: busy, allowed_tools: [read], rate_limit_per_minute: 2, rate_scope: session}
";

/// A log in memory, which can be told to fail.
#[derive(Default)]
struct Log(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    accounts: HashMap<AccountKey, u64>,
    reviews: HashMap<ReviewId, scopegate_core::Review>,
    numbers: HashMap<SessionId, u64>,
    events: Vec<&'static str>,
    failed: bool,
    room: isize,
}

impl StateLog for Log {
    fn reserve(&self, _: bool) -> Result<(), NoRoom> {
        let mut kept = self.0.lock().unwrap();
        kept.room -= 1;
        if kept.failed { Err(NoRoom::Failed) } else { Ok(()) }
    }

    fn release(&self) {
        self.0.lock().unwrap().room += 1;
    }

    fn append(&self, change: StateChange) -> Position {
        let mut kept = self.0.lock().unwrap();
        kept.room += 1;
        match change {
            StateChange::Decided(decided) => {
                kept.events.push(decided.record.event.as_str());
                kept.numbers.insert(decided.record.id.session, decided.record.id.number);
                kept.accounts.extend(decided.accounts);
                kept.reviews.extend(decided.review.map(|review| (review.id, review)));
            }
            StateChange::Settled(review) => {
                kept.reviews.insert(review.id, *review);
            }
            StateChange::Granted(_) => {}
            StateChange::Advanced(accounts) => kept.accounts.extend(accounts.into_vec()),
        }
        kept.events.len() as Position
    }

    fn kept(&self, _: Position) -> Waiting<'_, bool> {
        let failed = self.0.lock().unwrap().failed;
        Box::pin(std::future::ready(!failed))
    }

    fn room(&self) -> Waiting<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn is_durable(&self) -> bool {
        true
    }
}

/// The log, and the world that writes to it.
fn start(log: &Arc<Log>, saved: SavedState) -> World {
    World::with(POLICY, |builder| builder.keep_state(log.clone(), saved))
}

/// What a new process reads: the sessions as the plane keeps them, the rest as the log does.
fn saved(log: &Log, world: &World, sessions: &[&Provisioned]) -> SavedState {
    let kept = log.0.lock().unwrap();
    assert_eq!(kept.room, 0, "room that was taken is used or given back");
    let mut saved = SavedState::default();
    for session in sessions {
        let view = world.engine.session(session.session).unwrap();
        saved.sessions.push(SavedSession {
            id: view.id,
            owner: view.owner,
            role: view.role,
            expires_at: view.expires_at,
            parent: view.parent,
            revoked: view.revoked,
            records: kept.numbers.get(&view.id).copied().unwrap_or(0),
            max_calls: None,
            spent: 0,
        });
    }
    saved.accounts = kept.accounts.iter().map(|(key, tat)| (key.clone(), *tat)).collect();
    saved.reviews = kept.reviews.values().cloned().collect();
    saved
}

/// Asks as the plane does: by the session's id.
fn ask(world: &World, session: &Provisioned, tool: &str, args: &str) -> &'static str {
    word(&world.decide(&Principal::Session(session.session), &call(tool, args.to_owned())))
}

#[test]
fn limits_go_on_counting() {
    let log = Arc::new(Log::default());
    let world = start(&log, SavedState::default());
    let (ann, own) = (world.open("clerk", "ann"), world.open("busy", "ann"));
    assert_eq!(["PERMIT"; 2], [(); 2].map(|()| ask(&world, &ann, "read", "{}")));
    assert_eq!("PERMIT", ask(&world, &own, "read", "{}"));

    let world = start(&log, saved(&log, &world, &[&ann, &own]));
    assert_eq!("PERMIT", ask(&world, &ann, "read", "{}"));
    assert_eq!("RATE_LIMIT_EXCEEDED", ask(&world, &ann, "read", "{}"), "three an hour, over both processes");
    assert_eq!("PERMIT", ask(&world, &own, "read", "{}"));
    assert_eq!("RATE_LIMIT_EXCEEDED", ask(&world, &own, "read", "{}"), "two a minute, over both processes");
}

#[test]
fn a_yes_permits_once_over_restarts() {
    let log = Arc::new(Log::default());
    let world = start(&log, SavedState::default());
    let ann = world.open("clerk", "ann");
    assert_eq!("HOLD", ask(&world, &ann, "pay", r#"{"to":"bob"}"#));

    let world = start(&log, saved(&log, &world, &[&ann]));
    assert_eq!("HOLD", ask(&world, &ann, "pay", r#"{"to":"bob"}"#));
    world.settle(true);

    let world = start(&log, saved(&log, &world, &[&ann]));
    assert_eq!("PERMIT", ask(&world, &ann, "pay", r#"{"to":"bob"}"#));

    let world = start(&log, saved(&log, &world, &[&ann]));
    assert_eq!("HOLD", ask(&world, &ann, "pay", r#"{"to":"bob"}"#), "used up is used up");
    assert_eq!("HOLD", ask(&world, &ann, "pay", r#"{"to":"eve"}"#));
}

#[test]
fn sessions_end_where_they_ended() {
    let log = Arc::new(Log::default());
    let world = start(&log, SavedState::default());
    let (ann, bob) = (world.open("clerk", "ann"), world.open("clerk", "bob"));
    world.engine.end(ann.session).unwrap();
    let mut kept = saved(&log, &world, &[&ann, &bob]);
    kept.suspended.push("carl".into());
    let world = start(&log, kept);
    assert_eq!("SESSION_REVOKED", ask(&world, &ann, "read", "{}"));
    assert_eq!("PERMIT", ask(&world, &bob, "read", "{}"));
    assert!(world.engine.open(scopegate_core::Provision::new("clerk", "carl")).is_err());
    let nobody = PrincipalRef::Token("").to_owned();
    assert_eq!("JWT_INVALID", word(&world.decide(&nobody, &call("read", "{}"))));

    let mut gone = saved(&log, &world, &[&bob]);
    gone.sessions.iter_mut().for_each(|session| session.role = "gone".into());
    assert_eq!("SESSION_EXPIRED", ask(&start(&log, gone), &bob, "read", "{}"));
}

#[test]
fn numbers_go_on_without_a_gap() {
    let log = Arc::new(Log::default());
    let world = start(&log, SavedState::default());
    let ann = world.open("clerk", "ann");
    let permit = |world: &World| {
        let principal = Principal::Session(ann.session);
        match world.decide(&principal, &call("read", "{}")) {
            scopegate_core::Decision::Permit(permit) => permit.id.number,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((1, 2), (permit(&world), permit(&world)));
    let world = start(&log, saved(&log, &world, &[&ann]));
    assert_eq!(3, permit(&world));
}

#[test]
fn nothing_is_given_out_that_is_not_kept() {
    let log = Arc::new(Log::default());
    let world = start(&log, SavedState::default());
    let ann = world.open("clerk", "ann");
    assert_eq!("HOLD", ask(&world, &ann, "pay", "{}"));
    let review = world.review().id;
    log.0.lock().unwrap().failed = true;
    assert_eq!("AUDIT_UNAVAILABLE", ask(&world, &ann, "read", "{}"));
    assert_eq!("SCOPE_VIOLATION", ask(&world, &ann, "rm", "{}"), "a denial goes out all the same");
    use scopegate_core::Reviews;
    assert!(wait(world.engine.approve(review, "a reviewer")).is_err());
    assert_eq!(scopegate_core::ReviewState::Pending, world.review().state);
}

#[test]
fn a_refusal_from_outside_the_policy_is_recorded() {
    let log = Arc::new(Log::default());
    let world = start(&log, SavedState::default());
    let ann = world.open("clerk", "ann");
    let principal = Principal::Session(ann.session);
    let refuse = || {
        let call = call("read", "{}");
        let request = scopegate_core::AccessRequest::new(principal.as_ref(), &call);
        let denial = scopegate_core::Denial::new(scopegate_core::DenyCode::InvalidArguments);
        word(&wait(world.engine.refuse(&request, denial)).unwrap())
    };
    assert_eq!("INVALID_ARGUMENTS", refuse());
    world.engine.end(ann.session).unwrap();
    assert_eq!("SESSION_REVOKED", refuse(), "what is wrong with the session comes first");
    assert_eq!(["INVALID_ARGUMENTS", "SESSION_REVOKED"], log.0.lock().unwrap().events[..]);
}

#[test]
fn outcomes_are_kept_too() {
    let log = Arc::new(Log::default());
    let world = start(&log, SavedState::default());
    let ann = world.open("clerk", "ann");
    let gate = Gate::new(world.engine.clone());
    let permitted = wait(gate.admit(&ann.principal, call("read", "{}"))).expect("a permit");
    permitted.complete(Outcome::Ok);
    assert_eq!(["permit", "ran"], log.0.lock().unwrap().events[..]);
}
