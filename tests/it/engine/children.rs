//! Sub-agents: at most what every parent may, for as long as every parent lives.

use std::time::Duration;

use scopegate_core::{Principal, Provision, ProvisionError, Role};
use scopegate_engine::Policy;

use super::{NOON, World, call};

/// A parent role with one more line, under a child role that may do everything.
fn family(parent: &str) -> World {
    World::new(&format!(
        "
version: 1
roles:
  - {{name: parent, allowed_tools: [read, pay], max_delegation_depth: 1{parent}}}
  - {{name: child, allowed_tools: [read, pay, rm], max_delegation_depth: 8, default_ttl_seconds: 86400}}
"
    ))
}

#[test]
fn every_guard_of_the_parent_binds_the_child() {
    for (guard, tool, args, expected) in [
        ("", "read", "{}", "PERMIT"),
        ("", "rm", "{}", "SCOPE_VIOLATION"),
        (", denied_actions: ['re*']", "read", "{}", "ACTION_FORBIDDEN"),
        (", credential_mapping: {read: key}", "read", "{}", "CREDENTIAL_VIOLATION"),
        (", allowed_hours_start: 13, allowed_hours_end: 14", "read", "{}", "TIME_VIOLATION"),
        (", allowed_days: [1, 2]", "read", "{}", "TIME_VIOLATION"),
        (", allowed_envs: [dev]", "read", r#"{"env":"prod"}"#, "ENV_VIOLATION"),
        (", allowed_envs: [dev]", "read", "{}", "ENV_VIOLATION"),
        (", max_rows: 5", "read", r#"{"limit":6}"#, "DATA_LIMIT_EXCEEDED"),
        (
            ", parameter_constraints: {pay: [{field: amount, operator: lt, value: 10}]}",
            "pay",
            r#"{"amount":10}"#,
            "PARAMETER_VIOLATION",
        ),
        (
            ", parameter_constraints: {pay: [{field: amount, operator: lt, value: 10}]}",
            "pay",
            "{",
            "INVALID_ARGUMENTS",
        ),
        (
            ", parameter_constraints: {pay: [{field: amount, operator: lt, value: 10}]}",
            "pay",
            r#"{"amount":9}"#,
            "PERMIT",
        ),
        (", approval_required: [read]", "read", "{}", "HOLD"),
    ] {
        let world = family(guard);
        let child = world.child(&world.open("parent", "ann"), "child");
        assert_eq!(world.ask(&child, &call(tool, args)), expected, "a parent with `{guard}`: {tool} {args}");
    }
}

#[test]
fn a_child_gets_nothing_from_its_parents_role() {
    let world = World::new(
        "
version: 1
roles:
  - {name: parent, allowed_tools: [read, pay], max_delegation_depth: 1}
  - {name: child, allowed_tools: [read]}
",
    );
    let child = world.child(&world.open("parent", "ann"), "child");
    assert_eq!(world.ask(&child, &call("pay", "{}")), "SCOPE_VIOLATION");
}

#[test]
fn revoking_a_parent_ends_all_below_it_and_nothing_beside_it() {
    let world =
        World::new("{version: 1, roles: [{name: r, allowed_tools: [read], max_delegation_depth: 8}]}");
    let root = world.open("r", "ann");
    let (left, right) = (world.child(&root, "r"), world.child(&root, "r"));
    let below = world.child(&left, "r");
    let read = call("read", "{}");
    world.engine.end(left.session).expect("a known session");
    for (name, session, expected) in [
        ("the parent above", &root, "PERMIT"),
        ("the sibling", &right, "PERMIT"),
        ("itself", &left, "SESSION_REVOKED"),
        ("the child", &below, "SESSION_REVOKED"),
    ] {
        assert_eq!(world.ask(session, &read), expected, "{name}");
    }
    let born_late = world.engine.open_child(&below.principal, Provision::new("r", "x"));
    assert_eq!(born_late.err(), Some(ProvisionError::UnknownSession), "a child under a revoked grandparent");
}

#[test]
fn a_child_ends_with_its_parent_and_has_its_owner() {
    let world = family("");
    let short = Provision { ttl: Some(Duration::from_secs(10)), ..Provision::new("parent", "ann") };
    let parent = world.engine.open(short).expect("a session");
    let child = world.child(&parent, "child");
    assert_eq!(NOON.until(child.expires_at), Duration::from_secs(10), "no longer than the parent");
    let read = call("read", "{}");
    world.engine.suspend("ann");
    assert_eq!(
        world.ask(&child, &read),
        "AGENT_SUSPENDED",
        "the owner is the parent's, not the one asked for"
    );
    let refused = world.engine.open_child(&parent.principal, Provision::new("child", "bob")).err();
    assert_eq!(refused, Some(ProvisionError::Suspended("ann".into())), "a new name is no way around it");
    world.engine.readmit("ann");
    world.advance(10);
    assert_eq!(world.ask(&child, &read), "JWT_EXPIRED");
    let refused = world.engine.open_child(&parent.principal, Provision::new("child", "ann")).err();
    assert_eq!(refused, Some(ProvisionError::UnknownSession), "an expired parent has no children");
}

#[test]
fn children_go_as_deep_as_each_role_above_them_says() {
    for (depths, born) in [
        (&[0, 8][..], 0),
        (&[1, 8], 1),
        (&[2, 8, 8], 2),
        (&[2, 0, 8], 1),
        (&[2, 1, 8], 2),
        (&[8, 8, 8, 1, 8], 4),
        (&[1, 8, 8], 1),
    ] {
        let roles = depths.iter().enumerate().map(|(at, depth)| Role {
            max_delegation_depth: *depth,
            ..Role::new(format!("r{at}")).allow(["read"])
        });
        let roles: Vec<Role> = roles.chain([Role::new("leaf").allow(["read"])]).collect();
        let world = World::with("{version: 1, allow_empty: true}", |builder| builder);
        world.engine.reload(&Policy::new(roles)).expect("a valid policy");
        let mut session = world.open("r0", "ann");
        let mut count = 0;
        for at in 1..=depths.len() {
            let role = if at < depths.len() { format!("r{at}") } else { "leaf".to_owned() };
            match world.engine.open_child(&session.principal, Provision::new(role, "x")) {
                Ok(child) => session = child,
                Err(error) => {
                    assert!(matches!(error, ProvisionError::Depth(_)), "{depths:?}: {error}");
                    break;
                }
            }
            assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT", "{depths:?} at depth {at}");
            count += 1;
        }
        assert_eq!(count, born, "depths {depths:?}");
    }
}

#[test]
fn depth_that_is_taken_back_stops_the_next_call() {
    let world = family("");
    let child = world.child(&world.open("parent", "ann"), "child");
    let read = call("read", "{}");
    assert_eq!(world.ask(&child, &read), "PERMIT");
    world.engine.put_role(Role::new("parent").allow(["read"])).expect("a valid role");
    assert_eq!(world.ask(&child, &read), "DELEGATION_DEPTH_EXCEEDED");
}

#[test]
fn a_forged_parent_has_no_children() {
    let world = family("");
    for forged in ["", "sgs_", "sgs_00000000000000000000000000000000"] {
        let refused = world.engine.open_child(&Principal::token(forged), Provision::new("child", "x")).err();
        assert_eq!(refused, Some(ProvisionError::UnknownSession), "{forged:?}");
    }
}
