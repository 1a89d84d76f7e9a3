//! Rate accounts outlive sessions and reloads: neither is a way to fill them up again.

use scopegate_core::Role;
use scopegate_engine::Policy;

use super::{World, call, race};

fn role(name: &str) -> Role {
    Role { rate_limit_per_minute: 2, ..Role::new(name).allow(["read"]) }
}

fn spent(other: Role) -> (World, scopegate_core::Provisioned) {
    let world = World::new("{version: 1, allow_empty: true}");
    world.engine.reload(&Policy::new([role("r"), other])).expect("a valid policy");
    let session = world.open("r", "ann");
    for _ in 0..2 {
        assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT");
    }
    (world, session)
}

#[test]
fn a_new_session_finds_the_account_as_it_was() {
    let (world, old) = spent(role("other"));
    let again = world.open("r", "ann");
    assert_eq!(world.ask(&again, &call("read", "{}")), "RATE_LIMIT_EXCEEDED", "provisioned again");
    world.engine.end(old.session).expect("a known session");
    assert_eq!(
        world.ask(&world.open("r", "ann"), &call("read", "{}")),
        "RATE_LIMIT_EXCEEDED",
        "revoked before"
    );
    for (name, owner) in [("r", "bob"), ("other", "ann")] {
        assert_eq!(world.ask(&world.open(name, owner), &call("read", "{}")), "PERMIT", "{owner} as {name}");
    }
}

#[test]
fn forgetting_old_sessions_does_not_forget_their_account() {
    let policy = "{version: 1, roles: [{name: r, allowed_tools: [read], rate_limit_per_hour: 1, default_ttl_seconds: 1}]}";
    let world = World::with(policy, |builder| builder.max_sessions(1));
    assert_eq!(world.ask(&world.open("r", "ann"), &call("read", "{}")), "PERMIT");
    // One hour and a second: the session is forgotten, and one call was refilled, not two.
    world.advance(3601);
    let session = world.open("r", "ann");
    assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT");
    assert_eq!(world.ask(&session, &call("read", "{}")), "RATE_LIMIT_EXCEEDED");
}

/// Changes that have nothing to do with the limit.
fn unrelated() -> Vec<(&'static str, Vec<Role>)> {
    let changed = Role { description: "new words".to_owned(), ..role("r").allow(["write"]) };
    let guarded = Role { max_rows: 0, allowed_envs: vec!["prod".into()], env_optional: true, ..role("r") };
    let hourly = Role { rate_limit_per_hour: 50, ..role("r") };
    let under = Role { parent_role_id: Some("other".into()), ..role("r") };
    vec![
        ("nothing", vec![role("r"), role("other")]),
        ("another order", vec![role("other"), role("r")]),
        ("another role gone", vec![role("r")]),
        ("more tools", vec![changed, role("other")]),
        ("a guard", vec![guarded]),
        ("a second limit", vec![hourly]),
        ("a parent with a limit of its own", vec![under, role("other")]),
    ]
}

#[test]
fn a_reload_keeps_what_was_counted() {
    for (change, roles) in unrelated() {
        let (world, session) = spent(role("other"));
        world.engine.reload(&Policy::new(roles)).expect("a valid policy");
        assert_eq!(
            world.ask(&session, &call("read", "{}")),
            "RATE_LIMIT_EXCEEDED",
            "after changing {change}"
        );
        world.advance(30);
        let after = [(); 2].map(|()| world.ask(&session, &call("read", "{}")));
        assert_eq!(after, ["PERMIT", "RATE_LIMIT_EXCEEDED"], "30 s after changing {change}");
    }
}

#[test]
fn a_replaced_role_keeps_what_was_counted() {
    let (world, session) = spent(role("other"));
    world.engine.put_role(role("r").allow(["write"])).expect("a valid role");
    assert_eq!(world.ask(&session, &call("write", "{}")), "RATE_LIMIT_EXCEEDED");
}

#[test]
fn a_removed_and_recreated_role_keeps_what_was_counted() {
    let (world, _) = spent(role("other"));
    world.engine.remove_role("r").expect("nobody inherits");
    world.engine.put_role(role("r")).expect("a valid role");
    assert_eq!(world.ask(&world.open("r", "ann"), &call("read", "{}")), "RATE_LIMIT_EXCEEDED");
}

#[test]
fn reloading_while_fifty_threads_call_gives_nothing_away() {
    for rate_scope in [scopegate_core::RateScope::Key, scopegate_core::RateScope::Session] {
        let limited = Role { rate_limit_per_minute: 20, rate_scope, ..Role::new("r").allow(["read"]) };
        let world = World::new("{version: 1, allow_empty: true}");
        let policies = [Policy::new([limited.clone()]), Policy::new([role("other"), limited])];
        world.engine.reload(&policies[0]).expect("a valid policy");
        let session = world.open("r", "ann");
        let permits = race(50, "PERMIT", |thread| {
            if thread < 2 {
                (0..20).for_each(|_| world.engine.reload(&policies[thread]).expect("a valid policy"));
            }
            (0..10).map(|_| world.ask(&session, &call("read", "{}"))).collect()
        });
        assert_eq!(permits, 20, "{rate_scope:?}");
    }
}
