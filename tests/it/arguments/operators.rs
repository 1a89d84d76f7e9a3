//! Every operator against every type: what passes is written down, and all the rest must not.

use serde_json::{Value, json};

use super::{ask, guarded, role};

/// A value of every type, and neighbours that a lenient comparison would confuse.
const VALUES: [&str; 23] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "5",
    "5.0",
    "10",
    "-1",
    "2.5",
    r#""""#,
    r#""5""#,
    r#""ab""#,
    r#""abc""#,
    r#""true""#,
    "[]",
    "[5]",
    r#"["ab"]"#,
    "[null]",
    "[[5]]",
    "{}",
    r#"{"a":1}"#,
    r#"{"a":1.0}"#,
];

/// Operator, the policy's value, and which of the values pass, in their order.
fn matrix() -> Vec<(&'static str, Value, &'static [&'static str])> {
    vec![
        ("eq", json!(5), &["5", "5.0"]),
        ("eq", json!(5.0), &["5", "5.0"]),
        ("eq", json!("5"), &[r#""5""#]),
        ("eq", json!("ab"), &[r#""ab""#]),
        ("eq", json!(true), &["true"]),
        ("eq", json!("true"), &[r#""true""#]),
        ("eq", json!(false), &["false"]),
        ("eq", json!(0), &["0"]),
        ("eq", json!(""), &[r#""""#]),
        ("eq", json!([]), &["[]"]),
        ("eq", json!([5]), &["[5]"]),
        ("eq", json!([null]), &["[null]"]),
        ("eq", json!({}), &["{}"]),
        ("eq", json!({"a": 1}), &[r#"{"a":1}"#, r#"{"a":1.0}"#]),
        ("lt", json!(5), &["0", "1", "-1", "2.5"]),
        ("lte", json!(5), &["0", "1", "5", "5.0", "-1", "2.5"]),
        ("gt", json!(5), &["10"]),
        ("gte", json!(5), &["5", "5.0", "10"]),
        ("gt", json!(-1), &["0", "1", "5", "5.0", "10", "2.5"]),
        ("contains", json!("ab"), &[r#""ab""#, r#""abc""#, r#"["ab"]"#]),
        ("contains", json!(""), &[r#""""#, r#""5""#, r#""ab""#, r#""abc""#, r#""true""#]),
        ("contains", json!(5), &["[5]"]),
        ("contains", json!([5]), &["[[5]]"]),
        ("contains", json!(true), &[]),
        ("in", json!([5, "ab", true]), &["true", "5", "5.0", r#""ab""#]),
        ("in", json!([[5], {}, {"a": 1}, []]), &[]),
        ("in", json!([]), &[]),
        (
            "not_in",
            json!([5, "ab", true]),
            &["false", "0", "1", "10", "-1", "2.5", r#""""#, r#""5""#, r#""abc""#, r#""true""#],
        ),
        (
            "not_in",
            json!([]),
            &[
                "true",
                "false",
                "0",
                "1",
                "5",
                "5.0",
                "10",
                "-1",
                "2.5",
                r#""""#,
                r#""5""#,
                r#""ab""#,
                r#""abc""#,
                r#""true""#,
            ],
        ),
        ("regex", json!(".*"), &[r#""""#, r#""5""#, r#""ab""#, r#""abc""#, r#""true""#]),
        ("regex", json!("ab"), &[r#""ab""#]),
        ("regex", json!("[0-9]+"), &[r#""5""#]),
        ("regex", json!("a|ab|abc"), &[r#""ab""#, r#""abc""#]),
        ("regex", json!("(?!ab$).+"), &[r#""5""#, r#""abc""#, r#""true""#]),
        ("prefix", json!("ab"), &[r#""ab""#, r#""abc""#]),
        ("prefix", json!(""), &[r#""""#, r#""5""#, r#""ab""#, r#""abc""#, r#""true""#]),
        ("path_within", json!("/"), &[]),
        ("cidr", json!(["0.0.0.0/0", "::/0"]), &[]),
        ("url_host", json!("ab"), &[r#""ab""#]),
        ("url_host", json!(["*.ab", "true", "abc"]), &[r#""abc""#, r#""true""#]),
        ("max_length", json!(0), &[r#""""#, "[]"]),
        ("max_length", json!(1), &[r#""""#, r#""5""#, "[]", "[5]", r#"["ab"]"#, "[null]", "[[5]]"]),
        (
            "max_length",
            json!(2),
            &[r#""""#, r#""5""#, r#""ab""#, "[]", "[5]", r#"["ab"]"#, "[null]", "[[5]]"],
        ),
    ]
}

fn expect(passes: bool) -> &'static str {
    if passes { "PERMIT" } else { "PARAMETER_VIOLATION" }
}

#[test]
fn every_operator_on_every_type() {
    for (operator, value, passing) in matrix() {
        let world = guarded(json!([{"field": "f", "operator": operator, "value": value}]));
        for given in VALUES {
            let passes = passing.contains(&given);
            assert_eq!(
                ask(&world, format!(r#"{{"f":{given}}}"#)),
                expect(passes),
                "{given} {operator} {value}"
            );
        }
        assert_eq!(ask(&world, "{}"), expect(false), "nothing {operator} {value}");
    }
}

#[test]
fn absence_passes_only_where_the_policy_says_so() {
    for (operator, value, passing) in matrix() {
        for (when_absent, absent) in [("deny", false), ("allow", true)] {
            let rule =
                json!([{"field": "f", "operator": operator, "value": value, "when_absent": when_absent}]);
            let world = guarded(rule);
            let name = format!("{operator} {value}, when_absent: {when_absent}");
            for args in ["{}", r#"{"f":null}"#, r#"{"g":1}"#] {
                assert_eq!(ask(&world, args), expect(absent), "{args} {name}");
            }
            assert_eq!(ask(&world, r#"{"F":1}"#), expect(false), "another case is not absence: {name}");
            for given in &VALUES[1..] {
                let passes = passing.contains(given);
                assert_eq!(ask(&world, format!(r#"{{"f":{given}}}"#)), expect(passes), "{given} {name}");
            }
        }
    }
}

#[test]
fn any_of_is_exactly_the_union() {
    let matrix = matrix();
    for (at, (operator, value, passing)) in matrix.iter().enumerate() {
        let (other, other_value, also) = &matrix[(at * 7 + 3) % matrix.len()];
        let alternatives =
            json!([{"operator": operator, "value": value}, {"operator": other, "value": other_value}]);
        let world = guarded(json!([{"field": "f", "any_of": alternatives}]));
        for given in VALUES {
            let passes = passing.contains(&given) || also.contains(&given);
            assert_eq!(
                ask(&world, format!(r#"{{"f":{given}}}"#)),
                expect(passes),
                "{given} any_of {alternatives}"
            );
        }
    }
}

#[test]
fn several_constraints_are_exactly_the_intersection() {
    let matrix = matrix();
    for (at, (operator, value, passing)) in matrix.iter().enumerate() {
        let (other, other_value, also) = &matrix[(at * 5 + 1) % matrix.len()];
        let rules = json!([
            {"field": "f", "operator": operator, "value": value},
            {"field": "f", "operator": other, "value": other_value},
        ]);
        let world = guarded(rules.clone());
        for given in VALUES {
            let passes = passing.contains(&given) && also.contains(&given);
            assert_eq!(ask(&world, format!(r#"{{"f":{given}}}"#)), expect(passes), "{given} {rules}");
        }
    }
}

#[test]
fn every_element_must_hold() {
    for (operator, value, passing) in matrix() {
        let rule = |absent: &str| json!([{"field": "f[*]", "operator": operator, "value": value, "when_absent": absent}]);
        let (strict, lenient) = (guarded(rule("deny")), guarded(rule("allow")));
        for given in VALUES {
            let passes = passing.contains(&given);
            let absent = given == "null";
            for elements in [format!("[{given}]"), format!("[{given},{given}]")] {
                let args = format!(r#"{{"f":{elements}}}"#);
                assert_eq!(ask(&strict, args.clone()), expect(passes), "{args} {operator} {value}");
                assert_eq!(
                    ask(&lenient, args.clone()),
                    expect(passes || absent),
                    "{args} {operator} {value}"
                );
            }
            for other in VALUES {
                let args = format!(r#"{{"f":[{other},{given}]}}"#);
                let both = passes && passing.contains(&other);
                assert_eq!(ask(&strict, args.clone()), expect(both), "{args} {operator} {value}");
            }
        }
        for (args, absent) in [
            ("{}", true),
            (r#"{"f":null}"#, true),
            (r#"{"f":[]}"#, true),
            (r#"{"f":{}}"#, false),
            (r#"{"f":"ab"}"#, false),
            (r#"{"f":5}"#, false),
        ] {
            assert_eq!(ask(&strict, args), expect(false), "{args} {operator} {value}");
            assert_eq!(ask(&lenient, args), expect(absent), "{args} {operator} {value}, when absent: allow");
        }
    }
}

#[test]
fn paths_into_lists_and_objects() {
    for (field, args, passes) in [
        ("a.b", r#"{"a":{"b":5}}"#, true),
        ("a.b", r#"{"a":{"b":5,"c":1}}"#, true),
        ("a.b", r#"{"a.b":5}"#, false),
        ("a.b", r#"{"a":[{"b":5}]}"#, false),
        ("a.b", r#"{"a":{"B":5}}"#, false),
        ("a.b", r#"{"a":{"b":5},"A":{"b":6}}"#, false),
        ("a[*].b", r#"{"a":[{"b":5},{"b":5.0}]}"#, true),
        ("a[*].b", r#"{"a":[{"b":5},{"b":6}]}"#, false),
        ("a[*].b", r#"{"a":[{"b":5},{}]}"#, false),
        ("a[*].b", r#"{"a":[{"b":5},{"b":null}]}"#, false),
        ("a[*].b", r#"{"a":[{"b":5},null]}"#, false),
        ("a[*].b", r#"{"a":[{"b":5},5]}"#, false),
        ("a[*].b", r#"{"a":[{"b":5},{"b":5,"B":6}]}"#, false),
        ("a[*].b", r#"{"a":{"b":5}}"#, false),
        ("a[*].b", r#"{"a":{"0":{"b":5}}}"#, false),
        ("a[*][*]", r#"{"a":[[5],[5,5]]}"#, true),
        ("a[*][*]", r#"{"a":[[5],[]]}"#, false),
        ("a[*][*]", r#"{"a":[[5],5]}"#, false),
        ("a[*][*]", r#"{"a":[5]}"#, false),
        ("a.b[*].c", r#"{"a":{"b":[{"c":5}]}}"#, true),
        ("a.b[*].c", r#"{"a":{"b":[{"c":5},{"c":[5]}]}}"#, false),
    ] {
        let world = guarded(json!([{"field": field, "operator": "eq", "value": 5}]));
        assert_eq!(ask(&world, args), expect(passes), "{field} of {args}");
    }
}

#[test]
fn what_waives_a_person_must_hold_in_full() {
    for (operator, value, passing) in matrix() {
        let world = role(json!({"approval_unless": {"t": [
            {"field": "f", "operator": operator, "value": value},
            {"field": "known", "operator": "eq", "value": true},
        ]}}));
        for given in VALUES {
            let passes = if passing.contains(&given) { "PERMIT" } else { "HOLD" };
            assert_eq!(
                ask(&world, format!(r#"{{"f":{given},"known":true}}"#)),
                passes,
                "{given} {operator} {value}"
            );
            assert_eq!(
                ask(&world, format!(r#"{{"f":{given}}}"#)),
                "HOLD",
                "{given} {operator} {value}, not known"
            );
        }
    }
}
