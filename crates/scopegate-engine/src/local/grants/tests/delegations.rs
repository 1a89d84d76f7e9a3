//! Delegations: what is left of them at each use, and how they end.

use super::*;

#[test]
fn a_delegation_counts_only_when_it_is_named_and_gives_no_more_than_its_source_has() {
    let world = world();
    let who = world.open("low", "ben");
    let given = world
        .delegate(Delegate { length: Duration::from_secs(1800), ..delegation("ann", "ben", &["*"]) })
        .unwrap();
    assert_eq!(world.ask(&who, "trade", r#"{"amount":1}"#), "SCOPE_VIOLATION");
    for (tool, args, answer) in [
        ("trade", r#"{"amount":1}"#, "PERMIT"),
        ("trade", r#"{"amount":100}"#, "PARAMETER_VIOLATION"), // the source's own rule
        ("payroll", "{}", "PERMIT"),
        ("paydrop", "{}", "ACTION_FORBIDDEN"),
        ("sleep", "{}", "SCOPE_VIOLATION"),  // his own, but not the grant's
        ("secret", "{}", "SCOPE_VIOLATION"), // the source has not got it
    ] {
        assert_eq!(world.under(&who, Some(given.id), tool, args), answer, "{tool} {args}");
    }
    assert_eq!((world.uses(&given), world.ask(&who, "sleep", "{}")), (2, "PERMIT"));
    // Somebody else's, or nobody's, is no grant.
    let other = world.open("low", "cid");
    assert_eq!(world.under(&other, Some(given.id), "payroll", "{}"), "SCOPE_VIOLATION");
    assert_eq!(world.under(&who, Some(GrantId::from_bits(7)), "payroll", "{}"), "SCOPE_VIOLATION");
    // The source shrinks, and what it gave with it.
    let boss = |tools: &[&'static str]| {
        let role = scopegate_core::Role::new("boss").allow(tools.iter().copied());
        scopegate_core::Role { max_delegation_depth: 2, ..role }
    };
    world.engine.put_role(boss(&["read"])).unwrap();
    assert_eq!(world.under(&who, Some(given.id), "payroll", "{}"), "SCOPE_VIOLATION");
    assert_eq!(world.under(&who, Some(given.id), "read", "{}"), "PERMIT");
    world.engine.put_role(scopegate_core::Role { min_trust_level: Some(51), ..boss(&["read"]) }).unwrap();
    assert_eq!(world.under(&who, Some(given.id), "read", "{}"), "TRUST_TOO_LOW");
    world.engine.put_role(scopegate_core::Role { max_delegation_depth: 0, ..boss(&["read"]) }).unwrap();
    assert_eq!(world.under(&who, Some(given.id), "read", "{}"), "DELEGATION_DEPTH_EXCEEDED");
    world.engine.put_role(boss(&["read"])).unwrap();
    world.engine.suspend("ann");
    assert_eq!(world.under(&who, Some(given.id), "read", "{}"), "SCOPE_VIOLATION");
    assert!(!world.engine.grant_admits(given.id, "ben", Some("read")));
    world.engine.readmit("ann");
    assert!(world.engine.grant_admits(given.id, "ben", Some("read")));
    assert!(!world.engine.grant_admits(given.id, "ben", Some("trade")));
    assert!(!world.engine.grant_admits(given.id, "cid", None));
    world.minutes(30);
    assert_eq!(world.under(&who, Some(given.id), "read", "{}"), "SCOPE_VIOLATION");
    world.engine.remove_role("boss").unwrap();
    assert_eq!(
        world.delegate(delegation("ann", "ben", &["read"])),
        Err(GrantError::UnknownRole("boss".into()))
    );
}

#[test]
fn what_guards_the_one_in_the_middle_guards_whoever_has_it_from_there() {
    let world = world();
    let who = world.open("low", "cid");
    let first = world.delegate(delegation("ann", "ben", &["*"])).unwrap();
    let on = Delegate { role: "clerk".into(), parent: Some(first.id), ..delegation("ben", "cid", &["*"]) };
    let second = world.delegate(on.clone()).unwrap();
    for (tool, args, answer) in [
        ("trade", r#"{"amount":9}"#, "PERMIT"), // the clerk's own role need not grant it
        ("trade", r#"{"amount":50}"#, "PARAMETER_VIOLATION"),
        ("payroll", "{}", "PERMIT"),
        ("payall", "{}", "ACTION_FORBIDDEN"),
        ("payday", "{}", "HOLD"),
        ("sleep", "{}", "SCOPE_VIOLATION"), // the clerk's, and not what was handed on
    ] {
        assert_eq!(world.under(&who, Some(second.id), tool, args), answer, "{tool} {args}");
    }
    let wary = scopegate_core::Role { min_trust_level: Some(99), ..scopegate_core::Role::new("clerk") };
    world.engine.put_role(wary).unwrap();
    assert_eq!(world.under(&who, Some(second.id), "payroll", "{}"), "TRUST_TOO_LOW");
    world.engine.remove_role("clerk").unwrap();
    assert_eq!(world.under(&who, Some(second.id), "payroll", "{}"), "SCOPE_VIOLATION");
    assert_eq!(world.delegate(on), Err(GrantError::UnknownRole("clerk".into())));
}

#[test]
fn a_delegation_is_handed_on_so_far_and_ends_with_what_it_came_from() {
    let world = world();
    let first = world
        .delegate(Delegate { max_uses: Some(3), ..delegation("ann", "ben", &["trade", "pay*"]) })
        .unwrap();
    let on = |source, target, of: &Grant, scopes: &[&'static str]| {
        world.delegate(Delegate {
            parent: Some(of.id),
            length: Duration::from_secs(24 * 3600),
            ..delegation(source, target, scopes)
        })
    };
    let second = on("ben", "cid", &first, &["pay:*"]).unwrap();
    assert_eq!(second.until, first.until); // no longer than what it is a part of
    let cid = world.open("low", "cid");
    assert_eq!(world.under(&cid, Some(second.id), "pay:x", "{}"), "PERMIT");
    assert_eq!(world.under(&cid, Some(second.id), "payroll", "{}"), "SCOPE_VIOLATION");
    assert_eq!((world.uses(&first), world.uses(&second)), (1, 1)); // a use of both
    // To oneself, in a circle, too deep, wider than the parent, of somebody else's, of nothing.
    assert_eq!(world.delegate(delegation("ann", "ann", &["trade"])), Err(GrantError::ToItself));
    assert_eq!(on("ben", "ann", &first, &["trade"]), Err(GrantError::Circle("ann".into())));
    assert_eq!(on("cid", "ann", &second, &["pay:x"]), Err(GrantError::Circle("ann".into())));
    assert_eq!(on("cid", "ben", &second, &["pay:x"]), Err(GrantError::Circle("ben".into())));
    assert_eq!(on("cid", "dan", &second, &["pay:x"]), Err(GrantError::Depth(2)));
    assert_eq!(on("ben", "cid", &first, &["read"]), Err(GrantError::Nothing));
    assert_eq!(on("cid", "dan", &first, &["pay:x"]), Err(GrantError::NotTheirs(first.id)));
    assert_eq!(world.delegate(delegation("ann", "ben", &["secret"])), Err(GrantError::Nothing));
    let nobody = Delegate { role: "low".into(), ..delegation("ann", "ben", &["sleep"]) };
    assert_eq!(world.delegate(nobody), Err(GrantError::Depth(0)));
    // The uses of the first are the uses of all.
    assert_eq!(world.under(&cid, Some(second.id), "pay:x", "{}"), "PERMIT");
    let ben = world.open("low", "ben");
    assert_eq!(world.under(&ben, Some(first.id), "payroll", "{}"), "PERMIT");
    assert_eq!(world.under(&cid, Some(second.id), "pay:x", "{}"), "GRANT_EXHAUSTED");
    assert_eq!(world.under(&ben, Some(first.id), "payroll", "{}"), "GRANT_EXHAUSTED");
    assert_eq!(on("ben", "dan", &first, &["pay:x"]), Err(GrantError::Over(GrantState::Exhausted)));
    let over = world.end(&first).unwrap();
    assert_eq!(over.iter().map(|grant| grant.id).collect::<Vec<_>>(), [first.id, second.id]);
    assert_eq!(world.under(&cid, Some(second.id), "pay:x", "{}"), "SCOPE_VIOLATION");
}

#[test]
fn what_an_agent_gave_follows_it_into_another_role() {
    let world = world();
    let who = world.open("low", "ben");
    let given = world.delegate(delegation("ann", "ben", &["*"])).unwrap();
    assert_eq!(world.under(&who, Some(given.id), "payroll", "{}"), "PERMIT");
    let deep =
        scopegate_core::Role { max_delegation_depth: 1, ..scopegate_core::Role::new("low").allow(["sleep"]) };
    world.engine.put_role(deep).unwrap();
    assert_eq!(wait(world.engine.move_delegations("ann", "low")).unwrap().len(), 1);
    assert_eq!(world.under(&who, Some(given.id), "payroll", "{}"), "SCOPE_VIOLATION");
    assert_eq!(world.under(&who, Some(given.id), "sleep", "{}"), "PERMIT");
    assert_eq!(wait(world.engine.move_delegations("ann", "low")).unwrap(), []);
    let unknown = wait(world.engine.move_delegations("ann", "nobody"));
    assert_eq!(unknown, Err(GrantError::UnknownRole("nobody".into())));
}
