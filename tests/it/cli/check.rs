//! `scopegate check`: verdicts, exit codes, and what would pass.

use serde_json::{Value, json};

use super::{file, run, sample, scopegate};

const POLICY: &str = r#"
version: 1
records: { file: { folder: RECORDS } }
roles:
  - name: reader
    allowed_tools: [read_rows]
    max_rows: 100
    allowed_hours_start: 9
    allowed_hours_end: 17
  - name: clerk
    parent_role_id: reader
    allowed_tools: [pay_invoice, whoami]
    denied_actions: ["delete_*"]
    allowed_envs: [staging]
    env_optional: true
    rate_limit_per_minute: 5
    parameter_constraints:
      pay_invoice:
        - { field: amount, operator: lt, value: 10000 }
    approval_unless:
      pay_invoice:
        - { field: amount, operator: lt, value: 100 }
    allowed_credentials: [bank]
    credential_mapping: { pay_invoice: bank, read_rows: vault }
  - name: teller
    parent_role_id: clerk
    allowed_mcp_servers: [bank]
"#;

/// Asks the policy above, at ten in the morning.
fn ask(role: &str, tool: &str, args: &Value, more: &[&str]) -> super::Run {
    let (folder, policy) = file("policy.yaml", POLICY);
    let records = folder.path().join("records");
    let text = POLICY.replace("RECORDS", records.to_str().expect("UTF-8"));
    std::fs::write(&policy, text).expect("the policy");
    let args = args.to_string();
    let mut line = vec!["check", "--policy", &policy, "--role", role, "--tool", tool, "--args", &args];
    line.extend(["--at", "2026-05-15T10:00:00Z"]);
    line.extend(more);
    let run = scopegate(&line);
    assert!(!records.exists(), "a question must not be recorded as a decision");
    run
}

#[test]
fn every_outcome_has_its_exit_code() {
    let slack = sample("slack.yaml");
    let check = |more: &[&str]| scopegate(&[&["check", "--policy", &slack, "--tool"], more].concat());

    check(&["get_webpage", "--args", r#"{"url": "www.eve-blog.com"}"#]).assert(0, "permit\n", "");
    check(&["get_webpage", "--args", r#"{"url": "www.other.com"}"#]).assert(
        1,
        "deny PARAMETER_VIOLATION",
        "",
    );
    check(&["remove_user_from_slack"]).assert(1, "deny SCOPE_VIOLATION", "");
    let message = ["send_direct_message", "--args", r#"{"recipient": "Alice", "body": "hi"}"#];
    check(&message).assert(3, "hold\n", "");
    check(&[&message[..], &["--approved"]].concat()).assert(0, "permit\n", "");

    check(&["get_channels", "--wat"]).assert(2, "", "--wat");
    check(&["get_channels", "--role", "nobody"]).assert(2, "", "no role `nobody`; its roles: slack");
    check(&["get_channels", "--at", "yesterday"]).assert(2, "", "RFC 3339, in UTC");
    check(&["get_channels", "--args-file", "missing.json"]).assert(2, "", "missing.json: cannot be read");
    scopegate(&["check", "--policy", "missing.yaml", "--tool", "t"]).assert(2, "", "missing.yaml: cannot be");
    scopegate(&["check"]).assert(2, "", "--policy <FILE>");
    scopegate::<&str>(&[]).assert(2, "", "Exit codes:");
}

/// A permit that never arrived must not look like one.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_delivered_is_no_answer() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let slack = sample("slack.yaml");
    let mut command = std::process::Command::new(super::binary());
    command.args(["check", "--policy", &slack, "--tool", "get_channels"]).current_dir(super::root());
    let run = super::told(command.stdout(full).output().expect("a run"));
    run.assert(4, "", "could not be written");
}

#[test]
fn says_which_rule_and_what_would_pass() {
    let none = json!({});
    for (tool, args, more, code, told) in [
        (
            "pay_invoice",
            json!({"amount": 10}),
            &[][..],
            0,
            &["permit\n", "`amount` must be less than 10000"][..],
        ),
        (
            "pay_invoice",
            json!({"amount": 500}),
            &[],
            3,
            &["hold\n", "- `amount` must be less than 100", "\"amount\": 500"],
        ),
        (
            "pay_invoice",
            json!({"amount": 500}),
            &["--action", "wire", "--resource", "erp", "--env", "staging"],
            3,
            &["\"action\": \"wire\"", "\"resource\": \"erp\"", "\"env\": \"staging\""],
        ),
        (
            "pay_invoice",
            json!({"amount": 500}),
            &["--approved"],
            0,
            &["permit\n", "supposing that a person agreed"],
        ),
        (
            "pay_invoice",
            json!({"amount": 10000}),
            &["--approved"],
            1,
            &["deny PARAMETER_VIOLATION", "less than 10000"],
        ),
        ("pay_invoice", json!([]), &[], 1, &["deny INVALID_ARGUMENTS", "one JSON object"]),
        ("pay_invoise", none.clone(), &[], 1, &["deny SCOPE_VIOLATION", "did you mean `pay_invoice`?"]),
        (
            "launch",
            none.clone(),
            &[],
            1,
            &["no role of this policy grants it", "`pay_invoice`, `read_rows`, `whoami`"],
        ),
        (
            "delete_all",
            none.clone(),
            &[],
            1,
            &["deny ACTION_FORBIDDEN", "forbidden by `delete_*`", "`denied_actions` of role `clerk`"],
        ),
        ("whoami", none.clone(), &["--action", "delete_me"], 1, &["deny ACTION_FORBIDDEN"]),
        (
            "whoami",
            none.clone(),
            &["--env", "prod"],
            1,
            &["deny ENV_VIOLATION", "environment `prod` is not allowed", "must be one of: staging"],
        ),
        ("whoami", none.clone(), &["--env", "staging"], 0, &["permit", "at most 5 calls per minute"]),
        // Granted by the parent, so the parent's guards come along; its credential is not allowed.
        (
            "read_rows",
            json!({"limit": 5}),
            &[],
            1,
            &["deny CREDENTIAL_VIOLATION", "by its parent `reader`", "`allowed_credentials`"],
        ),
    ] {
        let run = ask("clerk", tool, &args, more);
        assert_eq!(run.code, code, "{tool} {args}: {}", run.stdout);
        for part in told {
            assert!(run.stdout.contains(part), "{tool} {args}: `{part}` is not in\n{}", run.stdout);
        }
    }
    ask("reader", "read_rows", &json!({"limit": 101}), &[]).assert(
        1,
        "deny DATA_LIMIT_EXCEEDED\n  why         `limit` must be a whole number of at most 100",
        "",
    );
    ask("reader", "pay_invoice", &none, &[]).assert(1, "would pass  the same call under role `clerk`", "");
}

#[test]
fn the_clock_is_the_one_that_was_asked_for() {
    let (_folder, policy) = file("policy.yaml", &POLICY.replace("RECORDS", "unused"));
    let at = |time: &str| {
        scopegate(&[
            "check",
            "--policy",
            &policy,
            "--role",
            "reader",
            "--tool",
            "read_rows",
            "--at",
            time,
            "--args",
            r#"{"limit": 1}"#,
        ])
    };
    at("2026-05-15T09:00:00Z").assert(0, "hours: 09:00-17:00 UTC", "");
    at("2026-05-15T16:59:59.999Z").assert(0, "permit", "");
    at("2026-05-15T17:00:00Z").assert(1, "deny TIME_VIOLATION", "");
    at("2026-05-15T17:00:00+02:00").assert(2, "", "in UTC");
}

#[test]
fn arguments_come_from_anywhere_and_are_read_strictly() {
    let slack = sample("slack.yaml");
    let line = ["check", "--policy", &slack, "--tool", "get_webpage", "--args-file"];
    run(&[&line[..], &["-"]].concat(), r#"{"url": "www.eve-blog.com"}"#).assert(0, "permit", "");
    let (_folder, args) = file("args.json", r#"{"url": "www.evil.com", "url": "www.eve-blog.com"}"#);
    scopegate(&[&line[..], &[&args]].concat()).assert(1, "deny INVALID_ARGUMENTS", "");
    scopegate(&[&line[..], &[&args, "--args", "{}"]].concat()).assert(2, "", "cannot be used with");
    // Nothing reads the arguments of this tool, and the answer says so.
    let unread = ["check", "--policy", &slack, "--tool", "get_channels", "--args", "no JSON"];
    scopegate(&unread).assert(0, "no rule of this call reads its arguments, which are malformed", "");
}

#[test]
fn json_is_one_object_with_everything() {
    let more = ["--resource", "erp", "--server", "bank", "--output", "json"];
    let held = ask("teller", "pay_invoice", &json!({"amount": 500, "to": "Ann"}), &more);
    let [told] = &*held.json() else { panic!("{}", held.stdout) };
    assert_eq!(held.code, 3);
    assert_eq!(
        *told,
        json!({
            "verdict": "hold",
            "reason": "a person has to agree to this call",
            "tool": "pay_invoice",
            "role": "teller",
            "granted_by": "clerk",
            "would_pass": [
                "this very call, once, when a person agrees before 2026-05-15T10:15:00.000Z",
                "without a person, when all of this holds:",
                "- `amount` must be less than 100",
            ],
            "reviewer_sees": {
                "owner": "check",
                "role": "teller",
                "tool": "pay_invoice",
                "resource": "erp",
                "server": "bank",
                "arguments": {"amount": 500, "to": "Ann"},
            },
        })
    );
    let denied = ask("clerk", "nothing", &json!({}), &["--output", "json"]).json();
    assert_eq!(denied[0]["code"], "SCOPE_VIOLATION");
    assert_eq!(denied[0]["granted_by"], Value::Null);
}
