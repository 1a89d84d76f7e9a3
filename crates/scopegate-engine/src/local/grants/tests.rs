mod delegations;
mod kept;

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::grant::{Delegate, Emergency, OpenBreakGlass, OpenWindow};
use scopegate_core::{
    AccessRequest, Args, Decision, DecisionRecord, DenyCode, Enforcer, Grant, GrantError, GrantId,
    GrantState, Name, Principal, Provision, Quick, Timestamp, ToolCall,
};

use crate::{LocalEnforcer, ManualClock, Policy};

/// A Monday at noon, UTC.
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

const POLICY: &str = "
version: 1
policies:
  - {name: calm, policy_type: action_type, decision: deny, action_types: [restart], absolute: false}
  - {name: never, policy_type: action_type, decision: deny, action_types: [format]}
  - {name: shouting, policy_type: content_pattern, decision: deny, action_types: [shout], conditions: {patterns: ['[A-Z]{3}']}}
roles:
  - {name: r, allowed_tools: [read, restart, format, shout, late], denied_actions: [drop], approval_required: [deploy],
     parameter_constraints: {migrate: [{field: rows, operator: lt, value: 10}]}, max_rows: 50, rows_optional: true}
  - {name: night, allowed_tools: [read], allowed_hours_start: 1, allowed_hours_end: 2}
  - {name: wary, allowed_tools: [read], min_trust_level: 60}
  - {name: boss, allowed_tools: [trade, read], allowed_actions: ['pay*'], max_delegation_depth: 2, denied_actions: [paydrop],
     parameter_constraints: {trade: [{field: amount, operator: lt, value: 100}]}}
  - {name: low, allowed_tools: [sleep]}
  - {name: clerk, allowed_tools: [sleep], denied_actions: [payall], approval_required: [payday],
     parameter_constraints: {trade: [{field: amount, operator: lt, value: 10}]}}
";

struct World {
    engine: LocalEnforcer,
    clock: Arc<ManualClock>,
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn world() -> World {
    let clock = Arc::new(ManualClock::new(NOON));
    let policy = Policy::from_text(POLICY, "policy").unwrap();
    World { engine: LocalEnforcer::builder(policy).clock(clock.clone()).build().unwrap(), clock }
}

fn window(agent: &'static str, scopes: &[&'static str]) -> OpenWindow {
    OpenWindow {
        agent: agent.into(),
        scopes: scopes.iter().map(|scope| Name::new_static(scope)).collect(),
        actions: Vec::new(),
        minutes: 30,
        reason: "a migration".to_owned(),
        max_uses: None,
        max_extensions: None,
        workflow: None,
        by: "an operator".into(),
    }
}

fn glass(agent: &'static str) -> OpenBreakGlass {
    OpenBreakGlass {
        agent: agent.into(),
        justification: "P0: it burns".to_owned(),
        severity: Emergency::Critical,
        minutes: None,
        actions: Vec::new(),
        max_uses: None,
        by: "an operator".into(),
    }
}

fn delegation(source: &'static str, target: &'static str, scopes: &[&'static str]) -> Delegate {
    Delegate {
        source: source.into(),
        role: "boss".into(),
        target: target.into(),
        scopes: scopes.iter().map(|scope| Name::new_static(scope)).collect(),
        within: Vec::new(),
        parent: None,
        length: Duration::from_secs(3600),
        max_uses: None,
        max_depth: None,
        instruction: String::new(),
        by: source.into(),
    }
}

impl World {
    fn open(&self, role: &'static str, owner: &'static str) -> Principal {
        self.engine.open(Provision::new(role, owner)).unwrap().principal
    }

    fn ask(&self, who: &Principal, tool: &str, args: &str) -> &'static str {
        self.under(who, None, tool, args)
    }

    fn under(&self, who: &Principal, grant: Option<GrantId>, tool: &str, args: &str) -> &'static str {
        let call = ToolCall::new(tool).with_args(Args::parse(args.to_owned()));
        let request = AccessRequest::new(who.as_ref(), &call).under(grant);
        let decision = match self.engine.try_enforce(&request) {
            Quick::Decided(decision) => decision,
            Quick::Need(_) => wait(self.engine.enforce(&request)).unwrap(),
        };
        match decision {
            Decision::Permit(_) => "PERMIT",
            Decision::Hold(_) => "HOLD",
            Decision::Deny(denial) => denial.code.as_str(),
        }
    }

    /// The last record of an owner's sessions.
    fn last(&self, owner: &str) -> DecisionRecord {
        assert!(wait(self.engine.flush()));
        let mut records = self.engine.records().into_iter().map(|line| line.record);
        records.rfind(|record| record.owner.as_deref() == Some(owner)).unwrap()
    }

    fn window(&self, window: OpenWindow) -> Result<Grant, GrantError> {
        wait(self.engine.open_window(window))
    }

    fn glass(&self, glass: OpenBreakGlass) -> Result<Grant, GrantError> {
        wait(self.engine.break_glass(glass))
    }

    fn delegate(&self, delegate: Delegate) -> Result<Grant, GrantError> {
        wait(self.engine.delegate(delegate))
    }

    fn end(&self, grant: &Grant) -> Result<Vec<Grant>, GrantError> {
        wait(self.engine.end_grant(grant.id, "an operator".into(), "enough".to_owned()))
    }

    fn review(&self, grant: &Grant, by: &'static str) -> Result<Grant, GrantError> {
        wait(self.engine.review_break_glass(grant.id, by.into(), "it was right".to_owned(), None))
    }

    fn uses(&self, grant: &Grant) -> u64 {
        self.engine.grant(grant.id).unwrap().uses
    }

    fn minutes(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }
}

#[test]
fn a_window_admits_what_the_role_does_not_and_every_guard_stays() {
    let world = world();
    let who = world.open("r", "ann");
    assert_eq!(world.ask(&who, "migrate", "{}"), "SCOPE_VIOLATION");
    let open = world.window(window("ann", &["migrate", "deploy", "dro*", "db:*"])).unwrap();
    for (tool, args, answer) in [
        ("migrate", "{}", "PARAMETER_VIOLATION"), // a rule of the role, for a tool that it does not grant
        ("migrate", r#"{"rows":9}"#, "PERMIT"),
        ("migrate", r#"{"rows":9,"limit":51}"#, "DATA_LIMIT_EXCEEDED"),
        ("deploy", "{}", "HOLD"),
        ("drop", "{}", "ACTION_FORBIDDEN"),
        ("db:list", "{}", "PERMIT"),
        ("write", "{}", "SCOPE_VIOLATION"),
    ] {
        assert_eq!(world.ask(&who, tool, args), answer, "{tool} {args}");
    }
    assert_eq!(world.uses(&open), 2); // denials and holds spend nothing
    assert_eq!(world.ask(&who, "read", "{}"), "PERMIT");
    assert_eq!((world.uses(&open), world.last("ann").grant), (2, None)); // the role paid
    assert_eq!(world.ask(&who, "db:list", "{}"), "PERMIT");
    assert_eq!((world.last("ann").grant, world.last("ann").replaced), (Some(open.id), None));
    // Nobody else, and no sub-agent of hers.
    assert_eq!(world.ask(&world.open("r", "ben"), "db:list", "{}"), "SCOPE_VIOLATION");
    let boss = world.open("boss", "ann");
    let child = world.engine.open_child(&boss, Provision::new("r", "ann")).unwrap().principal;
    assert_eq!(world.ask(&boss, "db:list", "{}"), "PERMIT");
    for grant in [None, Some(open.id)] {
        assert_eq!(world.under(&child, grant, "db:list", "{}"), "SCOPE_VIOLATION");
    }
}

#[test]
fn a_window_ends_at_its_end_is_extended_and_revoked() {
    let world = world();
    let who = world.open("r", "ann");
    let open = world.window(OpenWindow { max_extensions: Some(1), ..window("ann", &["db:*"]) }).unwrap();
    world.clock.advance(Duration::from_secs(30 * 60 - 1));
    assert_eq!(world.ask(&who, "db:x", "{}"), "PERMIT");
    let extend = || wait(world.engine.extend_window(open.id, "an operator".into(), 10, String::new()));
    assert_eq!(extend().unwrap().until, open.until.after(Duration::from_secs(600)));
    assert_eq!(extend(), Err(GrantError::Extensions(1)));
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.ask(&who, "db:x", "{}"), "PERMIT");
    world.clock.advance(Duration::from_secs(1)); // the end itself is outside
    assert_eq!(world.ask(&who, "db:x", "{}"), "SCOPE_VIOLATION");
    assert_eq!(world.under(&who, Some(open.id), "db:x", "{}"), "SCOPE_VIOLATION");
    assert_eq!(extend(), Err(GrantError::Over(GrantState::Expired)));
    assert_eq!(world.end(&open), Err(GrantError::Over(GrantState::Expired)));
    let next = world.window(window("ann", &["db:*"])).unwrap();
    assert_eq!(world.ask(&who, "db:x", "{}"), "PERMIT");
    assert_eq!(world.end(&next).unwrap().len(), 1);
    assert_eq!(world.ask(&who, "db:x", "{}"), "SCOPE_VIOLATION");
    let extend = wait(world.engine.extend_window(next.id, "an operator".into(), 10, String::new()));
    assert_eq!(extend, Err(GrantError::Over(GrantState::Ended)));
}

#[test]
fn windows_that_are_none_are_refused() {
    let world = world();
    let of = || window("ann", &["db:*"]);
    for (bad, error) in [
        (OpenWindow { scopes: Vec::new(), ..of() }, GrantError::NoScopes),
        (OpenWindow { scopes: vec!["".into()], ..of() }, GrantError::Pattern(String::new())),
        (OpenWindow { scopes: vec!["a b".into()], ..of() }, GrantError::Pattern("a b".to_owned())),
        (OpenWindow { scopes: vec!["a".into(); 65], ..of() }, GrantError::TooMany(65, 64)),
        (OpenWindow { actions: vec!["pay".into()], ..of() }, GrantError::Nothing),
        (OpenWindow { minutes: 0, ..of() }, GrantError::Length(1440)),
        (OpenWindow { minutes: 1441, ..of() }, GrantError::Length(1440)),
        (OpenWindow { minutes: u64::MAX, ..of() }, GrantError::Length(1440)),
        (OpenWindow { reason: "  ".to_owned(), ..of() }, GrantError::Reason(1)),
        (OpenWindow { reason: "x".repeat(4097), ..of() }, GrantError::Text(4096)),
        (OpenWindow { max_uses: Some(0), ..of() }, GrantError::NoUses),
        (OpenWindow { max_extensions: Some(11), ..of() }, GrantError::Extensions(10)),
        (OpenWindow { by: "ann".into(), ..of() }, GrantError::ForItself("ann".into())),
        (OpenWindow { by: "".into(), ..of() }, GrantError::ForItself("ann".into())),
    ] {
        assert_eq!(world.window(bad.clone()), Err(error), "{bad:?}");
    }
    assert!(world.engine.grants().is_empty());
    for _ in 0..100 {
        world.window(of()).unwrap();
    }
    assert_eq!(world.window(of()), Err(GrantError::TooMany(101, 100)));
}

#[test]
fn actions_narrow_scopes() {
    let world = world();
    let who = world.open("r", "ann");
    world.window(OpenWindow { actions: vec!["*:read".into()], ..window("ann", &["db:*"]) }).unwrap();
    assert_eq!(world.ask(&who, "db:read", "{}"), "PERMIT");
    assert_eq!(world.ask(&who, "db:write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(world.ask(&who, "fs:read", "{}"), "SCOPE_VIOLATION");
}

#[test]
fn break_glass_lifts_four_things_and_nothing_more() {
    let world = world();
    for (role, tool, args, before, after) in [
        ("r", "anything", "{}", "SCOPE_VIOLATION", "PERMIT"),
        ("r", "restart", "{}", "POLICY_DENIED", "PERMIT"),
        ("night", "read", "{}", "TIME_VIOLATION", "PERMIT"),
        ("wary", "read", "{}", "TRUST_TOO_LOW", "PERMIT"),
        ("r", "format", "{}", "ACTION_FORBIDDEN", "ACTION_FORBIDDEN"), // an absolute policy
        ("r", "shout", r#"{"a":"ABC"}"#, "POLICY_DENIED", "POLICY_DENIED"), // absolute, and reads arguments
        ("r", "drop", "{}", "ACTION_FORBIDDEN", "ACTION_FORBIDDEN"),
        ("r", "migrate", "{}", "SCOPE_VIOLATION", "PARAMETER_VIOLATION"),
        ("r", "migrate", r#"{"a":1,"a":2}"#, "SCOPE_VIOLATION", "INVALID_ARGUMENTS"),
        ("r", "late", r#"{"limit":51}"#, "DATA_LIMIT_EXCEEDED", "DATA_LIMIT_EXCEEDED"),
        ("r", "deploy", "{}", "SCOPE_VIOLATION", "HOLD"),
    ] {
        let owner = Name::from(format!("{role} {tool} {args}"));
        let who = world.engine.open(Provision::new(role, owner.clone())).unwrap().principal;
        assert_eq!(world.ask(&who, tool, args), before, "{owner}");
        let open =
            world.glass(OpenBreakGlass { agent: owner.clone(), minutes: Some(1), ..glass("") }).unwrap();
        assert_eq!(world.ask(&who, tool, args), after, "{owner}");
        if after == "PERMIT" {
            let record = world.last(&owner);
            assert_eq!(record.grant, Some(open.id), "{owner}");
            assert_eq!(record.replaced.map(DenyCode::as_str), Some(before), "{owner}");
            // Named, it says the same.
            assert_eq!(world.under(&who, Some(open.id), tool, args), after, "{owner}");
            assert_eq!(world.last(&owner).replaced.map(DenyCode::as_str), Some(before), "{owner}");
        }
        world.end(&open).unwrap();
        world.review(&open, "another").unwrap();
        assert_eq!(world.ask(&who, tool, args), before, "{owner}");
    }
    // Suspended is suspended, and over is over.
    let who = world.open("r", "ann");
    world.glass(glass("ann")).unwrap();
    world.engine.suspend("ann");
    assert_eq!(world.ask(&who, "anything", "{}"), "AGENT_SUSPENDED");
    world.engine.readmit("ann");
    assert_eq!(world.ask(&who, "anything", "{}"), "PERMIT");
    world.minutes(15);
    assert_eq!(world.ask(&who, "anything", "{}"), "SCOPE_VIOLATION");
}

#[test]
fn a_sub_agent_is_told_what_its_role_says() {
    let world = world();
    world.glass(glass("ann")).unwrap();
    let boss = world.open("boss", "ann");
    let child =
        |role: &'static str| world.engine.open_child(&boss, Provision::new(role, "ann")).unwrap().principal;
    assert_eq!(world.ask(&child("wary"), "read", "{}"), "TRUST_TOO_LOW");
    assert_eq!(world.ask(&child("night"), "read", "{}"), "TIME_VIOLATION");
}

#[test]
fn the_window_pays_before_the_glass() {
    let world = world();
    let who = world.open("r", "ann");
    let (glass, window) =
        (world.glass(glass("ann")).unwrap(), world.window(window("ann", &["db:*"])).unwrap());
    assert_eq!(world.ask(&who, "db:x", "{}"), "PERMIT");
    assert_eq!((world.uses(&window), world.uses(&glass)), (1, 0));
    assert_eq!(world.ask(&who, "else", "{}"), "PERMIT");
    assert_eq!((world.uses(&window), world.uses(&glass)), (1, 1));
}

#[test]
fn glass_is_not_broken_often_nor_long_nor_unreviewed() {
    let world = world();
    for (bad, error) in [
        (OpenBreakGlass { justification: "123456789".into(), ..glass("ann") }, GrantError::Reason(10)),
        (OpenBreakGlass { justification: "  1234567  ".into(), ..glass("ann") }, GrantError::Reason(10)),
        (OpenBreakGlass { minutes: Some(121), ..glass("ann") }, GrantError::Length(120)),
        (OpenBreakGlass { minutes: Some(0), ..glass("ann") }, GrantError::Length(120)),
        (OpenBreakGlass { max_uses: Some(0), ..glass("ann") }, GrantError::NoUses),
        (OpenBreakGlass { by: "ann".into(), ..glass("ann") }, GrantError::ForItself("ann".into())),
    ] {
        assert_eq!(world.glass(bad.clone()), Err(error), "{bad:?}");
    }
    let first = world.glass(glass("ann")).unwrap();
    assert_eq!(first.until, NOON.after(Duration::from_secs(900)));
    world.end(&first).unwrap(); // it counts all the same
    world.glass(glass("ann")).unwrap();
    world.minutes(10);
    world.glass(glass("ann")).unwrap();
    assert_eq!(world.glass(glass("ann")), Err(GrantError::TooSoon(NOON.after(Duration::from_secs(1800)))));
    world.glass(glass("ben")).unwrap();
    world.minutes(20);
    world.glass(glass("ann")).unwrap();
    // 4 times 15 minutes are gone: three hours are left of the day.
    world.glass(OpenBreakGlass { minutes: Some(120), ..glass("cid") }).unwrap();
    let hour = OpenBreakGlass { minutes: Some(60), ..glass("dan") };
    assert_eq!(world.glass(OpenBreakGlass { minutes: Some(61), ..hour.clone() }), Err(GrantError::TooLong));
    let last = world.glass(hour).unwrap();
    assert_eq!(world.glass(OpenBreakGlass { minutes: Some(1), ..glass("eve") }), Err(GrantError::TooLong));
    world.end(&last).unwrap(); // what was not used is given back
    world.glass(OpenBreakGlass { minutes: Some(1), ..glass("eve") }).unwrap();
    world.minutes(24 * 60);
    assert!(matches!(world.glass(glass("eve")), Err(GrantError::Unreviewed(_))));
}

#[test]
fn a_break_glass_is_reviewed_afterwards_by_somebody_else() {
    let world = world();
    let open = world.glass(glass("ann")).unwrap();
    assert_eq!(world.review(&open, "another"), Err(GrantError::StillOpen));
    world.end(&open).unwrap();
    for had_a_part in ["an operator", "ann", ""] {
        assert_eq!(world.review(&open, had_a_part), Err(GrantError::OwnReview(had_a_part.into())));
    }
    let silent = wait(world.engine.review_break_glass(open.id, "another".into(), " ".to_owned(), None));
    assert_eq!(silent, Err(GrantError::Reason(1)));
    assert_eq!(world.review(&open, "another").unwrap().review_due(), None);
    assert_eq!(world.review(&open, "another"), Err(GrantError::Reviewed));
    let unknown = Grant { id: GrantId::from_bits(7), ..open };
    assert_eq!(world.review(&unknown, "another"), Err(GrantError::Unknown));
    let window = world.window(window("ann", &["x"])).unwrap();
    assert_eq!(world.review(&window, "another"), Err(GrantError::Unknown));
    assert_eq!(world.end(&unknown), Err(GrantError::Unknown));
}

#[test]
fn fifty_at_once_find_five_uses() {
    let world = world();
    let open = world.window(OpenWindow { max_uses: Some(5), ..window("ann", &["db:*"]) }).unwrap();
    let who = world.open("r", "ann");
    let permits: usize = std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..50).map(|_| scope.spawn(|| usize::from(world.ask(&who, "db:x", "{}") == "PERMIT"))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).sum()
    });
    assert_eq!((permits, world.uses(&open)), (5, 5));
    assert_eq!(world.ask(&who, "db:x", "{}"), "SCOPE_VIOLATION");
    assert_eq!(world.under(&who, Some(open.id), "db:x", "{}"), "GRANT_EXHAUSTED");
}

#[test]
fn a_person_agrees_under_a_grant_too() {
    let world = world();
    let open = world.window(OpenWindow { max_uses: Some(1), ..window("ann", &["deploy"]) }).unwrap();
    let who = world.open("r", "ann");
    assert_eq!(world.ask(&who, "deploy", "{}"), "HOLD");
    let review = world.engine.pending_reviews().remove(0).id;
    wait(scopegate_core::Reviews::approve(&world.engine, review, "a reviewer")).unwrap();
    assert_eq!((world.ask(&who, "deploy", "{}"), world.uses(&open)), ("PERMIT", 1));
    assert_eq!((world.last("ann").review, world.last("ann").grant), (Some(review), Some(open.id)));
    assert_eq!(world.ask(&who, "deploy", "{}"), "SCOPE_VIOLATION");
}
