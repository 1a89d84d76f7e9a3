//! What became of a permitted call is recorded once, whatever happens to the permit.

use scopegate_core::{Event, Gate, Outcome, Permitted, ToolCall};

use super::{World, call, wait};

const POLICY: &str = "{version: 1, roles: [{name: r, allowed_tools: [read]}]}";

/// What a test does with its permit.
type Fate = (&'static str, fn(Permitted<ToolCall>), Event);

const FATES: [Fate; 10] = [
    ("completed", |permit| permit.complete(Outcome::Ok), Event::Ran),
    ("failed", |permit| permit.complete(Outcome::Failed), Event::Failed),
    ("reported as dropped", |permit| permit.complete(Outcome::Dropped), Event::Dropped),
    ("dropped", drop, Event::Dropped),
    ("taken apart and completed", |permit| permit.into_parts().2.complete(Outcome::Ok), Event::Ran),
    ("taken apart and dropped", |permit| drop(permit.into_parts()), Event::Dropped),
    ("run", |permit| wait(permit.run(async |_| Ok::<_, ()>(()))).expect("it runs"), Event::Ran),
    (
        "run and failed",
        |permit| wait(permit.run(async |_| Err::<(), _>(()))).expect_err("it fails"),
        Event::Failed,
    ),
    ("run and cancelled", |permit| drop(permit.run(async |_| Ok::<_, ()>(()))), Event::Dropped),
    ("run and panicked", panics, Event::Dropped),
];

fn panics(permit: Permitted<ToolCall>) {
    let run = || wait(permit.run(async |_| -> Result<(), ()> { std::panic::resume_unwind(Box::new(())) }));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err(), "the tool panics");
}

#[test]
fn every_fate_leaves_one_outcome() {
    for (name, fate, event) in FATES {
        let world = World::new(POLICY);
        let session = world.open("r", "ann");
        let gate = Gate::new(world.engine.clone());
        let permit = wait(gate.admit(&session.principal, call("read", "{}"))).expect("a permit");
        let id = permit.id();
        assert_eq!(world.events(), [Event::Permit], "{name}: nothing before the end");
        fate(permit);
        assert_eq!(world.events(), [Event::Permit, event], "{name}");
        assert_eq!(world.engine.records()[1].record.id, id, "{name}: the outcome names its permit");
    }
}

#[test]
fn refusals_have_no_outcome() {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    let gate = Gate::new(world.engine.clone());
    wait(gate.admit(&session.principal, call("rm", "{}"))).expect_err("not allowed");
    let events: Vec<_> = world.events().into_iter().map(Event::as_str).collect();
    assert_eq!(events, ["SCOPE_VIOLATION"]);
}

#[test]
fn the_tool_gets_the_arguments_that_were_judged() {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    let gate = Gate::new(world.engine.clone());
    let permit = wait(gate.admit(&session.principal, call("read", r#"{"a": 1.0}"#))).expect("a permit");
    let seen = wait(permit.run(async |call| call.args.to_json().ok_or(())));
    assert_eq!(seen.as_deref(), Ok(r#"{"a":1.0}"#));
}

#[test]
fn numbers_of_records_have_no_gaps() {
    let world = World::new(POLICY);
    let sessions = [world.open("r", "ann"), world.open("r", "ann")];
    super::race(8, "", |thread| {
        (0..50)
            .map(|at| world.ask(&sessions[thread % 2], &call(if at % 4 == 0 { "rm" } else { "read" }, "{}")))
            .collect()
    });
    world.events();
    for session in &sessions {
        let records = world.engine.records();
        let numbers = records.iter().map(|line| line.record.id).filter(|id| id.session == session.session);
        let mut numbers: Vec<u64> = numbers.map(|id| id.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    }
}
