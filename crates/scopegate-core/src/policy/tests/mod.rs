mod shadow;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::call::Args;
use crate::catalogue::Catalogues;
use crate::decide::decide;
use crate::enforcer::Need;
use crate::facts::{Account, Asked, Link, Meter, Ruling};
use crate::id::SessionId;
use crate::request::{AccessRequest, PrincipalRef};
use crate::role::Role;
use crate::scope::{Compiler, Scope};
use crate::trust::Trust;

/// 2026-01-05, a Monday.
const MONDAY: u64 = 1_767_571_200;

struct World {
    policies: Policies,
    compiler: Compiler,
    scope: Scope,
    trust: Option<Trust>,
    now: Timestamp,
    depth: usize,
}

/// A role that grants `pay` and `read`, wants a person for nothing, and may have sub-agents.
fn world(policies: &[PolicyRule]) -> World {
    let role = Role { max_delegation_depth: 8, ..Role::new("r").allow(["pay", "read"]) };
    let mut compiler = Compiler::default();
    let roles = BTreeMap::from([("r".into(), Arc::new(role.clone()))]);
    let scope = compiler.compile(&role, &roles, 1).unwrap();
    let policies = Policies::compile(policies).unwrap();
    let now = Timestamp::from_secs(MONDAY + 12 * 3600);
    World { policies, compiler, scope, trust: Some(Trust::START), now, depth: 0 }
}

impl World {
    fn at(self, hour: u64) -> Self {
        Self { now: Timestamp::from_secs(MONDAY + hour * 3600), ..self }
    }

    fn trusting(self, tenths: Option<u16>) -> Self {
        Self { trust: tenths.and_then(Trust::from_tenths), ..self }
    }

    fn under(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    fn with<T>(&self, look: impl FnOnce(&Facts<'_>) -> T) -> T {
        let (owner, catalogues) = ("agent-7".into(), Catalogues::default());
        let expires_at = Timestamp::from_secs(u64::MAX / 2_000_000_000);
        let link = Link {
            suspended: false,
            revoked: false,
            over_budget: false,
            expires_at,
            scope: Some(&self.scope),
        };
        let links = vec![link; self.depth + 1];
        let meters: Vec<_> =
            (0..links.len()).map(|link| Meter { link, account: Account::Shared, accounts: &[] }).collect();
        look(&Facts {
            links: &links,
            session: SessionId::from_bits(1),
            owner: &owner,
            trust: self.trust,
            policies: Some(&self.policies),
            tools: self.compiler.tools(),
            catalogues: &catalogues,
            manifest: None,
            grants: &[],
            meters: &meters,
            env: None,
            credentials: &[],
            review: Asked::Loaded(None),
        })
    }

    fn decides(&self, call: &ToolCall) -> String {
        let request = AccessRequest::new(PrincipalRef::Session(SessionId::from_bits(1)), call);
        self.with(|facts| match decide(facts, &request, self.now, &mut None) {
            Ruling::Permit(_) => "permit".to_owned(),
            Ruling::Hold(waits) => {
                assert_eq!(waits, WAITS);
                "hold".to_owned()
            }
            Ruling::Deny(denial) => match denial.detail {
                Detail::Name(name) => format!("{} {name}", denial.code),
                _ => denial.code.to_string(),
            },
            Ruling::Need(Need::Args) => "args".to_owned(),
            Ruling::Need(need) => format!("{need:?}"),
        })
    }
}

fn policy(name: &str, kind: PolicyType, decision: PolicyDecision) -> PolicyRule {
    PolicyRule::new(name, kind, decision)
}

fn relative(policy: PolicyRule) -> PolicyRule {
    PolicyRule { absolute: false, ..policy }
}

fn shadowed(policy: PolicyRule) -> PolicyRule {
    PolicyRule { mode: PolicyMode::Shadow, ..policy }
}

fn with(policy: PolicyRule, conditions: Conditions) -> PolicyRule {
    PolicyRule { conditions, ..policy }
}

fn patterns(name: &str, decision: PolicyDecision, sources: &[&str]) -> PolicyRule {
    let patterns = sources.iter().map(|source| (*source).into()).collect();
    let conditions = Conditions { patterns, ..Conditions::default() };
    with(policy(name, PolicyType::ContentPattern, decision), conditions)
}

fn call(tool: &str, args: &str) -> ToolCall {
    ToolCall::new(tool).with_args(Args::parse(args.to_owned()))
}

fn pay() -> ToolCall {
    call("pay", r#"{"amount": 1}"#)
}

use PolicyDecision::{Deny, Hold, Permit};
use PolicyType::{ActionType, ChainOfCustody, ContentPattern, Temporal};

#[test]
fn names_are_globs_of_tools_and_actions() {
    let rule = |pattern: &str| {
        let action_types = vec![pattern.into()];
        world(&[PolicyRule { action_types, ..policy("p", ActionType, Deny) }])
    };
    for (pattern, answer) in [
        ("pay", "ACTION_FORBIDDEN p"),
        ("p*", "ACTION_FORBIDDEN p"),
        ("*", "ACTION_FORBIDDEN p"),
        ("*transfer*", "ACTION_FORBIDDEN p"),
        ("bank:*", "ACTION_FORBIDDEN p"),
        ("PAY", "permit"),
        ("payments", "permit"),
        ("pa", "permit"),
    ] {
        let call = ToolCall { action: Some("bank:transfer.all".into()), ..pay() };
        assert_eq!(rule(pattern).decides(&call), answer, "{pattern}");
    }
    let all = world(&[policy("p", ActionType, Deny)]);
    assert_eq!(all.decides(&pay()), "ACTION_FORBIDDEN p", "no names are all names");
    assert!(!all.policies.could_permit("pay"));
    let some = rule("delete_*").policies;
    assert!(some.could_permit("pay") && !some.could_permit("delete_file"));
}

#[test]
fn the_most_restrictive_wins_and_the_priority_names() {
    let by = |priority, policy: PolicyRule| PolicyRule { priority, ..policy };
    let deny = |name| relative(policy(name, ActionType, Deny));
    let hold = |name| policy(name, ActionType, Hold);
    let decides = |rules: &[PolicyRule]| world(rules).decides(&pay());
    assert_eq!(decides(&[by(900, hold("h")), by(-900, deny("d"))]), "POLICY_DENIED d");
    assert_eq!(decides(&[by(9, policy("p", ActionType, Permit)), hold("h")]), "hold");
    assert_eq!(decides(&[by(9, policy("p", ActionType, Permit))]), "permit");
    assert_eq!(
        decides(&[by(1, deny("low")), by(2, deny("high")), by(-1, deny("lowest"))]),
        "POLICY_DENIED high"
    );
    assert_eq!(decides(&[deny("first"), deny("second")]), "POLICY_DENIED first", "as written where equal");
    assert_eq!(decides(&[by(9, deny("d")), by(1, policy("a", ActionType, Deny))]), "ACTION_FORBIDDEN a");
    assert_eq!(decides(&[PolicyRule { enabled: false, ..deny("off") }]), "permit");
    let matched = |rules: &[PolicyRule]| {
        let world = world(rules);
        world.with(|facts| world.policies.matched(facts, &pay(), world.now))
    };
    let all = [by(9, policy("p", ActionType, Permit)), hold("h"), shadowed(deny("s")), deny("d")];
    assert_eq!(matched(&all), [("d".into(), Deny), ("h".into(), Hold), ("p".into(), Permit)]);
}

#[test]
fn a_policy_grants_nothing() {
    for decision in [Permit, Hold] {
        let world = world(&[policy("p", ActionType, decision)]);
        assert_eq!(world.decides(&call("delete", "{}")), "SCOPE_VIOLATION r");
    }
}

#[test]
fn trust_below_the_threshold_matches_and_so_does_none() {
    let level = |tenths| Some(Trust::from_tenths(tenths).unwrap());
    let rule = || PolicyRule { trust_threshold: level(800), ..policy("t", PolicyType::Threshold, Hold) };
    for (tenths, answer) in [
        (Some(0), "hold"),
        (Some(500), "hold"),
        (Some(799), "hold"),
        (Some(800), "permit"),
        (Some(1000), "permit"),
        (None, "hold"),
    ] {
        assert_eq!(world(&[rule()]).trusting(tenths).decides(&pay()), answer, "{tenths:?}");
    }
    assert!(world(&[rule()]).policies.reads_trust());
    assert!(!world(&[PolicyRule { enabled: false, ..rule() }]).policies.reads_trust());
}

#[test]
fn hours_and_days_are_utc_and_cross_midnight_as_listed() {
    let blocked = |blocked_hours: &[u64], blocked_days: &[u64]| {
        let (blocked_hours, blocked_days) = (blocked_hours.to_vec(), blocked_days.to_vec());
        let conditions = Conditions { blocked_hours, blocked_days, ..Conditions::default() };
        relative(with(policy("night", Temporal, Deny), conditions))
    };
    for (hour, answer) in [
        (21, "permit"),
        (22, "POLICY_DENIED night"),
        (23, "POLICY_DENIED night"),
        (24, "POLICY_DENIED night"), // Tuesday, 0:00
        (25, "permit"),
        (22 + 6 * 24, "POLICY_DENIED night"),
    ] {
        assert_eq!(world(&[blocked(&[22, 23, 0], &[])]).at(hour).decides(&pay()), answer, "{hour}");
    }
    for (day, answer) in
        [(0, "permit"), (5, "POLICY_DENIED night"), (6, "POLICY_DENIED night"), (7, "permit")]
    {
        assert_eq!(world(&[blocked(&[], &[6, 7])]).at(day * 24 + 12).decides(&pay()), answer, "day {day}");
    }
    let either = || world(&[blocked(&[12], &[7])]);
    assert_eq!(either().at(12).decides(&pay()), "POLICY_DENIED night", "the hour, on a Monday");
    assert_eq!(either().at(6 * 24 + 3).decides(&pay()), "POLICY_DENIED night", "all of Sunday");
    assert_eq!(either().at(11).decides(&pay()), "permit");
}

#[test]
fn content_is_looked_for_in_all_that_arguments_say() {
    let rule = || world(&[patterns("drop", Deny, &["(?i)drop\\s+table", "^4[0-9]{3}$"])]);
    for args in [
        r#"{"sql": "x; DROP  TABLE users"}"#,
        r#"{"sql": "\u0064rop table users"}"#,
        r#"{"a": {"b": [0, {"c": ["drop\ttable"]}]}}"#,
        r#"{"drop table": 1}"#,
        r#"{"code": 4242}"#,
        r#"{"code": "4242"}"#,
    ] {
        assert_eq!(rule().decides(&call("read", args)), "POLICY_DENIED drop", "{args}");
    }
    for args in ["{}", r#"{"sql": "droptable"}"#, r#"{"code": 42420}"#, r#"{"a": ["drop", "table"]}"#] {
        assert_eq!(rule().decides(&call("read", args)), "permit", "{args}");
    }
    let whole = world(&[patterns("admin", Deny, &[r#""role":"admin""#])]);
    assert_eq!(whole.decides(&call("read", r#"{"role" : "\u0061dmin"}"#)), "POLICY_DENIED admin");
    // What a client withheld is not there to be found.
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(rule().decides(&call("read", &format!(r#"{{"content_sha256": "{digest}"}}"#))), "permit");
}

#[test]
fn content_that_nobody_read_is_read_first_and_unsound_content_is_denied() {
    let rule = |action: &str| {
        let action_types = vec![action.into()];
        world(&[PolicyRule { action_types, ..patterns("p", Hold, &["x"]) }])
    };
    assert_eq!(rule("read").decides(&ToolCall::new("read")), "args");
    assert_eq!(rule("read").decides(&call("read", "{")), "INVALID_ARGUMENTS");
    assert_eq!(rule("pay").decides(&ToolCall::new("read")), "permit", "it does not speak of this call");
    assert_eq!(rule("pay").decides(&call("read", "{")), "permit");
    assert_eq!(world(&[patterns("p", Permit, &["x"])]).decides(&call("read", "{")), "permit");
}

#[test]
fn a_person_sees_the_arguments_of_what_a_policy_holds() {
    let rule = |action: &str| {
        let action_types = vec![action.into()];
        world(&[PolicyRule { action_types, ..policy("p", ActionType, Hold) }])
    };
    assert_eq!(rule("read").decides(&ToolCall::new("read")), "args");
    assert_eq!(rule("read").decides(&call("read", "{")), "INVALID_ARGUMENTS");
    assert_eq!(rule("pay").decides(&ToolCall::new("read")), "permit");
    let denies = world(&[relative(policy("p", ActionType, Deny))]);
    assert_eq!(denies.decides(&ToolCall::new("read")), "POLICY_DENIED p", "nobody looks at them");
}

#[test]
fn content_that_costs_too_much_is_denied() {
    let sources: Vec<_> = (0..20).map(|n| format!("(a*)*{n}{{200}}z")).collect();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let long = "a".repeat(40_000);
    let args = format!(r#"{{"a": "{long}", "b": "{long}", "c": "{long}"}}"#);
    for decision in [Hold, Deny] {
        let world = world(&[patterns("p", decision, &sources)]);
        assert_eq!(world.decides(&call("read", &args)), "EVALUATION_BUDGET");
        assert_eq!(world.decides(&call("read", r#"{"text": "aaa"}"#)), "permit");
    }
    let shadow = world(&[shadowed(patterns("p", Deny, &sources))]);
    assert_eq!(shadow.decides(&call("read", &args)), "permit", "what it costs is nobody else's");
}

#[test]
fn a_chain_is_counted_and_looked_through() {
    let rule = |max_chain_depth: Option<u64>, agents: &[&str]| {
        let forbidden_agents = agents.iter().map(|agent| (*agent).into()).collect();
        let conditions = Conditions { max_chain_depth, forbidden_agents, ..Conditions::default() };
        world(&[relative(with(policy("chain", ChainOfCustody, Deny), conditions))])
    };
    let via = |agents: &[&str]| {
        let agents: Vec<Name> = agents.iter().map(|agent| (*agent).into()).collect();
        ToolCall { via: (!agents.is_empty()).then(|| agents.into()), ..pay() }
    };
    assert_eq!(rule(Some(0), &[]).decides(&via(&[])), "permit");
    assert_eq!(rule(Some(0), &[]).decides(&via(&["a"])), "POLICY_DENIED chain");
    assert_eq!(rule(Some(2), &[]).decides(&via(&["a", "b"])), "permit");
    assert_eq!(rule(Some(2), &[]).under(1).decides(&via(&["a", "b"])), "POLICY_DENIED chain", "a sub-agent");
    assert_eq!(rule(Some(u64::MAX), &[]).under(3).decides(&via(&["a"])), "permit");
    assert_eq!(rule(None, &["b"]).decides(&via(&["a", "b"])), "POLICY_DENIED chain");
    assert_eq!(rule(None, &["B", "ab"]).decides(&via(&["a", "b"])), "permit");
    assert_eq!(rule(None, &["agent-7"]).decides(&via(&[])), "POLICY_DENIED chain", "its own hands too");
    let empty = ToolCall { via: Some(Box::default()), ..pay() };
    assert_eq!(rule(Some(0), &["a"]).decides(&empty), "permit");
}

#[test]
fn names_meant_to_explode_cost_what_they_are_long() {
    let pattern: Name = "*a".repeat(64).into();
    let rule = PolicyRule { action_types: vec![pattern; 256], ..policy("p", ActionType, Deny) };
    let world = world(&[rule]);
    let long = "a".repeat(60) + &"b".repeat(200_000);
    let call = ToolCall { action: Some(long.into()), ..pay() };
    assert_eq!(world.decides(&call), "permit");
}
