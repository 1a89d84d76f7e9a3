//! The digest of a decision: the same on two enforcers that agree, another one as soon as they do not.

use scopegate_core::{AccessRequest, Name, Principal, Provisioned, ToolCall, VerdictDigest};

use super::{World, call, wait, word};

const POLICY: &str = "
version: 1
roles:
  - name: clerk
    description: pays
    parent_role_id: base
    allowed_tools: [pay, refund]
    parameter_constraints:
      pay: [{field: amount, operator: lt, value: 1000}]
    approval_required: [refund]
    max_delegation_depth: 1
  - {name: base, allowed_tools: [read]}
";

fn digest(world: &World, session: &Provisioned, call: &ToolCall) -> VerdictDigest {
    let decision = world.decide(&session.principal, call);
    let request = AccessRequest::new(session.principal.as_ref(), call);
    world.engine.digest(&request, &decision).expect("a known session")
}

fn pay(amount: u64) -> ToolCall {
    call("pay", format!(r#"{{"amount":{amount},"to":"x"}}"#))
}

#[test]
fn two_enforcers_that_agree_have_the_same_digests() {
    let (here, there) = (World::new(POLICY), World::new(POLICY));
    there.advance(3600);
    let sessions = [&here, &there].map(|world| world.open("clerk", "ann"));
    let cases = [
        (pay(10), "PERMIT"),
        (pay(1000), "PARAMETER_VIOLATION"),
        (call("refund", "{}"), "HOLD"),
        (call("drop", "{}"), "SCOPE_VIOLATION"),
        (call("pay", r#"{"amount":1e400}"#), "INVALID_ARGUMENTS"),
        (ToolCall::new("read"), "PERMIT"),
    ];
    let mut seen = Vec::new();
    for (call, expected) in cases {
        let [ours, theirs] = [(&here, &sessions[0]), (&there, &sessions[1])].map(|(world, session)| {
            assert_eq!(world.ask(session, &call), expected);
            digest(world, session, &call)
        });
        assert_eq!(ours, theirs, "{expected}");
        seen.push(ours);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "each case has a digest of its own");
}

#[test]
fn spacing_and_order_of_arguments_are_not_part_of_it() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "ann");
    let spaced = call("pay", r#"{ "to": "\u0078", "amount": 10.0 }"#);
    assert_eq!(digest(&world, &session, &pay(10)), digest(&world, &session, &spaced));
}

#[test]
fn whatever_changes_shows() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "ann");
    let first = digest(&world, &session, &pay(10));

    let differs = |what: &str, other: VerdictDigest| assert_ne!(first, other, "{what}");
    differs("an argument", digest(&world, &session, &pay(11)));
    differs("a tool", digest(&world, &session, &ToolCall { tool: "read".into(), ..pay(10) }));
    let somewhere = |change: fn(&mut ToolCall, Option<Name>)| {
        let mut call = pay(10);
        change(&mut call, Some("x".into()));
        call
    };
    differs("an action", digest(&world, &session, &somewhere(|call, x| call.action = x)));
    differs("a resource", digest(&world, &session, &somewhere(|call, x| call.resource = x)));
    differs("an environment", digest(&world, &session, &somewhere(|call, x| call.env = x)));
    differs("an owner", digest(&world, &world.open("clerk", "bob"), &pay(10)));
    differs("a link", digest(&world, &world.child(&session, "clerk"), &pay(10)));
    differs("arguments that nobody read", digest(&world, &session, &ToolCall::new("read")));
}

#[test]
fn a_verdict_and_a_code_show() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "ann");
    let call = pay(10);
    let request = AccessRequest::new(session.principal.as_ref(), &call);
    let decisions = [
        world.decide(&session.principal, &call),
        world.decide(&session.principal, &pay(1000)),
        world.decide(&session.principal, &ToolCall::new("drop")),
        world.decide(&session.principal, &super::call("refund", "{}")),
    ];
    assert_eq!(decisions.each_ref().map(word), ["PERMIT", "PARAMETER_VIOLATION", "SCOPE_VIOLATION", "HOLD"]);
    let mut digests = decisions.map(|decision| world.engine.digest(&request, &decision));
    digests.sort();
    assert!(digests.windows(2).all(|pair| pair[0].is_some() && pair[0] != pair[1]), "{digests:?}");
}

#[test]
fn a_rule_a_parents_rule_and_a_version_show() {
    let session = |world: &World| world.open("clerk", "ann");
    let of = |policy: &str| {
        let world = World::new(policy);
        digest(&world, &session(&world), &pay(10))
    };
    let first = of(POLICY);
    assert_eq!(first, of(&POLICY.replace("pays", "a description is no rule")));
    for (what, from, to) in [
        ("a limit", "value: 1000", "value: 1001"),
        ("a tool", "[pay, refund]", "[pay, refund, more]"),
        ("a parent's rule", "base, allowed_tools: [read]", "base, allowed_tools: [look]"),
    ] {
        assert_ne!(first, of(&POLICY.replace(from, to)), "{what}");
    }
    let world = World::new(POLICY);
    let opened = session(&world);
    let policy = scopegate_engine::Policy::from_text(POLICY, "policy").expect("a good policy");
    world.engine.reload(&policy).expect("a good policy");
    assert_ne!(first, digest(&world, &opened, &pay(10)), "a version");
}

#[test]
fn nobody_has_no_digest() {
    let world = World::new(POLICY);
    let session = world.open("clerk", "ann");
    let call = pay(10);
    let decision = world.decide(&session.principal, &call);
    let forged = Principal::token("sgs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(world.engine.digest(&AccessRequest::new(forged.as_ref(), &call), &decision), None);
    world
        .engine
        .reload(&scopegate_engine::Policy::from_text(&POLICY.replace("clerk", "other"), "p").expect("good"))
        .expect("good");
    assert_eq!(world.engine.digest(&AccessRequest::new(session.principal.as_ref(), &call), &decision), None);
    assert!(wait(world.engine.flush()));
}
