mod registered;

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Args, Decision, DecisionRecord, Enforcer, Name, Principal, Provision, Timestamp, ToolCall,
    TrustUse,
};

use super::*;
use crate::{ManualClock, Policy};

/// A Monday at noon, UTC.
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

struct World {
    engine: LocalEnforcer,
    clock: Arc<ManualClock>,
}

/// A role that grants `pay` and `read`, under these policies.
fn policy(policies: &str) -> Policy {
    let text = format!(
        "version: 1\npolicies:\n{policies}\nroles:\n  - {{name: r, allowed_tools: [pay, read], \
         max_delegation_depth: 2, rate_limit_per_hour: 100}}\n"
    );
    Policy::from_text(&text, "policy").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn world(policies: &str) -> World {
    let clock = Arc::new(ManualClock::new(NOON));
    let engine = LocalEnforcer::builder(policy(policies)).clock(clock.clone()).build().unwrap();
    World { engine, clock }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

impl World {
    fn open(&self, owner: &str) -> Principal {
        self.engine.open(Provision::new("r", owner)).unwrap().principal
    }

    fn ask(&self, principal: &Principal, call: &ToolCall) -> &'static str {
        match wait(self.engine.enforce(&AccessRequest::new(principal.as_ref(), call))).unwrap() {
            Decision::Permit(_) => "PERMIT",
            Decision::Hold(_) => "HOLD",
            Decision::Deny(denial) => denial.code.as_str(),
        }
    }

    fn settle(&self, approve: bool) {
        let id = self.engine.pending_reviews().remove(0).id;
        let settled = match approve {
            true => wait(scopegate_core::Reviews::approve(&self.engine, id, "a reviewer")),
            false => wait(scopegate_core::Reviews::reject(&self.engine, id, "a reviewer")),
        };
        settled.unwrap();
    }

    fn records(&self) -> Vec<DecisionRecord> {
        assert!(wait(self.engine.flush()));
        self.engine.records().into_iter().map(|line| line.record).collect()
    }
}

fn call(tool: &str, args: &str) -> ToolCall {
    ToolCall::new(tool).with_args(Args::parse(args.to_owned()))
}

fn pay() -> ToolCall {
    call("pay", r#"{"amount": 1}"#)
}

#[test]
fn a_policy_of_each_type_decides() {
    let world = world(
        "
  - {name: no-reads, policy_type: action_type, decision: deny, action_types: ['re*'], absolute: false}
  - {name: cards, policy_type: content_pattern, decision: deny, conditions: {patterns: ['4[0-9]{15}']}}
  - {name: night, policy_type: temporal, decision: deny, conditions: {blocked_hours: [22, 23, 0]}}
  - {name: direct, policy_type: chain_of_custody, decision: hold, conditions: {max_chain_depth: 0}}
  - {name: known, policy_type: threshold, decision: hold, trust_threshold: 0.1}",
    );
    let session = world.open("ann");
    assert_eq!(world.ask(&session, &pay()), "PERMIT");
    assert_eq!(world.ask(&session, &call("read", "{}")), "POLICY_DENIED");
    assert_eq!(world.ask(&session, &call("pay", r#"{"card": 4242424242424242}"#)), "POLICY_DENIED");
    assert_eq!(world.ask(&session, &ToolCall::new("pay")), "INVALID_ARGUMENTS", "content that nobody read");
    assert_eq!(world.ask(&session, &ToolCall { via: Some(["bob".into()].into()), ..pay() }), "HOLD");
    world.clock.advance(Duration::from_secs(10 * 3600));
    let session = world.open("ann");
    assert_eq!(world.ask(&session, &pay()), "ACTION_FORBIDDEN");
    world.clock.advance(Duration::from_secs(3 * 3600));
    let session = world.open("ann");
    assert_eq!(world.ask(&session, &pay()), "PERMIT", "one in the night, which is not listed");
}

#[test]
fn a_person_agrees_to_what_a_policy_holds_and_to_nothing_else() {
    let world = world("  - {name: ask, policy_type: action_type, decision: hold, action_types: [pay]}");
    let session = world.open("ann");
    assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT");
    assert_eq!(world.ask(&session, &pay()), "HOLD");
    assert_eq!(world.ask(&session, &ToolCall { via: Some(["bob".into()].into()), ..pay() }), "HOLD");
    assert_eq!(world.engine.pending_reviews().len(), 2, "another way is another call");
    assert_eq!(world.engine.pending_reviews().iter().filter(|review| review.via == ["bob"]).count(), 1);
    let direct = world.engine.pending_reviews().into_iter().find(|review| review.via.is_empty()).unwrap();
    wait(scopegate_core::Reviews::approve(&world.engine, direct.id, "a reviewer")).unwrap();
    assert_eq!(world.ask(&session, &pay()), "PERMIT");
    assert_eq!(world.ask(&session, &pay()), "HOLD", "once");
    assert_eq!(world.ask(&session, &ToolCall { via: Some(["bob".into()].into()), ..pay() }), "HOLD");
}

#[test]
fn a_shadow_policy_changes_nothing_and_is_recorded_counted_and_promoted() {
    let world = world(
        "
  - {name: s, policy_type: content_pattern, decision: deny, mode: shadow, conditions: {patterns: [bad]}}
  - {name: t, policy_type: action_type, decision: hold, mode: shadow, action_types: [read]}",
    );
    let session = world.open("ann");
    assert_eq!(world.ask(&session, &call("pay", r#"{"x": "bad"}"#)), "PERMIT");
    assert_eq!(world.ask(&session, &call("pay", r#"{"x": "good"}"#)), "PERMIT");
    assert_eq!(world.ask(&session, &ToolCall::new("read")), "PERMIT", "nothing is read for it");
    assert_eq!(world.ask(&session, &call("delete", r#"{"x": "bad"}"#)), "SCOPE_VIOLATION");
    let shadows: Vec<_> = world
        .records()
        .into_iter()
        .map(|record| record.shadow.map(|s| (s.decision.as_str(), s.changed, s.triggered.join(" "))))
        .collect();
    let said = |decision, changed, triggered: &str| Some((decision, changed, triggered.to_owned()));
    let told = [said("deny", true, "s"), None, said("hold", true, "t"), said("deny", false, "s")];
    assert_eq!(shadows, told);
    let report = world.engine.shadow_report();
    let counts = report.of("s").unwrap();
    assert_eq!((counts.evaluated, counts.unread, counts.would_deny), (4, 1, 2));
    assert_eq!((counts.would_have_changed, counts.agents_affected()), (1, 1));
    assert_eq!(
        (&*counts.examples[0].owner, &*counts.examples[0].tool, counts.examples[0].at),
        ("ann", "pay", NOON)
    );

    assert_eq!(world.engine.promote_policy("s"), Ok(()));
    assert_eq!(world.ask(&session, &call("pay", r#"{"x": "bad"}"#)), "POLICY_DENIED");
    assert!(world.engine.shadow_report().of("s").is_none() && world.engine.shadow_report().of("t").is_some());
    assert_eq!(world.engine.promote_policy("s"), Err(PromoteError::Live("s".into())));
    assert_eq!(world.engine.promote_policy("x"), Err(PromoteError::Unknown("x".into())));
    let again = "
  - {name: s, policy_type: content_pattern, decision: deny, mode: shadow, conditions: {patterns: [bad]}}";
    world.engine.reload(&policy(again)).unwrap();
    assert_eq!(world.ask(&session, &call("pay", r#"{"x": "bad"}"#)), "POLICY_DENIED", "it stays live");
    assert!(world.engine.shadow_report().of("t").is_none(), "it is gone, and so is what was counted");
    world.engine.reload(&policy(&again.replace("[bad]", "[bad, worse]"))).unwrap();
    assert_eq!(world.ask(&session, &call("pay", r#"{"x": "bad"}"#)), "PERMIT", "that one was never promoted");
}

#[test]
fn trust_moves_with_decisions_and_each_says_how() {
    let world = world(
        "
  - {name: careful, policy_type: threshold, decision: hold, trust_threshold: 48.2, action_types: [pay]}
  - {name: looked, policy_type: threshold, decision: deny, trust_threshold: 100, mode: shadow}",
    );
    let session = world.open("ann");
    assert_eq!(world.engine.trust("ann").to_string(), "50");
    assert_eq!(world.ask(&session, &pay()), "PERMIT"); // 50.2
    assert_eq!(world.ask(&session, &call("drop", "{}")), "SCOPE_VIOLATION"); // 48.2: not below 48.2
    assert_eq!(world.ask(&session, &pay()), "PERMIT"); // 48.4
    assert_eq!(world.ask(&session, &call("drop", "{}")), "SCOPE_VIOLATION"); // 46.4
    assert_eq!(world.ask(&session, &pay()), "HOLD"); // 45.9
    assert_eq!(world.ask(&session, &pay()), "HOLD", "to ask again is no new hold");
    assert_eq!(world.ask(&session, &call("read", "{}")), "PERMIT"); // 46.1
    world.settle(true);
    assert_eq!(world.ask(&session, &pay()), "PERMIT"); // 46.3
    assert_eq!(world.engine.trust("ann").to_string(), "46.3");
    assert_eq!(world.engine.trust("bob").to_string(), "50", "each has a level of its own");
    let moves: Vec<_> = world
        .records()
        .iter()
        .map(|record| record.trust.map(|moved| format!("{}-{}", moved.was, moved.is)).unwrap_or_default())
        .collect();
    let told = ["50-50.2", "50.2-48.2", "48.2-48.4", "48.4-46.4", "46.4-45.9", "", "45.9-46.1", "46.1-46.3"];
    assert_eq!(moves, told);
    assert_eq!(world.ask(&Principal::token("nobody"), &pay()), "JWT_INVALID");
}

#[test]
fn trust_is_counted_or_stays_as_whoever_asks_says() {
    let world = world("  []");
    let session = world.open("ann");
    let ask = |tool: &str, trust| {
        let call = call(tool, "{}");
        let request = AccessRequest::new(session.as_ref(), &call).with_trust(trust);
        assert!(matches!(world.engine.try_enforce(&request), scopegate_core::Quick::Decided(_)));
        world.engine.trust("ann").to_string()
    };
    for (tool, trust, after) in [
        ("read", TrustUse::WhereRead, "50"),
        ("read", TrustUse::Counted, "50.2"),
        ("drop", TrustUse::Still, "50.2"),
        ("drop", TrustUse::Counted, "48.2"),
        ("drop", TrustUse::WhereRead, "48.2"),
    ] {
        assert_eq!(ask(tool, trust), after, "{tool} {trust:?}");
    }
    let told: Vec<_> = world.records().iter().map(|record| record.trust.map(|t| (t.was, t.is))).collect();
    let level = |tenths| scopegate_core::Trust::from_tenths(tenths).unwrap();
    let moved = |was, is| Some((level(was), level(is)));
    assert_eq!(told, [None, moved(500, 502), moved(502, 502), moved(502, 482), None]);
}

#[test]
fn trust_is_counted_without_records_and_by_many_at_once() {
    let mut file = policy("  - {name: t, policy_type: threshold, decision: deny, trust_threshold: 0.1}");
    file.records = Some(crate::RecordsSpec::None);
    file.roles[0].rate_limit_per_hour = 0;
    let engine = LocalEnforcer::new(file).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let session = engine.open(Provision::new("r", "ann")).unwrap();
                for _ in 0..50 {
                    let call = pay();
                    let answer = engine.try_enforce(&AccessRequest::new(session.principal.as_ref(), &call));
                    assert!(matches!(answer, scopegate_core::Quick::Decided(Decision::Permit(_))));
                }
            });
        }
    });
    assert_eq!(engine.trust("ann").to_string(), "90", "200 permits");
}

#[test]
fn a_reload_swaps_all_policies_at_once_or_none() {
    let world = world("  - {name: p, policy_type: action_type, decision: hold}");
    let session = world.open("ann");
    assert_eq!(world.ask(&session, &pay()), "HOLD");
    let mut bad = policy("  - {name: p, policy_type: action_type, decision: deny}");
    bad.policies.push(bad.policies[0].clone());
    let error = world.engine.reload(&bad).unwrap_err();
    assert_eq!(error.to_string(), "policies[1].name: a second policy named `p`");
    assert_eq!(world.ask(&session, &pay()), "HOLD");
    bad.policies.clear();
    world.engine.reload(&bad).unwrap();
    assert_eq!(world.ask(&session, &pay()), "PERMIT");
    assert!(world.engine.policies().is_empty());
}

#[test]
fn an_agent_is_not_shown_what_a_policy_always_denies() {
    let world = world(
        "
  - {name: a, policy_type: action_type, decision: deny, action_types: [pay], absolute: false}
  - {name: b, policy_type: action_type, decision: hold, action_types: [read]}
  - {name: c, policy_type: temporal, decision: deny, conditions: {blocked_hours: [12]}}",
    );
    let session = world.open("ann");
    let visible = wait(world.engine.visible(session.as_ref(), &["pay", "read", "drop"])).unwrap();
    assert_eq!(visible, [false, true, false]);
}

#[test]
fn a_digest_says_which_policies_decided() {
    let digest = |policies: &str| {
        let world = world(policies);
        let session = world.open("ann");
        let call = pay();
        let request = AccessRequest::new(session.as_ref(), &call);
        let decision = wait(world.engine.enforce(&request)).unwrap();
        world.engine.digest(&request, &decision).unwrap()
    };
    let none =
        digest("  - {name: p, policy_type: action_type, decision: deny, action_types: [x], enabled: false}");
    let shadow = digest("  - {name: p, policy_type: action_type, decision: deny, mode: shadow}");
    let live = digest("  - {name: p, policy_type: action_type, decision: deny, action_types: [x]}");
    assert_eq!(none, shadow);
    assert_ne!(none, live);
}

#[test]
fn a_policy_file_names_the_place_of_what_is_wrong() {
    let head = "version: 1\nroles: [{name: r}]\npolicies:\n  - name: p\n    decision: deny\n";
    for (rest, place, message) in [
        ("    policy_type: semantic", "6:18", "unknown variant `semantic`"),
        (
            "    policy_type: threshold",
            "4:5",
            "policies[0].trust_threshold: a policy of type `threshold` needs",
        ),
        ("    policy_type: threshold\n    trust_threshold: .nan", "7:22", "non-finite float `.nan`"),
        ("    policy_type: threshold\n    trust_threshold: .inf", "7:22", "non-finite float `.inf`"),
        ("    policy_type: threshold\n    trust_threshold: -5", "7:22", "invalid value: integer `-5`"),
        ("    policy_type: threshold\n    trust_threshold: '80'", "7:22", "invalid type: string"),
        ("    policy_type: threshold\n    trust_threshold:", "7:20", "`trust_threshold` has no value"),
        ("    policy_type: threshold\n    trust_threshold: null", "7:22", "`trust_threshold` has no value"),
        ("    policy_type: action_type\n    effect: deny", "7:5", "unknown field `effect`"),
        (
            "    policy_type: temporal\n    conditions: {blocked_hours: [22], time_zone: CET}",
            "7:39",
            "unknown field `time_zone`",
        ),
        (
            "    policy_type: temporal\n    conditions: {blocked_hours: [9, 24]}",
            "7:37",
            "policies[0].conditions.blocked_hours[1]: `24` is not an hour",
        ),
        (
            "    policy_type: action_type\n    action_types: ['a b']",
            "7:20",
            "policies[0].action_types[0]: `a b`",
        ),
        ("    policy_type: action_type\n    priority: 1.5", "7:15", "invalid type: floating point `1.5`"),
        (
            "    policy_type: action_type\n  - name: p\n    decision: hold\n    policy_type: action_type",
            "7:11",
            "policies[1].name: a second policy named `p`",
        ),
        (
            "    policy_type: action_type\n  - name: q\n    decision: permit\n    policy_type: action_type",
            "8:15",
            "policies[1].decision: policies only restrict",
        ),
    ] {
        let text = format!("{head}{rest}\n");
        let error = Policy::from_text(&text, "p.yaml").expect_err(&text).to_string();
        let says = format!("p.yaml:{place}: {message}");
        assert!(error.starts_with(&says), "{error}\nshould be: {says}");
    }
}

#[test]
fn names_of_owners_are_told_apart() {
    let world = world(
        "
  - {name: p, policy_type: chain_of_custody, decision: deny, conditions: {forbidden_agents: [eve]}}
  - {name: q, policy_type: chain_of_custody, decision: deny, absolute: false,
     conditions: {max_chain_depth: 1}}",
    );
    let ann = world.open("ann");
    assert_eq!(world.ask(&world.open("eve"), &pay()), "ACTION_FORBIDDEN");
    assert_eq!(world.ask(&ann, &pay()), "PERMIT");
    let child = world.engine.open_child(&ann, Provision::new("r", "ignored")).unwrap().principal;
    assert_eq!(world.ask(&child, &pay()), "PERMIT");
    let grandchild = world.engine.open_child(&child, Provision::new("r", "ignored")).unwrap().principal;
    assert_eq!(world.ask(&grandchild, &pay()), "POLICY_DENIED");
    let via = |name: &str| ToolCall { via: Some([Name::from(name)].into()), ..pay() };
    assert_eq!(world.ask(&ann, &via("eve")), "ACTION_FORBIDDEN");
    assert_eq!(world.ask(&child, &via("bob")), "POLICY_DENIED");
}
