//! What a yes is good for: this very call, of this session, and nothing that differs anywhere.

use scopegate_core::{Args, Name, ToolCall};
use serde_json::{Value, json};

use super::{World, call};

const POLICY: &str = "
version: 1
roles:
  - {name: r, allowed_tools: [pay, refund], approval_required: [pay, refund], max_delegation_depth: 1}
  - {name: same, allowed_tools: [pay], approval_required: [pay]}
";

fn arguments() -> Value {
    json!({
        "to": {"name": "ACME", "iban": "DE00", "verified": true},
        "amount": 100,
        "rate": 0.1,
        "lines": [{"sku": "A", "count": 1}, {"sku": "B", "count": 2}],
        "notes": [],
        "extra": {},
        "memo": null,
        "": "empty name",
    })
}

fn pay(args: &Value) -> ToolCall {
    ToolCall::new("pay").with_args(Args::from_value(args))
}

/// Every place in a document.
fn places(value: &Value, here: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(k, v)| places(v, format!("{here}/{k}"), into)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| places(v, format!("{here}/{i}"), into))
        }
        _ => {}
    }
    into.push(here);
}

/// Other values than this one, close to it.
fn others(value: &Value) -> Vec<Value> {
    let mut others =
        vec![json!(null), json!(false), json!(101), json!("else"), json!([]), json!({}), json!([value])];
    match value {
        Value::Number(n) => others.push(json!(n.to_string())),
        Value::String(s) => {
            others.extend([json!(s.to_lowercase()), json!(format!("{s} ")), json!(format!("{s}\u{200b}"))])
        }
        Value::Bool(b) => others.extend([json!(!b), json!(b.to_string())]),
        Value::Array(items) => others.push(items.iter().rev().cloned().collect()),
        Value::Object(_) | Value::Null => {}
    }
    others.retain(|other| other != value);
    others
}

/// The arguments with one thing changed, and what was changed.
fn mutations() -> Vec<(String, Value)> {
    let original = arguments();
    let mut all = Vec::new();
    places(&original, String::new(), &mut all);
    let mut mutated = Vec::new();
    for place in all.iter().filter(|place| !place.is_empty()) {
        for other in others(original.pointer(place).expect("a place")) {
            let mut changed = original.clone();
            mutated.push((format!("{place} = {other}"), {
                *changed.pointer_mut(place).expect("a place") = other;
                changed
            }));
        }
        let (parent, name) = place.rsplit_once('/').expect("a pointer");
        let mut removed = original.clone();
        match removed.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.remove(name)),
            Some(Value::Array(items)) => drop(items.remove(name.parse().expect("an index"))),
            _ => unreachable!("a parent is an object or an array"),
        }
        mutated.push((format!("{place} removed"), removed));
    }
    for place in all.iter() {
        let mut added = original.clone();
        match added.pointer_mut(place) {
            Some(Value::Object(members)) => drop(members.insert("more".to_owned(), Value::Null)),
            Some(Value::Array(items)) => items.push(Value::Null),
            _ => continue,
        }
        mutated.push((format!("{place} with more"), added));
    }
    mutated
}

#[test]
fn no_leaf_may_differ_from_what_was_approved() {
    let world = World::new(POLICY);
    let mut session = world.open("r", "ann");
    let mutations = mutations();
    assert!(mutations.len() > 150, "{} mutations", mutations.len());
    for (at, (what, changed)) in mutations.iter().enumerate() {
        if at % 50 == 0 {
            // A session may have a hundred reviews waiting.
            session = world.open("r", "ann");
            assert_eq!(world.ask(&session, &pay(&arguments())), "HOLD");
            let reviews = world.engine.pending_reviews();
            let approved = arguments().to_string();
            let review = reviews.iter().rfind(|review| review.arguments == approved);
            let id = review.expect("the review of this call").id;
            super::wait(scopegate_core::Reviews::approve(&world.engine, id, "bob")).expect("pending");
            world.advance(1);
        }
        assert_eq!(world.ask(&session, &pay(changed)), "HOLD", "ran with {what}");
        if at % 50 == 49 {
            assert_eq!(world.ask(&session, &pay(&arguments())), "PERMIT", "the approved call itself");
        }
    }
}

#[test]
fn nothing_around_the_arguments_may_differ() {
    let approved = ToolCall {
        action: Some("transfer".into()),
        resource: Some("account/1".into()),
        env: Some("prod".into()),
        server: Some("bank".into()),
        ..pay(&arguments())
    };
    let name = |text: &str| Some(Name::from(text));
    let different = [
        ("the tool", ToolCall { tool: "refund".into(), ..approved.clone() }),
        ("the action", ToolCall { action: name("refund"), ..approved.clone() }),
        ("no action", ToolCall { action: None, ..approved.clone() }),
        ("the resource", ToolCall { resource: name("account/2"), ..approved.clone() }),
        ("no resource", ToolCall { resource: None, ..approved.clone() }),
        ("the env", ToolCall { env: name("dev"), ..approved.clone() }),
        ("no env", ToolCall { env: None, ..approved.clone() }),
        ("the server", ToolCall { server: name("bank2"), ..approved.clone() }),
        ("no server", ToolCall { server: None, ..approved.clone() }),
        (
            "action and resource swapped",
            ToolCall { action: name("account/1"), resource: name("transfer"), ..approved.clone() },
        ),
    ];
    let servers = "max_delegation_depth: 1, allowed_mcp_servers: [bank, bank2]";
    let world = World::new(&POLICY.replace("max_delegation_depth: 1", servers));
    let session = world.open("r", "ann");
    assert_eq!(world.ask(&session, &approved), "HOLD");
    world.settle(true);
    for (what, call) in &different {
        let expected = if call.server.is_some() { "HOLD" } else { "MCP_SERVER_UNAUTHORIZED" };
        assert_eq!(world.ask(&session, call), expected, "ran with {what}");
    }
    assert_eq!(world.ask(&session, &approved), "PERMIT");
}

#[test]
fn a_yes_belongs_to_the_session_that_asked() {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    let pay = pay(&arguments());
    assert_eq!(world.ask(&session, &pay), "HOLD");
    world.settle(true);
    for (what, other) in [
        ("another session of the owner and role", world.open("r", "ann")),
        ("another role", world.open("same", "ann")),
        ("another owner", world.open("r", "bob")),
        ("a child", world.child(&session, "same")),
    ] {
        assert_eq!(world.ask(&other, &pay), "HOLD", "{what} used the approval");
    }
    assert_eq!(world.ask(&session, &pay), "PERMIT");
}

#[test]
fn spelling_alone_makes_no_other_call() {
    for again in [
        r#"{"b":[1,2],"a":100}"#,
        "{ \"a\" : 100 ,\n \"b\" : [ 1 , 2 ] }",
        r#"{"a":1e2,"b":[1.0,2]}"#,
        r#"{"\u0061":100,"b":[1,2]}"#,
    ] {
        let world = World::new(POLICY);
        let session = world.open("r", "ann");
        assert_eq!(world.ask(&session, &call("pay", r#"{"a":100,"b":[1,2]}"#)), "HOLD");
        world.settle(true);
        assert_eq!(world.ask(&session, &call("pay", again)), "PERMIT", "{again}");
    }
}

#[test]
fn the_policy_of_the_moment_decides_when_the_call_comes_back() {
    for (line, expected) in [
        ("denied_actions: [pay]", "ACTION_FORBIDDEN"),
        ("allowed_envs: [dev]", "ENV_VIOLATION"),
        ("parameter_constraints: {pay: [{field: amount, operator: lt, value: 100}]}", "PARAMETER_VIOLATION"),
        ("approval_required: [pay]", "PERMIT"),
    ] {
        let world = World::new(POLICY);
        let session = world.open("r", "ann");
        assert_eq!(world.ask(&session, &pay(&arguments())), "HOLD");
        world.settle(true);
        let text = format!("{{version: 1, roles: [{{name: r, allowed_tools: [pay], {line}}}]}}");
        let tightened = scopegate_engine::Policy::from_text(&text, "policy").expect("a valid policy");
        world.engine.reload(&tightened).expect("a valid policy");
        assert_eq!(world.ask(&session, &pay(&arguments())), expected, "{line}");
    }
}
