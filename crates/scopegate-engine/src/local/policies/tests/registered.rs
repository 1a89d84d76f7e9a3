//! Policies that are registered while calls are decided.

use scopegate_core::PolicyType;

use super::*;

const WRITTEN: &str = "  - {name: written, policy_type: action_type, decision: hold, action_types: [read]}";

fn rule(name: &str, decision: PolicyDecision, action: &str) -> PolicyRule {
    let action_types = vec![action.into()];
    PolicyRule { action_types, ..PolicyRule::new(name, PolicyType::ActionType, decision) }
}

fn shadowed(rule: PolicyRule) -> PolicyRule {
    PolicyRule { mode: PolicyMode::Shadow, ..rule }
}

#[test]
fn they_stand_beside_those_of_the_file_and_replace_each_other() {
    let world = world(WRITTEN);
    let ann = world.open("ann");
    let (pay, read) = (call("pay", "{}"), call("read", "{}"));
    let both = |world: &World| [world.ask(&ann, &pay), world.ask(&ann, &read)];
    assert_eq!(both(&world), ["PERMIT", "HOLD"]);
    world.engine.register_policies(vec![rule("a", PolicyDecision::Deny, "pay")]).unwrap();
    assert_eq!(both(&world), ["ACTION_FORBIDDEN", "HOLD"]);
    world.engine.register_policies(vec![rule("b", PolicyDecision::Deny, "rea*")]).unwrap();
    assert_eq!(both(&world), ["PERMIT", "ACTION_FORBIDDEN"]);
    // The file is read again, and says nothing any more.
    world.engine.reload(&policy("  []")).unwrap();
    assert_eq!(both(&world), ["PERMIT", "ACTION_FORBIDDEN"]);
    world.engine.register_policies(Vec::new()).unwrap();
    assert_eq!(both(&world), ["PERMIT", "PERMIT"]);
}

#[test]
fn what_cannot_be_in_force_changes_nothing() {
    let world = world(WRITTEN);
    let ann = world.open("ann");
    world.engine.register_policies(vec![rule("a", PolicyDecision::Deny, "pay")]).unwrap();
    for bad in [
        vec![rule("written", PolicyDecision::Hold, "pay")],
        vec![rule("b", PolicyDecision::Hold, "pay"), rule("b", PolicyDecision::Hold, "pay")],
        vec![rule("a name", PolicyDecision::Hold, "pay")],
        (0..512).map(|n| rule(&format!("p{n}"), PolicyDecision::Hold, "pay")).collect(),
    ] {
        world.engine.register_policies(bad).unwrap_err();
        assert_eq!(world.ask(&ann, &ToolCall::new("pay")), "ACTION_FORBIDDEN");
        let names: Vec<Name> = world.engine.policies().into_iter().map(|view| view.name).collect();
        assert_eq!(names, ["a", "written"]);
    }
}

#[test]
fn one_that_permits_is_told_and_changes_nothing() {
    let world = world("  []");
    let ann = world.open("ann");
    world.engine.register_policies(vec![rule("yes", PolicyDecision::Permit, "*")]).unwrap();
    assert_eq!(world.ask(&ann, &ToolCall::new("other")), "SCOPE_VIOLATION", "a policy is no grant");
    let pay = ToolCall::new("pay");
    let told = world.engine.policies_matching(&AccessRequest::new(ann.as_ref(), &pay));
    assert_eq!(told, [("yes".into(), PolicyDecision::Permit)]);
}

#[test]
fn what_leaves_the_shadow_is_not_reported_any_more() {
    let world = world("  []");
    let ann = world.open("ann");
    let deny = rule("a", PolicyDecision::Deny, "pay");
    world.engine.register_policies(vec![shadowed(deny.clone())]).unwrap();
    assert_eq!(world.ask(&ann, &ToolCall::new("pay")), "PERMIT");
    assert_eq!(world.engine.shadow_report().of("a").map(|counts| counts.would_deny), Some(1));
    world.engine.register_policies(vec![shadowed(deny.clone())]).unwrap();
    assert_eq!(world.engine.shadow_report().of("a").map(|counts| counts.would_deny), Some(1));
    world.engine.register_policies(vec![deny]).unwrap();
    assert!(world.engine.shadow_report().of("a").is_none());
}
