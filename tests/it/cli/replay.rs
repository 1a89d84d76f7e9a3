//! `scopegate replay`: recorded calls, line by line.

use serde_json::{Value, json};

use super::{file, run, sample, scopegate};

const POLICY: &str = r#"
version: 1
roles:
  - name: agent
    allowed_tools: [read, send, bank]
    approval_required: [send]
    rate_limit_per_minute: 2
    parameter_constraints:
      read: [{ field: path, operator: prefix, value: /home/ }]
    allowed_credentials: [key]
    credential_mapping: { bank: key }
"#;

fn lines(calls: &[Value]) -> String {
    calls.iter().map(|call| format!("{call}\n")).collect()
}

fn replay(calls: &str, more: &[&str]) -> super::Run {
    let (_folder, policy) = file("policy.yaml", POLICY);
    let (_folder, calls) = file("calls.jsonl", calls);
    scopegate(&[&["replay", "--policy", &policy, &calls], more].concat())
}

#[test]
fn counts_calls_and_tasks() {
    let calls = [
        json!({"kind": "good", "task": "a", "step": 0, "tool": "read", "args": {"path": "/home/x"}, "extra": 1}),
        json!({"kind": "good", "task": "a", "step": 1, "tool": "send"}),
        // A denial after the hold: the hold stopped the task.
        json!({"kind": "good", "task": "a", "step": 2, "tool": "wipe"}),
        json!({"kind": "good", "task": "b", "tool": "bank"}),
        json!({"kind": "bad", "task": "a", "tool": "read", "args": {"path": "/etc/passwd"}}),
        json!({"tool": "read"}),
    ];
    let run = replay(&lines(&calls), &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected = "\
| kind | tool  | calls | permit | hold | PARAMETER_VIOLATION | SCOPE_VIOLATION |
|------|-------|-------|--------|------|---------------------|-----------------|
| good | (all) |     4 |      2 |    1 |                     |               1 |
| good | bank  |     1 |      1 |      |                     |                 |
| good | read  |     1 |      1 |      |                     |                 |
| good | send  |     1 |        |    1 |                     |                 |
| good | wipe  |     1 |        |      |                     |               1 |
| bad  | (all) |     1 |        |      |                   1 |                 |
| bad  | read  |     1 |        |      |                   1 |                 |
| -    | (all) |     1 |        |      |                   1 |                 |
| -    | read  |     1 |        |      |                   1 |                 |

| kind | tasks | run through | stopped by a hold | stopped by a denial |
|------|-------|-------------|-------------------|---------------------|
| good |     2 |           1 |                 1 |                   0 |
| bad  |     1 |           0 |                 0 |                   1 |
| -    |     1 |           0 |                 0 |                   1 |
";
    assert_eq!(run.stdout, expected, "{}", run.stdout);
    assert_eq!(run.stderr, "", "no progress bar where no terminal is");
}

#[test]
fn json_is_a_line_per_call() {
    let calls = [
        json!({"kind": "k", "task": "t", "step": 7, "tool": "read", "args": {"path": "/home/x"}}),
        json!({"tool": "read", "args": {"path": 5}}),
        json!({"tool": "send"}),
    ];
    let told = replay(&format!("{}\n\n", lines(&calls)), &["--output", "json"]).json();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0]["call"].as_str().map(str::len), Some(64));
    let mut first = told[0].clone();
    first.as_object_mut().expect("an object").remove("call");
    assert_eq!(
        first,
        json!({"line": 1, "kind": "k", "task": "t", "step": 7, "tool": "read", "verdict": "permit"})
    );
    assert_eq!(told[1]["reason"], "`path` must start with \"/home/\"");
    assert_eq!((&told[1]["code"], &told[1]["kind"]), (&json!("PARAMETER_VIOLATION"), &Value::Null));
    assert_eq!((&told[2]["verdict"], &told[2]["line"]), (&json!("hold"), &json!(3)));
}

#[test]
fn each_task_is_a_session_of_its_own() {
    let call = |task: &str| json!({"task": task, "tool": "read", "args": {"path": "/home/x"}});
    let told = replay(&lines(&["a", "a", "b", "a", "b"].map(call)), &["--output", "json"]).json();
    let codes: Vec<_> = told.iter().map(|call| call["code"].as_str()).collect();
    assert_eq!(codes, [None, None, None, Some("RATE_LIMIT_EXCEEDED"), None]);
}

#[test]
fn arguments_are_judged_as_recorded() {
    let twice = r#"{"tool": "read", "args": {"path": "/etc/passwd", "path": "/home/x"}}"#;
    let told = replay(twice, &["--output", "json"]).json();
    assert_eq!(told[0]["code"], "INVALID_ARGUMENTS");
    assert_eq!(told[0]["call"], Value::Null);
}

#[test]
fn bad_lines_are_named_and_nothing_is_answered() {
    let good = r#"{"tool": "read"}"#;
    for (line, told) in [
        ("{", ":2: EOF while parsing"),
        ("[]", ":2: invalid length 0"),
        (r#"{"args": {}}"#, ":2: missing field `tool`"),
        (r#"{"tool": 5}"#, ":2: invalid type: integer `5`, expected a string (column 10)"),
        (r#"{"tool": "read", "tool": "send"}"#, ":2: duplicate field `tool`"),
        (r#"{"tool": "read", "args": "{}"}"#, ":2: `args` must be an object"),
        (r#"{"tool": "read", "args": [1]}"#, ":2: `args` must be an object"),
        (r#"{"tool": "read", "step": -1}"#, ":2: invalid value: integer `-1`"),
        (r#"{"tool": "read"} {"tool": "read"}"#, ":2: trailing characters"),
    ] {
        for more in [&[][..], &["--output", "json"]] {
            let run = replay(&format!("{good}\n{line}\n{good}\n"), more);
            run.assert(2, "", &format!("calls.jsonl{told}"));
            assert_eq!(run.stdout, "", "{line}");
        }
    }
    replay("\n", &[]).assert(2, "", "calls.jsonl: no calls");
    let slack = sample("slack.yaml");
    scopegate(&["replay", "--policy", &slack, "missing.jsonl"]).assert(
        2,
        "",
        "missing.jsonl: cannot be read",
    );
    scopegate(&["replay", "--policy", &slack]).assert(2, "", "<CALLS.jsonl>");
    run(&["replay", "--policy", &slack, "-"], r#"{"tool": "get_channels"}"#).assert(0, "get_channels", "");
}

#[test]
fn the_role_is_asked_for_only_when_there_are_several() {
    let (_folder, policy) =
        file("policy.yaml", &format!("{POLICY}\n  - name: other\n    allowed_tools: [wipe]"));
    let (_folder, calls) = file("calls.jsonl", r#"{"tool": "wipe"}"#);
    let line = ["replay", "--policy", &policy, &calls];
    scopegate(&line).assert(2, "", "which role? add --role with one of: agent, other");
    scopegate(&[&line[..], &["--role", "other"]].concat()).assert(0, "| wipe  |     1 |      1 |", "");
}
