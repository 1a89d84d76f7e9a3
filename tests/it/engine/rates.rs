//! Rate limits: never a call more than the limit says, whoever asks at the same time.

use std::time::Duration;

use scopegate_core::{Decision, Detail, Timestamp, Window};

use super::{NOON, World, call, race};

fn world(role: &str) -> World {
    World::new(&format!("{{version: 1, roles: [{{name: r, allowed_tools: [read, pay], {role}}}]}}"))
}

#[test]
fn fifty_threads_get_exactly_the_limit() {
    for (role, sessions, expected) in [
        ("rate_limit_per_minute: 20", 1, 20),
        ("rate_limit_per_minute: 20", 5, 20),
        ("rate_limit_per_hour: 7", 5, 7),
        ("rate_limit_per_minute: 20, rate_limit_per_hour: 9", 5, 9),
        ("rate_limit_per_minute: 1", 50, 1),
        ("rate_limit_per_minute: 20, rate_scope: session", 1, 20),
        ("rate_limit_per_minute: 4, rate_scope: session", 5, 20),
        // Ten times the limit for the owner and role together.
        ("rate_limit_per_minute: 2, rate_scope: session", 50, 20),
        ("rate_limit_per_minute: 3, rate_limit_per_hour: 2, rate_scope: session", 50, 20),
    ] {
        let world = world(role);
        let open: Vec<_> = (0..sessions).map(|_| world.open("r", "ann")).collect();
        let permits = race(50, "PERMIT", |thread| {
            (0..4).map(|_| world.ask(&open[thread % sessions], &call("read", "{}"))).collect()
        });
        assert_eq!(permits, expected, "{role}, {sessions} sessions");
    }
}

#[test]
fn a_parent_is_charged_for_its_children() {
    let world = World::new(
        "
version: 1
roles:
  - {name: parent, allowed_tools: [read], max_delegation_depth: 1, rate_limit_per_minute: 6}
  - {name: child, allowed_tools: [read], rate_limit_per_minute: 4}
",
    );
    let parent = world.open("parent", "ann");
    let children: Vec<_> = (0..5).map(|_| world.child(&parent, "child")).collect();
    let asking = |thread: usize| if thread < 5 { &children[thread] } else { &parent };
    let permits =
        race(6, "PERMIT", |thread| (0..10).map(|_| world.ask(asking(thread), &call("read", "{}"))).collect());
    assert_eq!(permits, 6, "the parent's limit counts its own calls and its children's");
}

#[test]
fn the_next_call_comes_exactly_when_it_was_promised() {
    for (role, at_once, interval) in [
        ("rate_limit_per_minute: 3", 3, 20_000_000_000_u64),
        ("rate_limit_per_minute: 7", 7, 8_571_428_572), // rounded up
        ("rate_limit_per_hour: 1", 1, 3_600_000_000_000),
        ("rate_limit_per_minute: 1, rate_scope: session", 1, 60_000_000_000),
    ] {
        let world = world(role);
        let session = world.open("r", "ann");
        let read = call("read", "{}");
        for index in 0..at_once {
            assert_eq!(world.ask(&session, &read), "PERMIT", "{role}: call {index} of the first ones");
        }
        let Decision::Deny(denial) = world.decide(&session.principal, &read) else {
            panic!("{role}: too many")
        };
        let promised = Timestamp::from_nanos(NOON.nanos() + interval);
        let window = if role.contains("hour") { Window::Hour } else { Window::Minute };
        assert_eq!(denial.detail, Detail::Limit(window, promised), "{role}");
        if interval > 3_500_000_000_000 {
            continue; // the session ends first
        }
        world.clock.set(Timestamp::from_nanos(promised.nanos() - 1));
        assert_eq!(world.ask(&session, &read), "RATE_LIMIT_EXCEEDED", "{role}: a nanosecond early");
        world.clock.set(promised);
        assert_eq!(world.ask(&session, &read), "PERMIT", "{role}: on time");
        assert_eq!(world.ask(&session, &read), "RATE_LIMIT_EXCEEDED", "{role}: one, not two");
    }
}

#[test]
fn only_a_permit_is_charged() {
    let world = World::new(
        "
version: 1
roles:
  - name: r
    allowed_tools: [read, pay]
    approval_required: [read]
    parameter_constraints: {pay: [{field: amount, operator: lt, value: 10}]}
    rate_limit_per_minute: 1
",
    );
    let session = world.open("r", "ann");
    for (tool, args, expected) in [
        ("read", "{}", "HOLD"),
        ("pay", r#"{"amount":10}"#, "PARAMETER_VIOLATION"),
        ("pay", r#"{"amount":10"#, "INVALID_ARGUMENTS"),
        ("rm", "{}", "SCOPE_VIOLATION"),
        ("pay", r#"{"amount":9}"#, "PERMIT"),
        ("pay", r#"{"amount":9}"#, "RATE_LIMIT_EXCEEDED"),
        ("read", "{}", "RATE_LIMIT_EXCEEDED"),
    ] {
        assert_eq!(world.ask(&session, &call(tool, args)), expected, "{tool} {args}");
    }
}

#[test]
fn a_clock_that_steps_back_gives_no_calls_away() {
    let world = world("rate_limit_per_minute: 2, default_ttl_seconds: 86400");
    let session = world.open("r", "ann");
    let read = call("read", "{}");
    let mut permits = 0;
    for seconds in [0, 0, 3600, 3600, 0, 10, 1, 3599, 0] {
        world.clock.set(NOON.after(Duration::from_secs(seconds)));
        permits += usize::from(world.ask(&session, &read) == "PERMIT");
    }
    assert_eq!(permits, 4, "two at noon and two an hour later");
}
