//! Holes that a hostile review found, each closed.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use scopegate_core::Role;
use scopegate_engine::Policy;

use super::{World, call};

const LIMITED: &str = "version: 1\nroles: [{name: r, allowed_tools: [read], rate_limit_per_hour: 100000}]";

fn with_minutes(limit: u64) -> Policy {
    let mut policy = Policy::from_text(LIMITED, "policy").expect("a policy");
    policy.roles[0].rate_limit_per_minute = limit;
    policy
}

#[test]
fn a_limit_that_a_reload_brings_holds_for_every_call_that_begins_after_it() {
    for _ in 0..25 {
        let world = World::new(LIMITED);
        let session = world.open("r", "ann");
        let permitted = AtomicU32::new(0);
        let (started, reloaded) = (Barrier::new(5), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    started.wait();
                    for _ in 0..400 {
                        let after = reloaded.load(Ordering::SeqCst) == 1;
                        if world.ask(&session, &call("read", "{}")) == "PERMIT" && after {
                            permitted.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
            started.wait();
            world.engine.reload(&with_minutes(3)).expect("a policy");
            reloaded.store(1, Ordering::SeqCst);
        });
        assert!(permitted.load(Ordering::SeqCst) <= 3, "{permitted:?} of 3");
    }
}

#[test]
fn a_limit_that_goes_and_comes_back_goes_on_counting() {
    let world = World::new(LIMITED);
    let session = world.open("r", "ann");
    let read = || world.ask(&session, &call("read", "{}"));
    world.engine.reload(&with_minutes(3)).expect("a policy");
    assert_eq!([read(), read(), read(), read()], ["PERMIT", "PERMIT", "PERMIT", "RATE_LIMIT_EXCEEDED"]);
    world.engine.reload(&with_minutes(0)).expect("a policy");
    assert_eq!(read(), "PERMIT");
    world.engine.reload(&with_minutes(3)).expect("a policy");
    assert_eq!(read(), "RATE_LIMIT_EXCEEDED");
}

#[test]
fn an_environment_that_was_read_must_be_the_deployments() {
    let policy = "version: 1\nroles: [{name: r, allowed_tools: [deploy], allowed_envs: [staging]}]";
    let world = World::with(policy, |builder| builder.env("staging"));
    let session = world.open("r", "ann");
    for (args, answer) in [
        (r#"{"env":"staging"}"#, "PERMIT"),
        ("{}", "PERMIT"),
        (r#"{"env":"production"}"#, "ENV_VIOLATION"),
        (r#"{"ENV":"production"}"#, "ENV_VIOLATION"),
        (r#"{"env":7}"#, "ENV_VIOLATION"),
    ] {
        assert_eq!(world.ask(&session, &call("deploy", args)), answer, "{args}");
    }
}

#[test]
fn sessions_of_a_removed_role_stay_over_when_it_comes_back() {
    let world = World::new("version: 1\nroles: [{name: r, allowed_tools: [read]}, {name: other}]");
    let session = world.open("r", "ann");
    let read = || world.ask(&session, &call("read", "{}"));
    assert_eq!(read(), "PERMIT");
    world.engine.remove_role("r").expect("a role");
    assert_eq!(read(), "SESSION_EXPIRED");
    world.engine.put_role(Role::new("r").allow(["read"])).expect("a role");
    assert_eq!(read(), "SESSION_EXPIRED");
    world.engine.reload(&Policy::new([Role::new("r").allow(["read"])])).expect("a policy");
    assert_eq!(read(), "SESSION_EXPIRED");
    let fresh = world.open("r", "ann");
    assert_eq!(world.ask(&fresh, &call("read", "{}")), "PERMIT");
    world.engine.reload(&Policy::new([Role::new("other")])).expect("a policy");
    world.engine.reload(&Policy::new([Role::new("r").allow(["read"])])).expect("a policy");
    assert_eq!(world.ask(&fresh, &call("read", "{}")), "SESSION_EXPIRED");
}

#[test]
fn a_look_alike_by_any_folding_is_refused() {
    let policy = "version: 1\nroles:\n  - name: r\n    allowed_tools: [buy]\n    parameter_constraints: {buy: [{field: sku, operator: eq, value: safe}]}\n";
    let world = World::new(policy);
    let session = world.open("r", "ann");
    assert_eq!(world.ask(&session, &call("buy", r#"{"sku":"safe"}"#)), "PERMIT");
    for other in ["SKU", "Sku", "\u{17f}ku", "s\u{212a}u", r"\u017fku", r"s\u212au"] {
        let args = format!(r#"{{"sku":"safe","{other}":"evil"}}"#);
        assert_eq!(world.ask(&session, &call("buy", args)), "PARAMETER_VIOLATION", "{other}");
    }
}

#[test]
fn a_reviewer_sees_everything_that_is_bound() {
    let world = World::new(
        "{version: 1, roles: [{name: r, allowed_tools: [run], approval_required: [run], allowed_mcp_servers: [db]}]}",
    );
    let session = world.open("r", "ann");
    let mut asked = call("run", "{}");
    asked.action = Some("drop".into());
    asked.resource = Some("prod-db".into());
    asked.env = Some("prod".into());
    asked.server = Some("db".into());
    assert_eq!(world.ask(&session, &asked), "HOLD");
    let review = world.engine.pending_reviews().remove(0);
    let shown = [&review.action, &review.resource, &review.env, &review.server]
        .map(|name| name.as_deref().unwrap_or_default());
    assert_eq!(shown, ["drop", "prod-db", "prod", "db"]);
}
