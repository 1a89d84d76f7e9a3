//! Whether a constraint holds for a call's arguments.

use crate::json::Json;
use crate::network;
use crate::policy::{Constraint, Step, Test};
use std::cmp::Ordering;

/// Whether the constraint holds; everything else is a violation.
pub fn holds(constraint: &Constraint, arguments: &Json) -> bool {
    walk(constraint, &constraint.steps, arguments)
}

/// Follows the path from a value that is present and not null.
fn walk(constraint: &Constraint, steps: &[Step], value: &Json) -> bool {
    match steps.split_first() {
        None => constraint.alternatives.iter().any(|test| passes(test, value)),
        Some((Step::Name(name), rest)) => {
            let Json::Obj(members) = value else { return false };
            let wanted = fold(name);
            if members.iter().any(|(other, _)| other != name && fold(other) == wanted) {
                return false;
            }
            match value.member(name) {
                None | Some(Json::Null) => constraint.absent_passes,
                Some(member) => walk(constraint, rest, member),
            }
        }
        Some((Step::Each, rest)) => {
            let Json::Arr(elements) = value else { return false };
            if elements.is_empty() {
                return constraint.absent_passes;
            }
            elements.iter().all(|element| match element {
                Json::Null => constraint.absent_passes,
                element => walk(constraint, rest, element),
            })
        }
    }
}

/// Upper and then lower case, one character at a time: some readers fold one way, some the other.
pub fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Whether one operator passes for a value that is not null.
pub fn passes(test: &Test, value: &Json) -> bool {
    let wanted = &test.value;
    match test.operator.as_str() {
        "eq" => value.equals(wanted),
        "lt" => compared(value, wanted, &[Ordering::Less]),
        "gt" => compared(value, wanted, &[Ordering::Greater]),
        "lte" => compared(value, wanted, &[Ordering::Less, Ordering::Equal]),
        "gte" => compared(value, wanted, &[Ordering::Greater, Ordering::Equal]),
        "contains" => match (value, wanted) {
            (Json::Str(text), Json::Str(part)) => text.contains(part.as_str()),
            (Json::Arr(elements), wanted) => elements.iter().any(|element| element.equals(wanted)),
            _ => false,
        },
        "in" => listed(value, wanted) == Some(true),
        "not_in" => listed(value, wanted) == Some(false),
        "regex" => match (value, &test.pattern) {
            (Json::Str(text), Some(pattern)) => pattern.passes(text),
            _ => false,
        },
        "prefix" => {
            matches!((value, wanted), (Json::Str(text), Json::Str(start)) if text.starts_with(start.as_str()))
        }
        "path_within" => {
            matches!((value, wanted), (Json::Str(path), Json::Str(root)) if path_within(path, root))
        }
        "max_length" => short_enough(value, wanted),
        "cidr" => matches!(value, Json::Str(text) if network::cidr(text, wanted)),
        "url_host" => matches!(value, Json::Str(text) if network::url_host(text, wanted)),
        _ => false,
    }
}

fn compared(value: &Json, wanted: &Json, fine: &[Ordering]) -> bool {
    match (value, wanted) {
        (Json::Num(a), Json::Num(b)) => fine.contains(&a.compare(b)),
        _ => false,
    }
}

/// Whether a scalar is in the list; `None` if it is no scalar or that is no list.
fn listed(value: &Json, wanted: &Json) -> Option<bool> {
    let Json::Arr(list) = wanted else { return None };
    match value {
        Json::Str(_) | Json::Num(_) | Json::Bool(_) => Some(list.iter().any(|item| item.equals(value))),
        _ => None,
    }
}

fn path_within(path: &str, root: &str) -> bool {
    let hostile = |c: char| c == '\\' || c < '\u{20}' || c == '\u{7f}';
    if path.contains(hostile) {
        return false;
    }
    let lower = path.to_ascii_lowercase();
    if ["%2f", "%5c", "%2e", "%00", "%25"].iter().any(|escape| lower.contains(escape)) {
        return false;
    }
    if path.split('/').any(|segment| segment == "..") {
        return false;
    }
    if !path.starts_with('/') {
        return false;
    }
    let segments = |text: &str| -> Vec<String> {
        text.split('/').filter(|s| !s.is_empty() && *s != ".").map(str::to_string).collect()
    };
    segments(path).starts_with(&segments(root))
}

fn short_enough(value: &Json, wanted: &Json) -> bool {
    let Json::Num(limit) = wanted else { return false };
    let length = match value {
        Json::Str(text) => text.chars().count(),
        Json::Arr(elements) => elements.len(),
        _ => return false,
    };
    let length = crate::number::Decimal::from_u64(length as u64);
    length.compare(limit) != Ordering::Greater
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read_arguments;
    use crate::policy::read_constraint;

    /// constraint, arguments, holds
    fn table(rows: &[(&str, &str, bool)]) {
        for (constraint, arguments, expected) in rows {
            let value = serde_json::from_str(constraint).expect(constraint);
            let constraint_read = read_constraint(&value).expect(constraint);
            let arguments_read = read_arguments(arguments.as_bytes()).expect(arguments);
            assert_eq!(holds(&constraint_read, &arguments_read), *expected, "{constraint} {arguments}");
        }
    }

    #[test]
    fn paths() {
        let eq = r#"{"field":"a.b","operator":"eq","value":1}"#;
        let eq_allow = r#"{"field":"a.b","operator":"eq","value":1,"when_absent":"allow"}"#;
        let each = r#"{"field":"items[*].sku","operator":"prefix","value":"A"}"#;
        let each_allow = r#"{"field":"items[*].sku","operator":"prefix","value":"A","when_absent":"allow"}"#;
        table(&[
            (eq, r#"{"a":{"b":1.0}}"#, true),
            (eq, r#"{"a":{"b":null}}"#, false),
            (eq, r#"{"a":null}"#, false),
            (eq, r#"{}"#, false),
            (eq_allow, r#"{"a":{"b":null}}"#, true),
            (eq_allow, r#"{"a":null}"#, true),
            (eq_allow, r#"{}"#, true),
            (eq_allow, r#"{"a":1}"#, false),
            (eq_allow, r#"{"a":[]}"#, false),
            (eq_allow, r#"{"A":{"b":1}}"#, false),
            (eq_allow, r#"{"a":{"b":1},"A":null}"#, false),
            (eq_allow, r#"{"a":{"b":1,"B":1}}"#, false),
            (eq_allow, r#"{"a":{"b":1},"B":1}"#, true),
            (eq, r#"{"a.b":1}"#, false),
            (each, r#"{"items":[{"sku":"A1"},{"sku":"A2"}]}"#, true),
            (each, r#"{"items":[{"sku":"A1"},{"sku":"B2"}]}"#, false),
            (each, r#"{"items":[{"sku":"A1"},null]}"#, false),
            (each, r#"{"items":[]}"#, false),
            (each, r#"{"items":{"sku":"A1"}}"#, false),
            (each, r#"{"items":"A1"}"#, false),
            (each_allow, r#"{"items":[]}"#, true),
            (each_allow, r#"{"items":[null,{"sku":"A"},{}]}"#, true),
            (each_allow, r#"{"items":[null,"A"]}"#, false),
            (each_allow, r#"{"items":[{"s\u212au":"A"}]}"#, false),
        ]);
    }

    #[test]
    fn operators() {
        let rows: &[(&str, &str, &str, bool)] = &[
            ("eq", r#"{"x":[1,2],"y":null}"#, r#"{"y":null,"x":[1.0,2e0]}"#, true),
            ("eq", "true", r#""true""#, false),
            ("lt", "10", "9.999", true),
            ("lt", "10", "10.0", false),
            ("lt", "10", r#""9""#, false),
            ("lte", "10", "1e1", true),
            ("gt", "0.1", "0.10000000000000002", true),
            ("gte", "0.1", "0.10", true),
            ("contains", r#""b""#, r#""abc""#, true),
            ("contains", "1", r#"["1",1.0]"#, true),
            ("contains", "1", r#""1""#, false),
            ("contains", r#""b""#, r#"{"b":1}"#, false),
            ("in", r#"["a",1]"#, "1.0", true),
            ("in", r#"[["a"]]"#, r#"["a"]"#, false),
            ("not_in", r#"["a",1]"#, r#""1""#, true),
            ("not_in", r#"["a",1]"#, "1e0", false),
            ("not_in", r#"["a"]"#, r#"["b"]"#, false),
            ("not_in", r#"["a"]"#, r#"{}"#, false),
            ("regex", r#""[0-9]+""#, "12", false),
            ("regex", r#""[0-9]+""#, r#""12""#, true),
            ("prefix", r#""ab""#, r#""ab""#, true),
            ("prefix", r#""ab""#, r#""aB""#, false),
            ("prefix", r#""ab""#, r#"["ab"]"#, false),
            ("path_within", r#""/srv""#, r#""/srv""#, true),
            ("path_within", r#""/srv""#, r#""//srv/./a/""#, true),
            ("path_within", r#""/srv""#, r#""/srvx""#, false),
            ("path_within", r#""/srv""#, r#""srv/a""#, false),
            ("path_within", r#""/srv""#, r#""/srv/../srv/a""#, false),
            ("path_within", r#""/srv""#, r#""/srv/a..b""#, true),
            ("path_within", r#""/srv""#, r#""/srv/%2E%2e""#, false),
            ("path_within", r#""/srv""#, r#""/srv/%2""#, true),
            ("path_within", r#""/srv""#, r#""/srv/\u007f""#, false),
            ("path_within", r#""/""#, r#""/""#, true),
            ("path_within", r#""/""#, r#""""#, false),
            ("max_length", "2", r#""né""#, true),
            ("max_length", "2", r#""abc""#, false),
            ("max_length", "2", "[1,2]", true),
            ("max_length", "2", "[1,2,3]", false),
            ("max_length", "2", "1", false),
            ("max_length", "0", r#""""#, true),
        ];
        for (operator, wanted, value, expected) in rows {
            let constraint = format!(r#"{{"field":"f","operator":"{operator}","value":{wanted}}}"#);
            table(&[(&constraint, &format!(r#"{{"f":{value}}}"#), *expected)]);
        }
        let any =
            r#"{"field":"t[*]","any_of":[{"operator":"eq","value":1},{"operator":"prefix","value":"x"}]}"#;
        table(&[(any, r#"{"t":[1,"xy"]}"#, true), (any, r#"{"t":[1,"y"]}"#, false)]);
    }
}
