//! Changing the policy under running sessions: all of it at once, or nothing.

use std::sync::mpsc::channel;
use std::time::Duration;

use scopegate_core::{Constraint, Operator, Role};
use scopegate_engine::{Policy, RemoveRoleError};

use super::{World, call, race};

const POLICY: &str = "
version: 1
roles:
  - {name: base, allowed_tools: [read]}
  - {name: heir, parent_role_id: base, allowed_tools: [write]}
  - {name: grandheir, parent_role_id: heir}
";

#[test]
fn a_bad_policy_changes_nothing_and_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.yaml");
    let world = World::new(POLICY);
    let session = world.open("heir", "ann");
    for (text, place) in [
        (
            "version: 1\nroles:\n  - {name: base, allowed_tools: [rm]}\n  - {name: x, allowed_tools: ['r*']}\n",
            "4:31: ",
        ),
        ("version: 1\nroles:\n  - name: base\n    allowed: []\n", "4:5: "),
        ("version: 1\nroles: []\n", "2:8: "),
        ("version: 1\nroles: [\n", ""),
    ] {
        std::fs::write(&file, text).expect("a file");
        let error = world.engine.reload_file(&file).expect_err("a bad policy").to_string();
        assert!(error.starts_with(&format!("{}:{place}", file.display())), "{error}");
        assert_eq!(world.engine.roles(), ["base", "grandheir", "heir"], "{error}");
        for (tool, expected) in [("read", "PERMIT"), ("write", "PERMIT"), ("rm", "SCOPE_VIOLATION")] {
            assert_eq!(world.ask(&session, &call(tool, "{}")), expected, "{tool} after {error}");
        }
    }
    let bad = Policy::new([Role::new("base").allow(["rm"]), Role::new("x").allow(["*"])]);
    let error = world.engine.reload(&bad).expect_err("a bad policy").to_string();
    assert!(error.starts_with("roles[1].allowed_tools[0]: "), "{error}");
    assert_eq!(world.ask(&session, &call("rm", "{}")), "SCOPE_VIOLATION");
    std::fs::remove_file(&file).expect("a file");
    assert!(world.engine.reload_file(&file).is_err(), "a missing file is no policy");
    assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT");
}

#[test]
fn nobody_ever_sees_half_a_policy() {
    // One policy allows `a` and the other `b`; a mixture would allow both, or neither.
    let side = |tool: &str| {
        let role = |name: &str| Role::new(name).allow([tool]);
        Policy::new([role("base"), Role { parent_role_id: Some("base".into()), ..Role::new("heir") }])
    };
    let policies = [side("a"), side("b")];
    let world = World::new("{version: 1, allow_empty: true}");
    world.engine.reload(&policies[0]).expect("a valid policy");
    let session = world.open("heir", "ann");
    let scope = |world: &World| {
        let view = world.engine.explain("heir").expect("a role");
        view.tools.iter().map(|tool| tool.tool.to_string()).collect::<String>()
    };
    let torn = race(4, "torn", |thread| {
        let steps = (0..300).map(|step| match thread {
            0 => {
                world.engine.reload(&policies[step % 2]).expect("a valid policy");
                "reloaded"
            }
            1 => match &*scope(&world) {
                "a" | "b" => "whole",
                _ => "torn",
            },
            _ => match world.ask(&session, &call(if step % 2 == 0 { "a" } else { "b" }, "{}")) {
                "PERMIT" | "SCOPE_VIOLATION" => "whole",
                _ => "torn",
            },
        });
        steps.collect()
    });
    assert_eq!(torn, 0);
}

#[test]
fn sessions_of_a_role_that_is_gone_are_over() {
    let read = call("read", "{}");
    for how in ["reload", "remove_role"] {
        let world = World::new(POLICY);
        let (gone, stays) = (world.open("grandheir", "ann"), world.open("heir", "ann"));
        match how {
            "reload" => {
                let text = POLICY.replace("  - {name: grandheir, parent_role_id: heir}\n", "");
                let policy = Policy::from_text(&text, "policy").expect("a valid policy");
                world.engine.reload(&policy).expect("a valid policy");
            }
            _ => world.engine.remove_role("grandheir").expect("nobody inherits"),
        }
        assert_eq!(world.ask(&gone, &read), "SESSION_EXPIRED", "{how}");
        assert_eq!(world.ask(&stays, &read), "PERMIT", "{how}");
        let open = world.engine.open(scopegate_core::Provision::new("grandheir", "ann"));
        assert!(open.is_err(), "{how}: no new sessions");
        assert!(world.engine.explain("grandheir").is_none(), "{how}");
    }
}

#[test]
fn a_role_that_others_inherit_from_is_not_removed() {
    let world = World::new(POLICY);
    for (role, heir) in [("base", "heir"), ("heir", "grandheir")] {
        let refused = world.engine.remove_role(role);
        assert_eq!(refused, Err(RemoveRoleError::Inherited { role: role.into(), heir: heir.into() }));
    }
    assert_eq!(world.engine.remove_role("nobody"), Err(RemoveRoleError::Unknown("nobody".into())));
    let session = world.open("grandheir", "ann");
    assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT", "nothing was removed");
    for role in ["grandheir", "heir", "base"] {
        assert_eq!(world.engine.remove_role(role), Ok(()), "{role}, from the far end");
    }
    assert_eq!(world.engine.remove_role("base"), Err(RemoveRoleError::Unknown("base".into())));
}

#[test]
fn a_replaced_role_changes_all_its_heirs() {
    let world = World::new(POLICY);
    let sessions = ["base", "heir", "grandheir"].map(|role| (role, world.open(role, "ann")));
    let short = Constraint::new("path", Operator::MaxLength, 3);
    for (change, args, expected) in [
        (Role::new("base").allow(["read"]), r#"{"path":"long"}"#, "PERMIT"),
        (
            Role::new("base").allow(["read"]).constrain("read", short),
            r#"{"path":"long"}"#,
            "PARAMETER_VIOLATION",
        ),
        (
            Role { denied_actions: vec!["read".into()], ..Role::new("base").allow(["read"]) },
            "{}",
            "ACTION_FORBIDDEN",
        ),
        (Role::new("base").allow(["list"]), "{}", "SCOPE_VIOLATION"),
        (Role::new("base").allow(["read"]).require_approval(["read"]), "{}", "HOLD"),
    ] {
        world.engine.put_role(change).expect("a valid role");
        for (role, session) in &sessions {
            assert_eq!(world.ask(session, &call("read", args)), expected, "{role}");
        }
    }
}

#[test]
fn a_role_that_cannot_stand_is_not_put() {
    let under = |name: &str, parent: &str| Role { parent_role_id: Some(parent.into()), ..Role::new(name) };
    let world = World::new(POLICY);
    let session = world.open("grandheir", "ann");
    for (role, message) in [
        (under("base", "grandheir"), "inherits from itself"),
        (under("base", "base"), "inherits from itself"),
        (under("new", "nobody"), "unknown parent role `nobody`"),
        (Role::new("new").allow(["*"]), "wildcard"),
        (Role::new("no such name!"), "is not a name"),
    ] {
        let error = world.engine.put_role(role).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
        assert_eq!(world.engine.roles(), ["base", "grandheir", "heir"], "{message}");
        assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT", "{message}");
        assert!(world.engine.remove_role("base").is_err(), "{message}: the family is as it was");
    }
}

#[test]
fn a_watched_file_is_picked_up_when_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, POLICY).expect("a file");
    let world = World::new(POLICY);
    let session = world.open("base", "ann");
    let (tell, told) = channel();
    let watch = world.engine.watch(&file, Duration::from_millis(5), move |outcome| {
        tell.send(outcome.map_err(|error| error.to_string())).unwrap_or_default();
    });
    let watch = watch.expect("a thread");
    let next = || told.recv_timeout(Duration::from_secs(20)).expect("a report");
    let replace = |text: &str| {
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, text).expect("a file");
        std::fs::rename(&fresh, &file).expect("one folder");
    };
    replace(&POLICY.replace("[read]", "[list]"));
    assert_eq!(next(), Ok(()));
    assert_eq!(world.ask(&session, &call("read", "{}")), "SCOPE_VIOLATION");
    replace("version: 1\nroles: 5\n");
    assert!(next().expect_err("a bad file").contains("policy.yaml:2:8: "));
    assert_eq!(world.ask(&session, &call("list", "{}")), "PERMIT", "the last good policy stays");
    std::fs::remove_file(&file).expect("a file");
    assert!(next().is_err(), "a missing file is told");
    assert_eq!(world.ask(&session, &call("list", "{}")), "PERMIT");
    replace(POLICY);
    assert_eq!(next(), Ok(()));
    assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT");
    drop(watch);
    replace("version: 1\n");
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err(), "nobody watches any more");
}

#[test]
fn a_change_before_the_watch_begins_is_taken_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.yaml");
    let world = World::new(POLICY);
    let session = world.open("base", "ann");
    std::fs::write(&file, POLICY.replace("[read]", "[list]")).expect("a file");
    let (tell, told) = channel();
    let report = move |outcome: Result<(), _>| tell.send(outcome.is_ok()).unwrap_or_default();
    let _watch = world.engine.watch(&file, Duration::from_millis(5), report).expect("a thread");
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(true));
    assert_eq!(world.ask(&session, &call("read", "{}")), "SCOPE_VIOLATION");
}
