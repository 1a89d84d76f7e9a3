use std::sync::atomic::{AtomicBool, Ordering};

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, PolicyDecision, PolicyRule, PolicyType, Principal, Provision,
    Quick, Role, ToolCall,
};

use super::*;
use crate::{Policy, RecordsSpec, RemoveRoleError};

fn engine() -> LocalEnforcer {
    let roles = [Role::new("base").allow(["read"]), Role::new("other").allow(["read"])];
    LocalEnforcer::new(Policy::new(roles)).unwrap()
}

fn deny(name: &str, tool: &str) -> PolicyRule {
    PolicyRule {
        action_types: vec![tool.into()],
        absolute: false,
        ..PolicyRule::new(name, PolicyType::ActionType, PolicyDecision::Deny)
    }
}

/// Policies that deny these tools, and roles below `base` that allow them.
fn pack(version: &str, denied: &[&str], roles: &[(&str, &str)]) -> PolicyPack {
    let role = |(name, tool): &(&str, &str)| Role {
        parent_role_id: Some("base".into()),
        ..Role::new(*name).allow([*tool])
    };
    PolicyPack {
        name: "finance".into(),
        version: version.into(),
        policies: denied.iter().map(|tool| deny(&format!("no-{tool}"), tool)).collect(),
        roles: roles.iter().map(role).collect(),
        ..PolicyPack::default()
    }
}

fn open(engine: &LocalEnforcer, role: &str) -> Principal {
    engine.open(Provision::new(role, "ann")).unwrap().principal
}

fn ask(engine: &LocalEnforcer, principal: &Principal, tool: &str) -> &'static str {
    let call = ToolCall::new(tool).with_args(Args::none());
    match engine.try_enforce(&AccessRequest::new(principal.as_ref(), &call)) {
        Quick::Decided(Decision::Permit(_)) => "PERMIT",
        Quick::Decided(Decision::Deny(denial)) => denial.code.as_str(),
        other => panic!("{other:?}"),
    }
}

fn summary([created, updated, removed, unchanged]: [usize; 4]) -> PackSummary {
    PackSummary { created, updated, removed, unchanged }
}

#[test]
fn a_pack_comes_changes_and_goes_back_as_one() {
    let engine = engine();
    let told = engine.try_pack(pack("1", &["drop"], &[("clerk", "pay")])).unwrap();
    assert_eq!(told, summary([2, 0, 0, 0]));
    assert!(engine.packs().is_empty() && engine.open(Provision::new("clerk", "ann")).is_err(), "only tried");

    assert_eq!(engine.deploy_pack(pack("1", &["drop"], &[("clerk", "pay")])), Ok(summary([2, 0, 0, 0])));
    let clerk = open(&engine, "clerk");
    assert_eq!(
        ["pay", "read", "drop"].map(|tool| ask(&engine, &clerk, tool)),
        ["PERMIT", "PERMIT", "SCOPE_VIOLATION"]
    );

    let next = pack("2", &["pay"], &[("clerk", "pay"), ("boss", "drop")]);
    assert_eq!(engine.deploy_pack(next.clone()), Ok(summary([2, 0, 1, 1])));
    let boss = open(&engine, "boss");
    assert_eq!(ask(&engine, &clerk, "pay"), "POLICY_DENIED");
    assert_eq!(ask(&engine, &boss, "drop"), "PERMIT", "the policy of the version before is gone");
    assert_eq!(engine.deploy_pack(next), Ok(summary([0, 0, 0, 3])), "the same again is nothing");

    assert_eq!(engine.roll_back_pack("finance", None), Ok(summary([1, 0, 2, 1])));
    assert_eq!(ask(&engine, &clerk, "pay"), "PERMIT");
    assert_eq!(ask(&engine, &boss, "drop"), "SESSION_EXPIRED", "its role is gone");
    assert_eq!(engine.roll_back_pack("finance", Some("2")), Ok(summary([2, 0, 1, 1])));
    assert_eq!(ask(&engine, &boss, "drop"), "SESSION_EXPIRED", "a role that comes back is another");
    let views = engine.packs();
    assert_eq!((&*views[0].pack.version, &*views[0].versions), ("2", &["1".into(), "2".into()][..]));
    assert_eq!(views[0].digest, views[0].pack.digest().unwrap());
}

#[test]
fn a_pack_that_is_wrong_changes_nothing() {
    let engine = engine();
    engine.deploy_pack(pack("1", &["drop"], &[("clerk", "pay")])).unwrap();
    let clerk = open(&engine, "clerk");
    let good = || pack("2", &["pay"], &[("clerk", "drop"), ("boss", "pay")]);
    let with = |change: fn(&mut PolicyPack)| {
        let mut pack = good();
        change(&mut pack);
        pack
    };
    for (bad, says) in [
        (
            with(|pack| pack.policies.push(deny("no-pay", "x"))),
            "policies[1].name: a second policy named `no-pay`",
        ),
        (with(|pack| pack.policies[0].policy_type = PolicyType::Temporal), "policies[0].conditions: "),
        (
            with(|pack| pack.policies[0].decision = PolicyDecision::Permit),
            "policies[0].decision: policies only",
        ),
        (
            with(|pack| pack.roles[1].parent_role_id = Some("nobody".into())),
            "roles.boss.parent_role_id: unknown",
        ),
        (with(|pack| pack.roles[1].allowed_hours_start = 99), "roles.boss.allowed_hours_start: `99`"),
        (with(|pack| pack.roles[1].name = "clerk".into()), "role `clerk` is in force already"),
        (with(|pack| pack.roles[1].name = "base".into()), "role `base` is in force already"),
        (with(|pack| pack.version = "1".into()), "version `1` of this pack was deployed with other"),
        (with(|pack| pack.version = "".into()), "version: a version of 0 bytes"),
        (with(|pack| pack.name = "a b".into()), "name: `a b` is not a name"),
        (with(|pack| pack.name = "other".into()), "role `clerk` is in force already, and is not this pack's"),
    ] {
        for told in [engine.try_pack(bad.clone()), engine.deploy_pack(bad.clone())] {
            let told = told.unwrap_err().to_string();
            assert!(told.starts_with(says), "{told}\nshould be: {says}");
        }
        assert_eq!(
            ["pay", "drop"].map(|tool| ask(&engine, &clerk, tool)),
            ["PERMIT", "SCOPE_VIOLATION"],
            "{says}"
        );
        assert_eq!((&*engine.packs()[0].pack.version, engine.packs().len()), ("1", 1));
        assert_eq!(engine.roles(), ["base", "clerk", "other"]);
    }
    assert_eq!(engine.roll_back_pack("nobody", None), Err(PackError::Unknown("nobody".into())));
    assert_eq!(engine.roll_back_pack("finance", None), Err(PackError::NoVersion("finance".into())));
    engine.deploy_pack(good()).unwrap();
}

#[test]
fn a_parent_that_a_pack_takes_away_keeps_it() {
    let engine = engine();
    engine.deploy_pack(pack("1", &[], &[("clerk", "pay")])).unwrap();
    let heir = Role { parent_role_id: Some("clerk".into()), ..Role::new("heir") };
    engine.put_role(heir).unwrap();
    let told = engine.deploy_pack(pack("2", &[], &[("boss", "pay")])).unwrap_err().to_string();
    assert_eq!(told, "roles.heir.parent_role_id: unknown parent role `clerk`");
    let session = open(&engine, "heir");
    assert_eq!(ask(&engine, &session, "pay"), "PERMIT");
    engine.deploy_pack(pack("3", &[], &[("clerk", "drop")])).unwrap();
    assert_eq!(["pay", "drop"].map(|tool| ask(&engine, &session, tool)), ["SCOPE_VIOLATION", "PERMIT"]);
}

#[test]
fn a_pack_stays_when_the_policy_is_read_again_and_its_roles_are_its_own() {
    let engine = engine();
    engine.deploy_pack(pack("1", &["drop"], &[("clerk", "pay")])).unwrap();
    let clerk = open(&engine, "clerk");
    engine.reload(&Policy::new([Role::new("base").allow(["read", "drop"])])).unwrap();
    assert_eq!(["pay", "drop"].map(|tool| ask(&engine, &clerk, tool)), ["PERMIT", "POLICY_DENIED"]);
    let taken = engine.reload(&Policy::new([Role::new("base"), Role::new("clerk").allow(["drop"])]));
    assert_eq!(taken.unwrap_err().to_string(), "a second role named `clerk`");
    let orphaned = engine.reload(&Policy::new([Role::new("other")]));
    assert!(orphaned.is_err(), "its parent would be gone");
    let told = engine.put_role(Role::new("clerk").allow(["drop"])).unwrap_err().to_string();
    assert_eq!(told, "role `clerk` is of pack `finance`; deploy another version of that");
    let of_pack = RemoveRoleError::OfPack { role: "clerk".into(), pack: "finance".into() };
    assert_eq!(engine.remove_role("clerk"), Err(of_pack));
    assert_eq!(ask(&engine, &clerk, "pay"), "PERMIT");
}

/// Each decision matches one version: `a` and `b` are never both permitted, nor both denied, by one.
#[test]
fn versions_are_swapped_at_once() {
    let mut policy = Policy::new([Role::new("base").allow(["read"])]);
    policy.records = Some(RecordsSpec::None); // there is no waiting for room then
    let engine = LocalEnforcer::new(policy).unwrap();
    let versions = [pack("1", &["a"], &[]), pack("2", &["b"], &[])];
    engine.put_role(Role::new("both").allow(["a", "b"])).unwrap();
    engine.deploy_pack(versions[0].clone()).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                engine.deploy_pack(versions[1].clone()).unwrap();
                engine.roll_back_pack("finance", None).unwrap();
            }
            over.store(true, Ordering::Release);
        });
        let session = open(&engine, "both");
        let mut seen = std::collections::BTreeSet::new();
        // One version speaks of its tool, the other of its action: it is denied under either.
        while !over.load(Ordering::Acquire) {
            let call = ToolCall { action: Some("b".into()), ..ToolCall::new("a").with_args(Args::none()) };
            let Quick::Decided(Decision::Deny(denial)) =
                engine.try_enforce(&AccessRequest::new(session.as_ref(), &call))
            else {
                panic!("denied by one version or the other")
            };
            seen.insert(denial.to_string());
        }
        assert!(
            seen.iter().all(|told| told == "denied by policy `no-a`" || told == "denied by policy `no-b`")
        );
    });
}
