//! Outcomes and reason texts, as they are published.

use scopegate_core::{Decision, DenyCode, PermitId, SessionId};

use super::*;

fn scope() -> ScopeEnforcer {
    ScopeEnforcer::builder(enforcer(), key(), MemoryScopeSink::new()).build().unwrap()
}

#[test]
fn reasons_and_outcomes() {
    let scope = scope();
    let lacks = "agent 'a' is missing required capability 'claim.write'";
    // agent, capability, resource, action, allowed, outcome, reason
    for (agent, capability, resource, action, allowed, reason) in [
        ("x", None, "claims", "read", false, "agent 'x' has no registered scope manifest"),
        ("A", None, "claims", "read", false, "agent 'A' has no registered scope manifest"),
        ("x", Some("c"), "claims", "read", false, "agent 'x' has no registered scope manifest"),
        ("a", Some("claim.write"), "claims", "read", false, lacks),
        ("a", Some("claim.write"), "nowhere", "drop", false, lacks),
        ("b", None, "claims", "read", false, "agent 'b' is not permitted to access resource 'claims'"),
        ("b", None, "*", "read", false, "agent 'b' is not permitted to access resource '*'"),
        ("a", None, "claims", "list", false, "agent 'a' cannot perform action 'list' on resource 'claims'"),
        ("a", None, "claims", "Read", false, "agent 'a' cannot perform action 'Read' on resource 'claims'"),
        ("a", None, "empty", "list", false, "agent 'a' cannot perform action 'list' on resource 'empty'"),
        ("a", None, "other", "read", false, "agent 'a' cannot perform action 'read' on resource 'other'"),
        (
            "a",
            Some("claim.read"),
            "claims",
            "drop",
            false,
            "agent 'a' cannot perform action 'drop' on resource 'claims'",
        ),
        ("a", None, "claims", "read", true, "agent 'a' is permitted on claims:read"),
        ("a", None, "other", "list", true, "agent 'a' is permitted on other:list"),
        ("a", None, "Claims", "list", true, "agent 'a' is permitted on Claims:list"),
        ("a", None, "other", "*", true, "agent 'a' is permitted on other:*"),
        (
            "a",
            Some("claim.read"),
            "claims",
            "read",
            true,
            "agent 'a' is permitted for capability 'claim.read' on claims:read",
        ),
    ] {
        for (policy, refused) in [
            (None, Outcome::Escalate),
            (Some("allow"), Outcome::Escalate),
            (Some("allow+log"), Outcome::Escalate),
            (Some("block"), Outcome::Block),
            (Some("human_review"), Outcome::HumanReview),
            (Some("redact"), Outcome::Redact),
        ] {
            let mut question = question(agent, resource, action);
            question.capability = capability.map(str::to_owned);
            if let Some(policy) = policy {
                question = question.with_policy("p", policy).unwrap();
            }
            let answer = scope.evaluate(&question).unwrap();
            let expected = if allowed { Outcome::Allow } else { refused };
            assert_eq!((answer.allowed, answer.outcome, &*answer.reason), (allowed, expected, reason));
            assert_eq!(answer.policy_action.map(PolicyAction::as_str), policy);
            // Whatever it is called, it is a permit or a denial.
            match scope.decision(&answer) {
                Decision::Permit(_) => assert!(allowed),
                Decision::Deny(denial) => assert!(!allowed && denial.code == DenyCode::ScopeViolation),
                Decision::Hold(_) => panic!("nothing is held here"),
            }
        }
    }
}

#[test]
fn a_policy_labels_refusals_and_where_it_is_strict_makes_them() {
    let with = |says, strict| {
        let sink = MemoryScopeSink::new();
        let builder = ScopeEnforcer::builder(enforcer(), key(), sink).policy(Says(says));
        let builder = if strict { builder } else { builder.strict(false) };
        builder.build().unwrap()
    };
    use PolicyAction::{Allow, AllowLog, Block, HumanReview, Redact};
    for (says, outcome) in [
        (Allow, Outcome::Allow),
        (AllowLog, Outcome::Allow),
        (Block, Outcome::Block),
        (HumanReview, Outcome::HumanReview),
        (Redact, Outcome::Redact),
    ] {
        let (strict, published) = (with(Ok(says), true), with(Ok(says), false));
        let answer = strict.evaluate_with_policy(&question("a", "claims", "read"), None).unwrap();
        assert_eq!((answer.allowed, answer.outcome), (says.allows(), outcome), "strict is the default");
        assert_eq!(answer.policy_id.as_deref(), Some("capability_enforcement:1"));
        if !says.allows() {
            let text = format!("policy 'capability_enforcement:1' answers '{says}' for claims:read");
            assert_eq!(answer.reason, text);
        }
        let answer = published.evaluate_with_policy(&question("a", "claims", "read"), Some("mine")).unwrap();
        assert_eq!((answer.allowed, answer.outcome), (true, Outcome::Allow));
        assert_eq!((answer.policy_id.as_deref(), answer.policy_action), (Some("mine:1"), Some(says)));
        for scope in [&strict, &published] {
            // What the manifest refuses stays refused, whatever a policy says.
            let answer = scope.evaluate_with_policy(&question("a", "claims", "drop"), None).unwrap();
            let expected = if says.allows() { Outcome::Escalate } else { outcome };
            assert_eq!((answer.allowed, answer.outcome), (false, expected));
            assert_eq!(answer.policy_id.as_deref(), Some("capability_enforcement:0"));
            assert_eq!(scope.get_status().total_checks, 2, "each is one check");
        }
    }
    let silent = with(Err("down"), true);
    let answer = silent.evaluate_with_policy(&question("a", "claims", "read"), None);
    assert!(matches!(answer, Err(ScopeError::Policy(why)) if why == "down"));
    let none = scope().evaluate_with_policy(&question("a", "claims", "read"), None).unwrap();
    assert_eq!((none.policy_id.as_deref(), none.policy_action), (Some("implicit-default"), Some(Allow)));
}

#[test]
fn what_cannot_be_asked_has_no_answer() {
    let scope = scope();
    let good = || question("a", "claims", "read");
    let change = |change: fn(&mut ScopeQuestion)| {
        let mut question = good();
        change(&mut question);
        question
    };
    for (question, named) in [
        (change(|q| q.trace_id.clear()), "trace_id"),
        (change(|q| q.agent_id.clear()), "agent_id"),
        (change(|q| q.resource.clear()), "resource"),
        (change(|q| q.action_name.clear()), "action_name"),
        (change(|q| q.checked_at.clear()), "checked_at"),
        (change(|q| q.capability = Some(String::new())), "capability"),
        (change(|q| q.scope_id = Some(String::new())), "scope_id"),
        (change(|q| q.policy_id = Some(String::new())), "policy_id"),
    ] {
        assert!(matches!(scope.evaluate(&question), Err(ScopeError::Empty(name)) if name == named));
        assert!(scope.evaluate_with_policy(&question, None).is_err());
    }
    let long = change(|q| q.resource = "x".repeat(4097));
    assert!(matches!(scope.evaluate(&long), Err(ScopeError::TooLong("resource", 4097))));
    for word in ["escalate", "", "Allow", "deny", "allow + log"] {
        assert!(matches!(good().with_policy("p", word), Err(ScopeError::PolicyAction(said)) if said == word));
    }
    let named = good().with_scope_id("mine");
    assert!(scope.evaluate(&named).unwrap().allowed);
    assert!(matches!(scope.evaluate(&named), Err(ScopeError::Duplicate(id)) if id == "mine"));
    assert_eq!(scope.get_status().total_checks, 1, "only what was answered counts");
}

#[test]
fn answers_are_looked_up_by_name_and_by_trace() {
    let scope =
        ScopeEnforcer::builder(enforcer(), key(), MemoryScopeSink::new()).remember(3).build().unwrap();
    let ask = |trace: &str, action: &str, id: &str| {
        let question = ScopeQuestion::new(trace, "a", "claims", action, "whenever").with_scope_id(id);
        scope.evaluate(&question).unwrap()
    };
    ask("t", "read", "1");
    ask("u", "read", "2");
    let third = ask("t", "drop", "3");
    let ids = |trace| scope.list_for_trace(trace).into_iter().map(|a| a.scope_id).collect::<Vec<_>>();
    assert_eq!(ids("t"), ["1", "3"]);
    assert_eq!(scope.get("3"), Some(third));
    assert_eq!((ids("none").len(), scope.get("none")), (0, None));
    ask("t", "read", "4");
    assert_eq!((ids("t"), scope.get("1")), (vec!["3".to_owned(), "4".to_owned()], None), "the last three");
    let fresh = scope.evaluate(&question("a", "claims", "read")).unwrap().scope_id;
    assert!(fresh.len() == 26 && fresh.starts_with('0'), "{fresh}");
    let status = scope.get_status();
    assert_eq!((status.status, status.registered_agents), ("ok", 2));
    assert_eq!((status.total_checks, status.blocked_checks), (5, 1));
}

#[test]
fn agents_register_and_hold_capabilities() {
    let scope = scope();
    let written = manifest("c")
        .with_capabilities(["z", "", "a", "z"])
        .with_actions("", ["x"])
        .with_actions("r", ["write", "", "read", "write"]);
    scope.register_agent(&written).unwrap();
    let kept = scope.get_manifest("c").unwrap();
    assert_eq!((kept.capabilities.len(), kept.resource_actions.len()), (2, 1));
    assert_eq!(kept.resource_actions["r"], ["read", "write"]);
    assert_eq!(scope.require_capability("c", "a"), Ok(()));
    for (agent, capability) in [("c", "A"), ("c", ""), ("nobody", "a")] {
        let missing = scope.require_capability(agent, capability).unwrap_err();
        let text = format!("agent '{agent}' is missing required capability '{capability}'");
        assert_eq!(missing.to_string(), text);
    }
    scope.register_agent(&manifest("c")).unwrap();
    assert!(scope.require_capability("c", "a").is_err(), "registering again replaces");
    assert_eq!(scope.get_manifest("nobody"), None);
    assert!(scope.register_agent(&manifest("")).is_err());
    assert_eq!(scope.get_status().registered_agents, 3);
}

#[test]
fn categories_are_the_published_ones_and_decide_nothing() {
    for (action, category) in [
        ("read", Some("read")),
        ("DOWNLOAD", Some("read")),
        ("delete", Some("write")),
        ("remove", Some("write")),
        ("dispatch", Some("execute")),
        ("deploy", Some("admin")),
        ("broadcast", Some("stream")),
        ("head", None),
        ("post", None),
        ("unknown", None),
        ("", None),
        (" read", None),
    ] {
        assert_eq!(resolve_action_category(action), category, "{action}");
    }
    let sizes = ACTION_CATEGORIES.map(|(name, actions)| (name, actions.len()));
    assert_eq!(sizes, [("read", 8), ("write", 9), ("execute", 7), ("admin", 9), ("stream", 6)]);
}

#[test]
fn a_permit_names_its_session() {
    let scope = scope();
    let answer = scope.evaluate(&question("a", "claims", "read")).unwrap();
    let id = PermitId { session: SessionId::from_bits(7), number: 1 };
    assert!(matches!(answer.decision(id), Decision::Permit(permit) if permit.id == id));
    let later = scope.evaluate(&question("a", "claims", "read")).unwrap();
    let number = |answer| match scope.decision(answer) {
        Decision::Permit(permit) => permit.id.number,
        other => panic!("{other:?}"),
    };
    assert_eq!((number(&answer), number(&later), number(&answer)), (1, 2, 1));
}

#[test]
fn manifests_of_files() {
    let good = "agent_id: a\nallowed_actions: [write, read, read]\ncapabilities: [c]\nmetadata: {x: 1}";
    let read = manifest_from_yaml(good, "m").unwrap();
    assert_eq!(
        (&*read.agent_id, &read.resource_actions["*"][..]),
        ("a", &["read".into(), "write".into()][..])
    );
    let both = "agent_id: a\nallowed_actions: [write]\nresource_actions: {'*': [list], r: []}";
    assert_eq!(manifest_from_yaml(both, "m").unwrap().resource_actions["*"], ["list"], "the entry stands");
    for (text, told) in [
        ("", "m:1:1: "),
        ("agent_id: a", "m:1:1: missing field `allowed_actions`"),
        ("agent_id: a\nallowed_actions: []", "m:1:1: allowed_actions: no actions"),
        ("agent_id: a\nallowed_actions:", "m:2:"),
        ("agent_id: a\nallowed_actions: read", "m:2:18: expected sequence start"),
        ("agent_id: ''\nallowed_actions: [x]", "m:1:1: agent_id: an empty name"),
        ("allowed_actions: [x]", "m:1:1: missing field `agent_id`"),
        ("agent_id: a\nallowed_actions: [1]", "m:2:19: invalid type: integer `1`"),
        ("agent_id: a\nallowed_actions: [x]\nallowed_actions: [y]", "m:3:1: duplicate"),
        ("agent_id: a\nallowed_actions: [x]\nextra: 1", "m:3:1: unknown field `extra`"),
    ] {
        let error = manifest_from_yaml(text, "m").unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}\n{told}");
    }
}
