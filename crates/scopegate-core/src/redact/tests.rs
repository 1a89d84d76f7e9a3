use serde_json::{Value, json};

use super::*;
use crate::problem::Problem;
use crate::role::OutputRule;

fn duties(rules: Value) -> Vec<Obligation> {
    let rules: Vec<OutputRule> = serde_json::from_value(rules).unwrap();
    compile(&rules).unwrap()
}

#[test]
fn a_rule_is_one_thing() {
    for (rule, expected) in [
        (json!({"path": "a.b[*].c"}), None),
        (json!({"pattern": "[0-9]{4}"}), None),
        (json!({"max_bytes": 1}), None),
        (json!({}), Some("exactly one of")),
        (json!({"path": "a", "pattern": "b"}), Some("exactly one of")),
        (json!({"path": "a", "max_bytes": 5}), Some("exactly one of")),
        (json!({"max_bytes": 0}), Some("nothing would be shown")),
        (json!({"path": ""}), Some("is not a field")),
        (json!({"path": "a..b"}), Some("is not a field")),
        (json!({"path": "[*].b"}), Some("is not a field")),
        (json!({"pattern": "("}), Some("pattern refused")),
        (json!({"pattern": "a*"}), Some("matches nothing at all")),
        (json!({"pattern": "^"}), Some("matches nothing at all")),
        (json!({"pattern": ""}), Some("matches nothing at all")),
        (json!({"pattern": "(?=a)b"}), Some("look-around")),
        (json!({"pattern": "(a)\\1"}), Some("pattern refused")),
        (json!({"pattern": "\\p{L}"}), Some("pattern refused")),
        (json!({"pattern": "a".repeat(513)}), Some("longer than")),
        (json!({"pattern": "(a{1000}){1000}"}), Some("pattern refused")),
    ] {
        let read: OutputRule = serde_json::from_value(rule.clone()).unwrap();
        let problem = Redaction::compile(&read).err().map(|problem: Problem| problem.to_string());
        match expected {
            None => assert_eq!(problem, None, "{rule}"),
            Some(expected) => assert!(problem.as_ref().unwrap().contains(expected), "{rule}: {problem:?}"),
        }
    }
    for unknown in [json!({"field": "a"}), json!({"path": "a", "why": "b"}), json!({"max_bytes": "5"})] {
        serde_json::from_value::<OutputRule>(unknown.clone()).expect_err(&unknown.to_string());
    }
    assert!(check(&vec![OutputRule::path("a"); 65]).is_err());
}

#[test]
fn a_field_is_taken_out_wherever_it_stands() {
    for (path, before, after, parts) in [
        ("iban", json!({"iban": "DE1", "name": "a"}), json!({"iban": "[redacted]", "name": "a"}), 1),
        ("iban", json!({"iban": {"country": "DE"}}), json!({"iban": "[redacted]"}), 1),
        ("iban", json!({"iban": ["DE1", "DE2"]}), json!({"iban": "[redacted]"}), 1),
        ("iban", json!({"iban": null}), json!({"iban": null}), 0),
        ("iban", json!({"IBAN": 5, "Iban": true}), json!({"IBAN": "[redacted]", "Iban": "[redacted]"}), 2),
        ("iban", json!({"deep": {"iban": "DE1"}}), json!({"deep": {"iban": "DE1"}}), 0),
        ("a.b", json!({"a": {"b": 1, "c": 2}, "b": 3}), json!({"a": {"b": "[redacted]", "c": 2}, "b": 3}), 1),
        ("a.b", json!({"a": [{"b": 1}, {"c": 2}, 5]}), json!({"a": [{"b": "[redacted]"}, {"c": 2}, 5]}), 1),
        (
            "a[*].b",
            json!({"a": [{"b": 1}, {"b": 2}]}),
            json!({"a": [{"b": "[redacted]"}, {"b": "[redacted]"}]}),
            2,
        ),
        ("a[*].b", json!({"a": {"b": 1}}), json!({"a": {"b": "[redacted]"}}), 1),
        ("a[*].b", json!({"a": [[{"b": 1}]]}), json!({"a": [[{"b": "[redacted]"}]]}), 1),
        ("a", json!([{"a": 1}, {"a": 2}]), json!([{"a": "[redacted]"}, {"a": "[redacted]"}]), 2),
        ("a", json!([]), json!([]), 0),
    ] {
        let duties = duties(json!([{ "path": path }]));
        let mut redactor = Redactor::new(&duties);
        assert_eq!(redactor.value(before.clone()), after, "{path} of {before}");
        assert_eq!(redactor.parts(), parts, "{path} of {before}");
        let mut redactor = Redactor::new(&duties);
        assert_eq!(redactor.text(&before.to_string()), after.to_string(), "the same as a text");
    }
}

#[test]
fn a_text_that_cannot_be_looked_through_is_withheld() {
    let by_path = duties(json!([{"path": "iban"}]));
    for text in ["iban: DE1", "\"DE1\"", "5", "", "{\"iban\": \"DE1\"} and more", "{\"iban\": ", "[1,"] {
        let mut redactor = Redactor::new(&by_path);
        assert_eq!((redactor.text(text).as_str(), redactor.parts()), (WITHHELD, 1), "{text}");
    }
    for value in [json!("DE1"), json!(5), json!(true)] {
        let mut redactor = Redactor::new(&by_path);
        assert_eq!((redactor.value(value), redactor.parts()), (json!(WITHHELD), 1));
    }
    assert_eq!(Redactor::new(&by_path).value(Value::Null), Value::Null);
    // Of a member that stands there twice, what was looked at is what is shown.
    let mut redactor = Redactor::new(&by_path);
    assert_eq!(redactor.text(r#"{"a": {"iban": "DE1"}, "a": {}}"#), r#"{"a":{}}"#);
    assert_eq!(redactor.parts(), 0);
    assert_eq!((redactor.withhold().as_str(), redactor.parts()), (WITHHELD, 1));
}

#[test]
fn a_pattern_is_taken_out_of_texts_numbers_and_names() {
    let by_pattern = duties(json!([{"pattern": "[0-9]{4}"}]));
    for (before, after, parts) in [
        ("card 1234 and 5678", "card [redacted] and [redacted]", 2),
        ("card 123", "card 123", 0),
        ("12345678", "[redacted][redacted]", 2),
        (
            r#"{"n": 12345, "s": "\u0031234", "1234": true, "k": [null]}"#,
            r#"{"[redacted]":true,"k":[null],"n":"[redacted]5","s":"[redacted]"}"#,
            3,
        ),
        ("{\"n\": 123 }", "{\"n\": 123 }", 0),
    ] {
        let mut redactor = Redactor::new(&by_pattern);
        let text = redactor.text(before);
        // Members have no order: another crate of the build decides on that.
        let value = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| text.to_owned());
        assert_eq!(value(&text), value(after));
        assert_eq!(redactor.parts(), parts, "{before}");
    }
    // Also one that spans what JSON puts between.
    let spans = duties(json!([{"pattern": "\"pin\":\"[^\"]*\""}]));
    assert_eq!(Redactor::new(&spans).text(r#"{"pin":"99"}"#), "{[redacted]}");
    // By ASCII rules `.` is one byte of `é`; the whole character goes.
    let byte = duties(json!([{"pattern": "x."}]));
    assert_eq!(Redactor::new(&byte).text("axéb"), "a[redacted]b");
    let inner = duties(json!([{"pattern": "[^a-z]b"}]));
    assert_eq!(Redactor::new(&inner).text("aéb"), "a[redacted]");
    let folded = duties(json!([{"pattern": "(?i)secret"}]));
    assert_eq!(Redactor::new(&folded).text("SeCrEt"), "[redacted]");
}

#[test]
fn an_answer_is_no_larger_than_said() {
    let small = duties(json!([{"max_bytes": 10}, {"max_bytes": 4}]));
    let mut redactor = Redactor::new(&small);
    assert_eq!(redactor.text("abc"), "abc");
    assert_eq!(redactor.text("defg"), "d… [cut: 1 of 4 bytes are shown]");
    assert_eq!(redactor.text("h"), "… [cut: 0 of 1 bytes are shown]");
    assert_eq!(redactor.parts(), 2);
    assert_eq!(Redactor::new(&small).text("abcé"), "abc… [cut: 3 of 5 bytes are shown]");
    assert_eq!(Redactor::new(&small).value(json!({})), json!({}));
    let mut redactor = Redactor::new(&small);
    assert_eq!(redactor.value(json!({"a": 1})), json!({"withheld": TOO_LARGE}));
    assert_eq!(redactor.parts(), 1);
}

#[test]
fn rules_work_together_and_none_of_them_is_idle() {
    assert!(Redactor::new(&[]).is_idle());
    let all = duties(json!([{"path": "iban"}, {"pattern": "[0-9]{4}"}, {"max_bytes": 30}]));
    let mut redactor = Redactor::new(&all);
    assert!(!redactor.is_idle());
    let told = redactor.text(r#"{"iban": "DE1", "note": "call 5555"}"#);
    assert_eq!(told, r#"{"iban":"[redacted]","note":"c… [cut: 30 of 46 bytes are shown]"#);
    assert_eq!(redactor.parts(), 3);
}
