//! What may be written, and how it reads.

use super::*;
use crate::problem::PolicyError;

#[test]
fn what_would_never_bite_or_be_read_is_refused() {
    let place = |rule: PolicyRule| match Policies::compile(&[rule]) {
        Ok(_) => "accepted".to_owned(),
        Err(PolicyError { path, problem }) => {
            PolicyError { path: path.into_iter().skip(1).collect(), problem }.to_string()
        }
    };
    let conditions = |conditions| with(policy("p", Temporal, Deny), conditions);
    let none = Conditions::default;
    let trusted = |tenths| Trust::from_tenths(tenths);
    for (rule, says) in [
        (policy("p", PolicyType::Threshold, Deny), "trust_threshold: a policy of type `threshold` needs"),
        (
            PolicyRule { trust_threshold: trusted(0), ..policy("p", PolicyType::Threshold, Deny) },
            "trust_threshold: nothing is below 0",
        ),
        (
            PolicyRule { trust_threshold: trusted(10), ..policy("p", ActionType, Deny) },
            "trust_threshold: `trust_threshold` is not read by a policy of type `action_type`",
        ),
        (
            policy("p", ContentPattern, Deny),
            "conditions: a policy of type `content_pattern` needs `patterns`",
        ),
        (policy("p", Temporal, Deny), "conditions: a policy of type `temporal` needs `blocked_hours` or"),
        (policy("p", ChainOfCustody, Deny), "conditions: a policy of type `chain_of_custody` needs"),
        (
            conditions(Conditions { blocked_hours: vec![0, 24], ..none() }),
            "conditions.blocked_hours[1]: `24` is not an hour",
        ),
        (
            conditions(Conditions { blocked_days: vec![0], ..none() }),
            "conditions.blocked_days[0]: `0` is not",
        ),
        (
            conditions(Conditions { blocked_days: vec![8], ..none() }),
            "conditions.blocked_days[0]: `8` is not",
        ),
        (
            conditions(Conditions { blocked_hours: vec![u64::MAX], ..none() }),
            "conditions.blocked_hours[0]: `18446744073709551615` is not an hour",
        ),
        (
            conditions(Conditions { blocked_hours: vec![1], patterns: vec!["x".into()], ..none() }),
            "conditions.patterns: `patterns` is not read by a policy of type `temporal`",
        ),
        (
            patterns("p", Deny, &["a", "x*"]),
            "conditions.patterns[1]: pattern refused: it also matches nothing",
        ),
        (patterns("p", Deny, &["(?!a)b"]), "conditions.patterns[0]: pattern refused: look-around"),
        (patterns("p", Deny, &["(a)\\1"]), "conditions.patterns[0]: pattern refused: back-references"),
        (patterns("p", Deny, &["("]), "conditions.patterns[0]: pattern refused: unclosed group"),
        (patterns("p", Deny, &["((a{50}){50}){50}"]), "conditions.patterns[0]: pattern refused: Compiled"),
        (patterns("p", Deny, &["a"; 33]), "conditions.patterns: 33 are more than 32"),
        (
            PolicyRule { action_types: vec!["ok".into(), "a b".into()], ..policy("p", ActionType, Deny) },
            "action_types[1]: `a b` is not a pattern",
        ),
        (
            PolicyRule { action_types: vec!["[a-z]?".into()], ..policy("p", ActionType, Deny) },
            "action_types[0]: `[a-z]?` is not a pattern",
        ),
        (PolicyRule { priority: i64::MIN, ..policy("p", ActionType, Deny) }, "priority: a priority of -9223"),
        (
            PolicyRule { priority: 1_000_001, ..policy("p", ActionType, Deny) },
            "priority: a priority of 10000",
        ),
        (PolicyRule { priority: -1_000_000, ..policy("p", ActionType, Deny) }, "accepted"),
        (policy("p q", ActionType, Deny), "name: `p q` is not a name"),
        (policy("", ActionType, Deny), "name: `` is not a name"),
        (
            PolicyRule { enabled: false, ..policy("p", Temporal, Deny) },
            "conditions: a policy of type `temporal` needs",
        ),
    ] {
        let told = place(rule.clone());
        assert!(told.starts_with(says), "{told}\nshould be: {says}\n{rule:?}");
    }
    let twice = Policies::compile(&[policy("p", ActionType, Deny), shadowed(policy("p", ActionType, Hold))]);
    assert_eq!(twice.unwrap_err().to_string(), "[1].name: a second policy named `p`");
    let many: Vec<_> = (0..513).map(|n| policy(&format!("p{n}"), ActionType, Hold)).collect();
    assert_eq!(Policies::compile(&many).unwrap_err().to_string(), "513 are more than 512");
}

#[test]
fn only_what_is_known_is_read() {
    let read = |text: &str| serde_json::from_str::<PolicyRule>(text).map_err(|error| error.to_string());
    let sound = r#"{"name": "p", "policy_type": "threshold", "decision": "hold", "trust_threshold": 72.5}"#;
    let rule = read(sound).unwrap();
    assert_eq!(rule.trust_threshold, Trust::from_tenths(725));
    let again = serde_json::to_value(&rule).unwrap();
    assert_eq!(
        again,
        serde_json::from_str::<serde_json::Value>(sound).unwrap(),
        "what is written is read again"
    );
    for (from, to, says) in [
        ("threshold\"", "semantic\"", "unknown variant `semantic`"),
        ("\"hold\"", "\"block\"", "unknown variant `block`"),
        ("72.5", "\"72.5\"", "invalid type: string"),
        ("72.5", "-1", "invalid value: integer `-1`"),
        ("72.5", "1e300", "invalid value"),
        ("72.5", "101", "invalid value: integer `101`"),
        ("72.5", "[80]", "invalid type: sequence"),
        ("72.5", "80, \"conditions\": {\"timezone\": \"CET\"}", "unknown field `timezone`"),
        ("72.5", "80, \"conditions\": null", "invalid type: null"),
        ("72.5", "80, \"threshold\": 80", "unknown field `threshold`"),
        ("72.5", "80, \"priority\": 1.5", "invalid type: floating point"),
        ("72.5", "80, \"priority\": \"1\"", "invalid type: string"),
        ("72.5", "80, \"priority\": 99999999999999999999", "invalid type: floating point"),
        ("72.5", "80, \"enabled\": \"no\"", "invalid type: string"),
        ("72.5", "80, \"mode\": \"audit\"", "unknown variant `audit`"),
        ("72.5", "80, \"trust_threshold\": 81", "duplicate field `trust_threshold`"),
        ("\"policy_type\": \"threshold\", ", "", "missing field `policy_type`"),
    ] {
        let error = read(&sound.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(says), "{error}\nshould say: {says}");
    }
}

#[test]
fn policies_read_aloud() {
    let (blocked_hours, blocked_days) = (vec![22, 23], vec![6, 7]);
    let night = Conditions { blocked_hours, blocked_days, ..Conditions::default() };
    let rules = [
        PolicyRule { action_types: vec!["delete_*".into()], ..policy("no-deletes", ActionType, Deny) },
        relative(with(policy("night", Temporal, Deny), night)),
        shadowed(patterns("cards", Hold, &["4[0-9]{15}"])),
    ];
    let views = Policies::compile(&rules).unwrap().views();
    let told: Vec<_> = views.iter().map(|view| (&*view.name, view.first, &*view.rule)).collect();
    assert_eq!(
        told,
        [
            ("no-deletes", true, "delete_*"),
            ("night", false, "every call, in the hours from 22:00, 23:00, and on Sat, Sun (UTC)"),
            ("cards", false, "every call, when its arguments hold `4[0-9]{15}`"),
        ]
    );
}

#[test]
fn null_is_no_way_to_leave_a_rule_out() {
    let rule = |conditions: serde_json::Value| {
        serde_json::from_value::<PolicyRule>(serde_json::json!({
            "name": "p", "policy_type": "chain_of_custody", "decision": "deny", "conditions": conditions,
        }))
    };
    let forbidden = serde_json::json!(["x"]);
    rule(serde_json::json!({"max_chain_depth": 0, "forbidden_agents": forbidden})).unwrap();
    rule(serde_json::json!({"forbidden_agents": forbidden})).unwrap();
    rule(serde_json::json!({"max_chain_depth": null, "forbidden_agents": forbidden})).unwrap_err();
}
