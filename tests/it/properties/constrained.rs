//! Deleting, nulling or mistyping a constrained field of a permitted call never permits.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use scopegate_core::{Args, ToolCall};
use scopegate_reference::Gen;
use serde_json::{Value, json};

use super::{cases, generated_call, generated_policy, role_names, world};

/// The role and its parents.
fn chain<'a>(policy: &'a Value, role: &str) -> Vec<&'a Value> {
    let mut chain = Vec::new();
    let mut next = Some(role);
    while let Some(role) =
        next.and_then(|name| policy["roles"].as_array()?.iter().find(|r| r["name"] == name))
    {
        chain.push(role);
        next = role["parent_role_id"].as_str();
    }
    chain
}

/// Every constraint on the tool that does not say what absence means.
fn constraints<'a>(policy: &'a Value, role: &str, tool: &str) -> Vec<&'a Value> {
    let lists = chain(policy, role).into_iter().flat_map(|role| {
        ["parameter_constraints", "approval_unless"]
            .into_iter()
            .filter_map(|member| role[member][tool].as_array())
    });
    lists.flatten().filter(|constraint| constraint["when_absent"] != "allow").collect()
}

/// Where the field stands in these arguments: pointers, one for every element on the way.
fn places(args: &Value, field: &str) -> Vec<String> {
    let mut places = vec![String::new()];
    for part in field.split('.') {
        let name = part.trim_end_matches("[*]");
        places.iter_mut().for_each(|place| *place += &format!("/{name}"));
        for _ in 0..(part.len() - name.len()) / 3 {
            let each = |place: &String| {
                let count = args.pointer(place).and_then(Value::as_array).map_or(0, Vec::len);
                (0..count).map(|at| format!("{place}/{at}")).collect::<Vec<_>>()
            };
            places = places.iter().flat_map(each).collect();
        }
    }
    places.retain(|place| args.pointer(place).is_some());
    places
}

fn with(args: &Value, place: &str, value: Value) -> Value {
    let mut changed = args.clone();
    *changed.pointer_mut(place).expect("a place") = value;
    changed
}

fn without(args: &Value, place: &str) -> Option<Value> {
    let mut changed = args.clone();
    let (parent, name) = place.rsplit_once('/')?;
    changed.pointer_mut(parent)?.as_object_mut()?.remove(name)?;
    Some(changed)
}

/// Values of a type that no test of this constraint takes.
fn mistyped(constraint: &Value) -> Vec<Value> {
    let alternatives = constraint["any_of"].as_array().cloned().unwrap_or_else(|| vec![constraint.clone()]);
    let all = |operators: &[&str]| {
        alternatives.iter().all(|test| operators.contains(&test["operator"].as_str().expect("an operator")))
    };
    let mut values = Vec::new();
    if alternatives.iter().all(|test| test["operator"] != "eq" || !test["value"].is_object()) {
        values.extend([json!({}), json!({"value": 5})]);
    }
    if all(&["lt", "lte", "gt", "gte"]) {
        values.extend([json!("5"), json!(""), json!(true), json!(false), json!([5]), json!([])]);
    }
    if all(&["regex", "prefix", "path_within"]) {
        values.extend([json!(5), json!(true), json!(["alpha"]), json!([])]);
    }
    if all(&["max_length", "contains"]) {
        values.extend([json!(0), json!(5), json!(false)]);
    }
    if all(&["in", "not_in"]) {
        values.extend([json!([]), json!(["alpha"])]);
    }
    values
}

/// How many changed calls were tried: a property that tries nothing holds for everything.
static TRIED: AtomicUsize = AtomicUsize::new(0);

fn try_changes(seed: u64) -> Result<(), TestCaseError> {
    let mut random = Gen::new(seed);
    let policy = generated_policy(&mut random);
    let world = world(&policy);
    for role in role_names(&policy) {
        // A session of its own for every call: limits are not what this is about.
        let call = generated_call(&mut random, &policy, &role);
        if world.ask(&world.open(&role, "ann"), &call) != "PERMIT" {
            continue;
        }
        let Some(args) = call.args.to_value() else { continue };
        for constraint in constraints(&policy, &role, &call.tool) {
            let field = constraint["field"].as_str().expect("a field");
            for place in places(&args, field) {
                let mut changed = vec![with(&args, &place, Value::Null)];
                changed.extend(without(&args, &place));
                changed.extend(mistyped(constraint).into_iter().map(|value| with(&args, &place, value)));
                for args in changed {
                    let call = ToolCall { args: Args::from_value(&args), ..call.clone() };
                    let answer = world.ask(&world.open(&role, "bob"), &call);
                    prop_assert_ne!(answer, "PERMIT", "{} with {} against {}", call.tool, args, constraint);
                    TRIED.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_constrained_field_cannot_be_done_without() {
    let mut runner = proptest::test_runner::TestRunner::new(cases(4000));
    runner.run(&any::<u64>(), try_changes).unwrap_or_else(|error| panic!("{error}"));
    let tried = TRIED.load(Ordering::Relaxed);
    assert!(tried > 5000, "only {tried} changed calls were tried");
}
