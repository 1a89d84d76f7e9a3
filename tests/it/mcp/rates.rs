//! Line 10: calls a minute to one MCP server.

use scopegate_core::{Decision, Detail, Role, Window};
use scopegate_engine::Policy;

use super::to;
use crate::engine::{NOON, World, race};

fn world(role: &str) -> World {
    World::new(&format!(
        "{{version: 1, roles: [{{name: r, allowed_tools: [read], allowed_mcp_servers: [a, b, c], {role}}}]}}"
    ))
}

#[test]
fn fifty_threads_get_exactly_the_limit() {
    for (role, sessions, expected) in [
        ("mcp_server_rate_limits: {a: 20}", 5, 20),
        ("mcp_server_rate_limits: {a: 20, b: 1}, rate_scope: key", 5, 20),
        ("mcp_server_rate_limits: {a: 0, b: 1}", 1, 200),
        ("mcp_server_rate_limits: {a: 30}, rate_limit_per_minute: 7", 5, 7),
        ("mcp_server_rate_limits: {a: 7}, rate_limit_per_hour: 30", 5, 7),
        ("mcp_server_rate_limits: {a: 4}, rate_scope: session", 5, 20),
        // Ten times the limit for the owner and role together.
        ("mcp_server_rate_limits: {a: 2}, rate_scope: session", 50, 20),
    ] {
        let world = world(role);
        let open: Vec<_> = (0..sessions).map(|_| world.open("r", "ann")).collect();
        let permits = race(50, "PERMIT", |thread| {
            (0..4).map(|_| world.ask(&open[thread % sessions], &to("a", "read", "{}"))).collect()
        });
        assert_eq!(permits, expected, "{role}, {sessions} sessions");
    }
}

#[test]
fn each_server_has_its_own_account() {
    let world = world("mcp_server_rate_limits: {a: 2, b: 1}, rate_limit_per_minute: 5");
    let session = world.open("r", "ann");
    for (server, expected) in [
        ("a", "PERMIT"),
        ("b", "PERMIT"),
        ("b", "MCP_RATE_LIMIT_EXCEEDED"),
        ("a", "PERMIT"),
        ("a", "MCP_RATE_LIMIT_EXCEEDED"),
        ("c", "PERMIT"),
        // A refused call spent nothing of the role's own limit.
        ("c", "PERMIT"),
        ("c", "RATE_LIMIT_EXCEEDED"),
        // The role's own limit is named first.
        ("a", "RATE_LIMIT_EXCEEDED"),
    ] {
        assert_eq!(world.ask(&session, &to(server, "read", "{}")), expected, "{server}");
    }
    world.advance(30);
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "PERMIT", "one of two in half a minute");
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "MCP_RATE_LIMIT_EXCEEDED");
}

#[test]
fn a_denial_says_when_there_is_room() {
    let world = world("mcp_server_rate_limits: {a: 3}");
    let session = world.open("r", "ann");
    for _ in 0..3 {
        world.permit(&session, &to("a", "read", "{}"));
    }
    let Decision::Deny(denial) = world.decide(&session.principal, &to("a", "read", "{}")) else {
        panic!("too many")
    };
    let promised = NOON.after(std::time::Duration::from_secs(20));
    assert_eq!(denial.detail, Detail::Limit(Window::Minute, promised));
}

#[test]
fn limits_of_parents_and_of_parent_sessions_count_too() {
    let world = World::new(
        "
version: 1
roles:
  - {name: base, allowed_tools: [read], allowed_mcp_servers: [a], mcp_server_rate_limits: {a: 2}}
  - {name: heir, parent_role_id: base, allowed_tools: [own], allowed_mcp_servers: [a], max_delegation_depth: 1}
",
    );
    let heir = world.open("heir", "ann");
    assert_eq!(
        [(); 3].map(|()| world.ask(&heir, &to("a", "read", "{}")))[1..],
        ["PERMIT", "MCP_RATE_LIMIT_EXCEEDED"]
    );
    assert_eq!(world.ask(&heir, &to("a", "own", "{}")), "PERMIT", "not granted by whoever limits");
    let (bob, base) = (world.open("heir", "bob"), world.open("base", "bob"));
    let child = world.child(&bob, "base");
    let answers = [&child, &base, &child].map(|session| world.ask(session, &to("a", "read", "{}")));
    assert_eq!(answers, ["PERMIT", "PERMIT", "MCP_RATE_LIMIT_EXCEEDED"], "one account of owner and role");
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let limited = |server: &str, calls| Role {
        allowed_mcp_servers: vec!["a".into(), "b".into()],
        mcp_server_rate_limits: [(server.into(), calls)].into(),
        ..Role::new("r").allow(["read"])
    };
    let world = World::new("{version: 1, allow_empty: true}");
    let put = |role: Role| world.engine.reload(&Policy::new([role])).expect("a valid policy");
    put(limited("a", 1));
    let session = world.open("r", "ann");
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "PERMIT");
    put(limited("b", 1));
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "PERMIT", "no limit now");
    assert_eq!(world.ask(&session, &to("b", "read", "{}")), "PERMIT", "the account of another server");
    let mut both = limited("a", 1);
    both.rate_limit_per_hour = 100;
    both.mcp_server_rate_limits.insert("b".into(), 1);
    put(both);
    for server in ["a", "b"] {
        assert_eq!(world.ask(&session, &to(server, "read", "{}")), "MCP_RATE_LIMIT_EXCEEDED", "{server}");
    }
}
