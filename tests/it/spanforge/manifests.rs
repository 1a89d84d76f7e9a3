//! A call that names a resource, from an agent with a manifest, satisfies the manifest and the role.

use scopegate_core::{Decision, Manifest};
use scopegate_engine::Policy;

use super::on;
use crate::engine::{World, wait};

const POLICY: &str = r#"
version: 1
manifests:
  - agent_id: ann
    capabilities: [claim.read]
    resource_actions:
      claims: [read, read, pay]
      empty: []
      "*": [list]
    metadata: {team: blue, version: 1.5, retired: null}
  - agent_id: bob
    allowed_actions: [read]
  - agent_id: nobody
roles:
  - {name: clerk, allowed_tools: [read, pay], max_delegation_depth: 1, approval_required: [pay]}
"#;

#[test]
fn both_have_to_agree() {
    let world = World::new(POLICY);
    for (agent, tool, action, resource, expected) in [
        // Without a resource the role alone decides, and so it does where there is no manifest.
        ("ann", "read", None, None, "PERMIT"),
        ("ann", "read", Some("drop"), None, "PERMIT"),
        ("carol", "read", Some("drop"), Some("claims"), "PERMIT"),
        // The action is the call's own, or its tool.
        ("ann", "read", None, Some("claims"), "PERMIT"),
        ("ann", "read", Some("pay"), Some("claims"), "PERMIT"),
        ("ann", "read", Some("drop"), Some("claims"), "SCOPE_VIOLATION"),
        ("ann", "pay", None, Some("claims"), "HOLD"),
        // The role still has to grant the tool, and everything else still guards it.
        ("ann", "list", None, Some("other"), "SCOPE_VIOLATION"),
        ("ann", "read", Some("list"), Some("other"), "PERMIT"),
        // An entry, even an empty one, replaces `*`, and nothing is a pattern.
        ("ann", "read", Some("list"), Some("claims"), "SCOPE_VIOLATION"),
        ("ann", "read", Some("list"), Some("empty"), "SCOPE_VIOLATION"),
        ("ann", "read", Some("list"), Some("*"), "PERMIT"),
        ("ann", "read", Some("lis*"), Some("other"), "SCOPE_VIOLATION"),
        ("ann", "read", None, Some("other"), "SCOPE_VIOLATION"),
        ("ann", "read", Some("List"), Some("other"), "SCOPE_VIOLATION"),
        ("ann", "read", Some("list"), Some("Claims"), "PERMIT"),
        ("ann", "read", Some("list"), Some(""), "SCOPE_VIOLATION"),
        ("ann", "read", Some(""), Some("other"), "SCOPE_VIOLATION"),
        ("bob", "read", None, Some("anything"), "PERMIT"),
        ("bob", "pay", None, Some("anything"), "SCOPE_VIOLATION"),
        ("nobody", "read", None, Some("claims"), "SCOPE_VIOLATION"),
        ("Ann", "read", Some("drop"), Some("claims"), "PERMIT"),
    ] {
        let answer = world.ask(&world.open("clerk", agent), &on(tool, action, resource));
        assert_eq!(answer, expected, "{agent} {tool} {action:?} {resource:?}");
    }
}

#[test]
fn a_refusal_says_what_is_lacking() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "bob");
    let long = "x".repeat(5000);
    for (action, resource, expected) in [
        (Some("drop"), "claims", "the agent's manifest does not allow `drop` on this resource".to_owned()),
        (Some("read"), "", "the agent's manifest does not list resource ``".to_owned()),
        (
            Some(&*long),
            "r",
            format!("the agent's manifest does not allow `{}` on this resource", &long[..64]),
        ),
    ] {
        let Decision::Deny(denial) = world.decide(&session.principal, &on("read", action, Some(resource)))
        else {
            panic!("{action:?} on {resource} should be denied");
        };
        assert_eq!(denial.to_string(), expected);
    }
}

#[test]
fn a_sub_agent_is_judged_by_the_manifest_of_its_owner() {
    let world = World::new(POLICY);
    let child = world.child(&world.open("clerk", "bob"), "clerk");
    assert_eq!(world.ask(&child, &on("read", None, Some("claims"))), "PERMIT");
    assert_eq!(world.ask(&child, &on("read", Some("drop"), Some("claims"))), "SCOPE_VIOLATION");
}

#[test]
fn a_refused_call_opens_no_review_and_uses_nothing_up() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "bob");
    assert_eq!(world.ask(&session, &on("pay", None, Some("claims"))), "SCOPE_VIOLATION");
    assert_eq!(world.engine.pending_reviews().len(), 0);
}

#[test]
fn an_approval_does_not_outlive_the_manifest_it_was_given_under() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "ann");
    let pay = on("pay", None, Some("claims"));
    assert_eq!(world.ask(&session, &pay), "HOLD");
    world.settle(true);
    world.engine.put_manifest(&Manifest::new("ann").with_actions("claims", ["read"])).expect("a manifest");
    assert_eq!(world.ask(&session, &pay), "SCOPE_VIOLATION");
    assert!(world.engine.remove_manifest("ann"));
    assert_eq!(world.ask(&session, &pay), "PERMIT");
}

#[test]
fn a_reload_replaces_what_the_file_says() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "bob");
    let read = on("read", None, Some("claims"));
    assert_eq!(world.ask(&session, &read), "PERMIT");
    let narrower = POLICY.replace("allowed_actions: [read]", "resource_actions: {claims: []}");
    world.engine.reload(&Policy::from_text(&narrower, "p").expect("a policy")).expect("a policy");
    assert_eq!(world.ask(&session, &read), "SCOPE_VIOLATION");
    let twice = POLICY.replace("agent_id: nobody", "agent_id: ann");
    assert!(Policy::from_text(&twice, "p").is_err());
    let mut twice = Policy::from_text(POLICY, "p").expect("a policy");
    twice.manifests.push(Manifest::new("ann"));
    assert!(world.engine.reload(&twice).is_err());
    assert_eq!(world.ask(&session, &read), "SCOPE_VIOLATION", "a bad policy keeps the old one");
}

#[test]
fn a_watched_file_takes_manifests_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, POLICY).expect("a file");
    let world = World::new(POLICY);
    let session = world.open("clerk", "bob");
    let (told, hears) = std::sync::mpsc::channel();
    let watch = world.engine.watch(&path, std::time::Duration::from_millis(5), move |outcome| {
        told.send(outcome).expect("somebody listens");
    });
    // Nothing but a manifest changes.
    let narrower = POLICY.replace("allowed_actions: [read]", "allowed_actions: [list]");
    std::fs::write(&path, narrower).expect("a file");
    hears.recv_timeout(std::time::Duration::from_secs(60)).expect("a report").expect("a good policy");
    assert_eq!(world.ask(&session, &on("read", None, Some("claims"))), "SCOPE_VIOLATION");
    drop(watch);
}

#[test]
fn what_was_registered_stays_over_a_reload() {
    let world = World::new(POLICY);
    let (ann, carol) = (world.open("clerk", "ann"), world.open("clerk", "carol"));
    let read = on("read", None, Some("claims"));
    for agent in ["ann", "carol"] {
        world
            .engine
            .put_manifest(&Manifest::new(agent).with_actions("claims", ["list"]))
            .expect("a manifest");
    }
    let reload =
        || world.engine.reload(&Policy::from_text(POLICY, "p").expect("a policy")).expect("a policy");
    reload();
    let answers = [&ann, &carol].map(|session| world.ask(session, &read));
    assert_eq!(answers, ["SCOPE_VIOLATION"; 2], "without it the agent could do more");
    assert_eq!(world.engine.manifests(), 4);
    // Registered again, it replaces and does not add.
    world.engine.put_manifest(&Manifest::new("carol").with_actions("x", ["list"])).expect("a manifest");
    assert_eq!(world.engine.manifest("carol").expect("a manifest").resource_actions.len(), 1);
    assert!(world.engine.remove_manifest("carol") && world.engine.remove_manifest("ann"));
    assert!(!world.engine.remove_manifest("ann"), "it is the file's now");
    assert_eq!(world.ask(&ann, &read), "PERMIT", "as the file says");
    assert_eq!(world.ask(&carol, &read), "PERMIT", "she has none");
    assert_eq!(
        world.engine.put_manifest(&Manifest::new("")).expect_err("no name").to_string(),
        "agent_id: an empty name"
    );
}

#[test]
fn the_digest_of_a_decision_covers_the_manifest() {
    let one = World::new(POLICY);
    let other = World::new(&POLICY.replace("claims: [read, read, pay]", "claims: [pay, read, drop]"));
    let same =
        World::new(&POLICY.replace("team: blue", "team: red").replace("[read, read, pay]", "[pay, read]"));
    let digest = |world: &World, resource| {
        let (session, call) = (world.open("clerk", "ann"), on("read", None, resource));
        let request = scopegate_core::AccessRequest::new(session.principal.as_ref(), &call);
        let decision = wait(scopegate_core::Enforcer::enforce(&world.engine, &request)).expect("a decision");
        world.engine.digest(&request, &decision).expect("a known session")
    };
    assert_ne!(digest(&one, Some("claims")), digest(&other, Some("claims")));
    assert_eq!(digest(&one, Some("claims")), digest(&same, Some("claims")));
    assert_eq!(digest(&one, None), digest(&other, None), "no manifest is read");
}
