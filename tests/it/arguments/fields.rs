//! A constrained field must be there, under its own name, with its own type, once.

use scopegate_core::{Args, ToolCall};
use serde_json::{Value, json};

use super::{ask, guarded, role};
use crate::engine::World;

/// `user`, `amount` and `link.kind` are constrained.
fn world() -> World {
    guarded(json!([
        {"field": "user", "operator": "regex", "value": "[a-z]+"},
        {"field": "amount", "operator": "lt", "value": 10},
        {"field": "link.kind", "operator": "in", "value": ["card", "bank"]},
    ]))
}

fn good() -> Value {
    json!({"user": "ann", "amount": 5, "link": {"kind": "card"}, "note": "anything"})
}

/// Every constrained field: the object it stands in, and its name.
const FIELDS: [(&str, &str); 3] = [("", "user"), ("", "amount"), ("/link", "kind")];

fn members<'a>(args: &'a mut Value, parent: &str) -> &'a mut serde_json::Map<String, Value> {
    args.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object")
}

fn check(args: &Value, expected: &str, what: &str) {
    assert_eq!(ask(&world(), args.to_string()), expected, "{what}: {args}");
}

#[test]
fn the_fixture_itself_passes() {
    check(&good(), "PERMIT", "unchanged");
    check(
        &json!({"link": {"kind": "bank", "x": 1}, "amount": -1, "user": "b"}),
        "PERMIT",
        "others, reordered",
    );
}

#[test]
fn missing_null_or_of_another_type() {
    for (parent, field) in FIELDS {
        let mut missing = good();
        members(&mut missing, parent).remove(field);
        check(&missing, "PARAMETER_VIOLATION", &format!("{field} is missing"));
        let right = good().pointer(&format!("{parent}/{field}")).cloned().expect("a field");
        let wrong = [
            json!(null),
            json!(true),
            json!(false),
            json!(""),
            json!([]),
            json!({}),
            json!([right]),
            json!({field: right}),
            json!(right.to_string() + " "),
            json!(99),
            json!([null]),
        ];
        for value in wrong {
            let mut changed = good();
            members(&mut changed, parent).insert(field.to_owned(), value);
            check(&changed, "PARAMETER_VIOLATION", &format!("{field} has another value"));
        }
    }
    for link in [
        json!(null),
        json!("card"),
        json!(["card"]),
        json!([{"kind": "card"}]),
        json!({"kind": {"kind": "card"}}),
        json!({}),
    ] {
        let mut changed = good();
        changed["link"] = link;
        check(&changed, "PARAMETER_VIOLATION", "link is another thing");
    }
}

/// Names that a person, or a lenient reader, may take for the field.
fn renamed(field: &str) -> Vec<String> {
    let mut names = vec![
        format!("{field} "),
        format!(" {field}"),
        format!("{field}\0"),
        format!("{field}\u{200b}"),
        format!("\u{feff}{field}"),
        format!("/{field}"),
        format!("x.{field}"),
        format!("{field}s"),
        format!("{field}[]"),
        field.replace('a', "\u{430}"),
        field.replace('e', "\u{435}"),
        field.replace('s', "\u{17f}"),
        field.replace('i', "\u{131}"),
        format!("{field}\u{301}"),
    ];
    names.retain(|name| name != field);
    names
}

/// The field in other cases, also by letters outside ASCII that fold to its own.
fn cases(field: &str) -> Vec<String> {
    let mut first = field.to_owned();
    first[..1].make_ascii_uppercase();
    let (head, last) = field.split_at(field.len() - 1);
    let mut names = vec![field.to_uppercase(), first, format!("{head}{}", last.to_uppercase())];
    names.push(field.replace('k', "\u{212a}"));
    names.retain(|name| name != field);
    names
}

#[test]
fn under_another_name_it_is_missing() {
    for (parent, field) in FIELDS {
        for name in renamed(field).into_iter().chain(cases(field)) {
            let mut changed = good();
            let value = members(&mut changed, parent).remove(field).expect("a field");
            members(&mut changed, parent).insert(name.clone(), value);
            check(&changed, "PARAMETER_VIOLATION", &format!("{field} is called {name:?}"));
        }
    }
}

#[test]
fn a_second_member_in_another_case_is_refused() {
    for (parent, field) in FIELDS {
        for name in cases(field) {
            for value in [json!(null), json!(5), json!("ann"), json!("card")] {
                let mut changed = good();
                members(&mut changed, parent).insert(name.clone(), value);
                check(&changed, "PARAMETER_VIOLATION", &format!("{name:?} beside {field}"));
            }
        }
    }
    let escaped = good().to_string().replacen('{', r#"{"\u0055ser":"eve","#, 1);
    assert_eq!(ask(&world(), escaped.clone()), "PARAMETER_VIOLATION", "{escaped}");
    let mut upper = good();
    upper["LINK"] = json!({"kind": "cash"});
    check(&upper, "PARAMETER_VIOLATION", "LINK beside link");
    let mut elsewhere = good();
    elsewhere["note"] = json!({"USER": "eve", "Amount": 5000, "KIND": "cash"});
    check(&elsewhere, "PERMIT", "no field there");
}

#[test]
fn arguments_by_position_or_in_a_wrapper_are_missing() {
    for args in [
        json!({"args": ["ann", 5, {"kind": "card"}]}),
        json!({"args": good()}),
        json!({"arguments": good()}),
        json!({"kwargs": good(), "user": "ann"}),
        json!({"": good()}),
        json!({"0": "ann", "1": 5, "2": {"kind": "card"}}),
        json!({"user.name": "ann", "amount": 5, "link.kind": "card"}),
        json!({}),
    ] {
        check(&args, "PARAMETER_VIOLATION", "wrapped");
    }
}

#[test]
fn arguments_nobody_has_read_are_not_arguments() {
    let world = world();
    let session = world.open("r", "ann");
    assert_eq!(world.ask(&session, &ToolCall::new("t")), "INVALID_ARGUMENTS");
    assert_eq!(world.ask(&session, &ToolCall::new("t").with_args(Args::none())), "PARAMETER_VIOLATION");
}

#[test]
fn the_number_of_rows_is_a_field_too() {
    for (optional, absent) in [(false, "DATA_LIMIT_EXCEEDED"), (true, "PERMIT")] {
        let world = role(json!({"max_rows": 10, "rows_optional": optional}));
        for (args, expected) in [
            (r#"{"limit":10}"#, "PERMIT"),
            (r#"{"limit":0}"#, "PERMIT"),
            (r#"{"limit":1e1}"#, "PERMIT"),
            (r#"{"limit":10.0}"#, "PERMIT"),
            ("{}", absent),
            (r#"{"limit":null}"#, absent),
            (r#"{"limit":11}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"limit":-1}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"limit":0.5}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"limit":"10"}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"limit":[1]}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"limit":true}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"limit":{}}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"Limit":5}"#, "DATA_LIMIT_EXCEEDED"),
            (r#"{"limit":5,"LIMIT":5}"#, "DATA_LIMIT_EXCEEDED"),
        ] {
            assert_eq!(ask(&world, args), expected, "rows_optional: {optional}, {args}");
        }
    }
}

#[test]
fn the_environment_is_a_field_too() {
    for (optional, absent) in [(false, "ENV_VIOLATION"), (true, "PERMIT")] {
        let world = role(json!({"allowed_envs": ["dev", "prod"], "env_optional": optional}));
        for (args, expected) in [
            (r#"{"env":"dev"}"#, "PERMIT"),
            ("{}", absent),
            (r#"{"env":null}"#, absent),
            (r#"{"env":"qa"}"#, "ENV_VIOLATION"),
            (r#"{"env":"Dev"}"#, "ENV_VIOLATION"),
            (r#"{"env":"dev "}"#, "ENV_VIOLATION"),
            (r#"{"env":""}"#, "ENV_VIOLATION"),
            (r#"{"env":["dev"]}"#, "ENV_VIOLATION"),
            (r#"{"env":true}"#, "ENV_VIOLATION"),
            (r#"{"ENV":"dev"}"#, "ENV_VIOLATION"),
            (r#"{"env":"dev","Env":"prod"}"#, "ENV_VIOLATION"),
        ] {
            assert_eq!(ask(&world, args), expected, "env_optional: {optional}, {args}");
        }
    }
}
