//! What takes too much work is denied and says so; what does not is judged.

use serde_json::{Value, json};

use super::{World, call};

/// A role whose tool `t` has these members.
fn world(members: &Value) -> World {
    let mut role = json!({ "name": "r", "allowed_tools": ["t"], "rate_limit_per_minute": 3 });
    for (member, value) in members.as_object().expect("members") {
        role[member] = value.clone();
    }
    World::new(&json!({ "version": 1, "roles": [role] }).to_string())
}

fn constrained(constraint: &Value) -> World {
    world(&json!({ "parameter_constraints": { "t": [constraint] } }))
}

#[track_caller]
fn check(world: &World, items: Vec<Value>, expected: &str) {
    let session = world.open("r", "ann");
    let text = json!({ "items": items }).to_string();
    assert!(text.len() < 256 * 1024, "the reader takes it");
    assert_eq!(world.ask(&session, &call("t", text)), expected);
}

fn texts(count: usize, length: usize) -> Vec<Value> {
    vec![json!("a".repeat(length)); count]
}

#[test]
fn a_pattern_with_look_around_is_paid_for_by_the_square_of_what_it_looks_at() {
    let world = constrained(&json!({ "field": "items[*]", "operator": "regex", "value": "(?!.*secret).*" }));
    check(&world, texts(4, 8_000), "PERMIT");
    check(&world, texts(1_000, 100), "PERMIT");
    check(&world, texts(30, 8_000), "EVALUATION_BUDGET");
    // Whoever was told so has spent nothing: one call of the three is left.
    check(&world, texts(30, 8_000), "EVALUATION_BUDGET");
    check(&world, texts(1, 8_000), "PERMIT");
    check(&world, texts(1, 8_000), "RATE_LIMIT_EXCEEDED");
}

#[test]
fn whatever_else_the_linear_engine_gets_is_within_it() {
    let world = constrained(&json!({ "field": "items[*]", "operator": "regex", "value": "(a|b)+c?" }));
    check(&world, texts(30, 8_000), "PERMIT");
    check(&world, texts(4_000, 50), "PERMIT");
}

#[test]
fn lists_are_paid_for_by_their_length() {
    let listed: Vec<Value> = (0..3_000).map(|n| json!(n)).collect();
    let world = constrained(&json!({ "field": "items[*]", "operator": "in", "value": listed }));
    check(&world, vec![json!(2_999); 3_000], "PERMIT");
    check(&world, vec![json!(2_999); 4_000], "EVALUATION_BUDGET");
    // A rule that is broken before is the answer.
    let mut first = vec![json!(2_999); 4_000];
    first[5] = json!(3_000);
    check(&world, first, "PARAMETER_VIOLATION");
}

#[test]
fn nobody_is_asked_to_agree_to_what_could_not_be_judged() {
    let unless = json!([{ "field": "items[*]", "operator": "regex", "value": "(?!.*secret).*" }]);
    let world = world(&json!({ "approval_unless": { "t": unless } }));
    check(&world, texts(1, 8_000), "PERMIT");
    check(&world, vec![json!("a secret")], "HOLD");
    check(&world, texts(30, 8_000), "EVALUATION_BUDGET");
}
