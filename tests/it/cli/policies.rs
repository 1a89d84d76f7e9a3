//! Policies on the command line.

use super::{file, scopegate};

const POLICY: &str = r#"
version: 1
policies:
  - { name: no-drops, policy_type: action_type, decision: deny, action_types: ["dr*"] }
  - { name: cards, policy_type: content_pattern, decision: deny, conditions: { patterns: ["4[0-9]{15}"] } }
  - { name: new, policy_type: threshold, decision: hold, trust_threshold: 60, action_types: [pay] }
  - { name: short, policy_type: chain_of_custody, decision: deny, mode: shadow, conditions: { max_chain_depth: 0 } }
  - { name: off, policy_type: action_type, decision: deny, enabled: false }
roles:
  - { name: clerk, allowed_tools: [read, pay, drop] }
"#;

#[test]
fn validate_counts_them_and_explain_tells_them() {
    let (_folder, path) = file("policy.yaml", POLICY);
    let run = scopegate(&["validate", &path]);
    run.assert(0, "ok (roles: 1, tools: 3, constraints: 0, policies: 5)\n", "policy `off` is switched off");
    let told = "\
policies, whatever role grants a call; the most restrictive that matches wins:
  no-drops: deny dr*, before any grant
  cards: deny every call, when its arguments hold `4[0-9]{15}`
  new: hold pay, while the agent is trusted less than 60
  short: in the shadow, would deny every call, after more than 0 hands
";
    scopegate(&["explain", "--policy", &path]).assert(0, told, "");
    let told = scopegate(&["explain", "--policy", &path, "--output", "json"]).json();
    assert_eq!(told[0]["policies"][1]["name"], "cards");
    for (from, to, says) in [
        (
            "action_types: [\"dr*\"]",
            "action_types: [\"dr?\"]",
            ":4:80: policies[0].action_types[0]: `dr?` is not",
        ),
        ("threshold: 60", "threshold: .nan", ":6:75: non-finite float `.nan`"),
        ("chain_of_custody", "sequence", ":7:33: unknown variant `sequence`"),
        ("decision: hold", "decision: permit", ":6:52: policies[2].decision: policies only restrict"),
    ] {
        let (_folder, path) = file("policy.yaml", &POLICY.replacen(from, to, 1));
        scopegate(&["validate", &path]).assert(1, "", says);
    }
}

#[test]
fn check_says_which_policy_decided() {
    let (_folder, path) = file("policy.yaml", POLICY);
    let check = |more: &[&str]| scopegate(&[&["check", "--policy", &path][..], more].concat());
    check(&["--tool", "read"]).assert(0, "permit\n", "");
    let forbidden = check(&["--tool", "drop"]);
    forbidden.assert(1, "deny ACTION_FORBIDDEN\n  why         forbidden by `no-drops`\n", "");
    forbidden.assert(1, "would pass  not while a policy says: no-drops: deny dr*, before any grant\n", "");
    let denied = check(&["--tool", "read", "--args", r#"{"note": "4242424242424242"}"#]);
    denied.assert(1, "deny POLICY_DENIED\n  why         denied by policy `cards`\n", "");
    let held = check(&["--tool", "pay"]);
    held.assert(3, "not while a policy says: new: hold pay, while the agent is trusted less than 60\n", "");
    check(&["--tool", "pay", "--approved"]).assert(0, "permit\n", "");
    let via = check(&["--tool", "read", "--via", "bob"]);
    via.assert(0, "note        in the shadow, policy `short` would have denied it\n", "");
}

#[test]
fn replay_tells_what_the_shadow_would_have_changed() {
    let (_folder, path) = file("policy.yaml", POLICY);
    let calls = "{\"tool\": \"read\"}\n{\"tool\": \"read\", \"via\": [\"bob\"]}\n{\"tool\": \"drop\", \"via\": [\"bob\"]}\n";
    let (_calls, calls) = file("calls.jsonl", calls);
    let told =
        "shadow policy `short`: looked at 3, would have denied 2, held 0; 1 answers would have changed\n";
    scopegate(&["replay", "--policy", &path, &calls]).assert(0, told, "");
    let run = scopegate(&["replay", "--policy", &path, &calls, "--output", "json"]);
    run.assert(0, "", told);
    assert_eq!(run.json().len(), 3, "answers alone");
}

/// The agent of the second task is trusted 50, 50.2, 48.2, and 46.2 once it wants to trade: below 48.
#[test]
fn the_sample_decides_its_calls() {
    let (policy, calls) = ("examples/policies/trades.yaml", "examples/policies/trades.jsonl");
    scopegate(&["validate", policy]).assert(0, "ok (roles: 1, tools: 3, constraints: 2, policies: 5)\n", "");
    let at = "2026-05-15T09:30:00Z"; // a Friday
    let run = scopegate(&["replay", "--policy", policy, "--at", at, calls, "--output", "json"]);
    let answers = run.json();
    let told: Vec<_> =
        answers.iter().map(|line| line["code"].as_str().or(line["verdict"].as_str())).collect();
    let expected =
        ["permit", "permit", "permit", "permit", "ACTION_FORBIDDEN", "POLICY_DENIED", "hold"].map(Some);
    assert_eq!(told, expected);
    run.assert(
        0,
        "",
        "shadow policy `one-hand`: looked at 7, would have denied 4, held 0; 2 answers would have",
    );
    let night =
        scopegate(&["replay", "--policy", policy, "--at", "2026-05-16T12:00:00Z", calls, "--output", "json"]);
    assert_eq!(night.json()[1]["verdict"], "hold", "a Saturday");
}
