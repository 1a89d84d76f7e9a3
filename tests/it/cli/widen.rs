//! `scopegate replay --fail-on-widen`: a gate for changes of a policy.

use super::{file, sample, scopegate};

const CALLS: &str = r#"{"task": "a", "tool": "read"}
{"task": "a", "tool": "send", "args": {"to": "x"}}
{"task": "b", "tool": "wipe"}
{"task": "b", "tool": "wipe"}
"#;

fn policy(allowed: &str, approval: &str) -> String {
    format!("version: 1\nroles: [{{name: r, allowed_tools: [{allowed}], approval_required: [{approval}]}}]")
}

/// The baseline is made with one policy; the gate is asked about another.
fn gate(before: &str, after: &str, calls: &str) -> super::Run {
    let (_folder, before) = file("before.yaml", before);
    let (_folder, after) = file("after.yaml", after);
    let (_folder, then) = file("calls.jsonl", CALLS);
    let (_folder, now) = file("calls.jsonl", calls);
    let baseline = scopegate(&["replay", "--policy", &before, &then, "--output", "json"]);
    let (_folder, baseline) = file("baseline.jsonl", &baseline.stdout);
    scopegate(&["replay", "--policy", &after, &now, "--fail-on-widen", &baseline])
}

#[test]
fn wider_verdicts_fail_and_are_named() {
    let before = policy("read, send", "send");
    gate(&before, &before, CALLS).assert(0, "| (all)", "no wider than the baseline: 4 calls compared");
    let run = gate(&before, &policy("read, send", ""), CALLS);
    run.assert(1, "| (all)", "wider: line 2, task a, `send`: was hold, is permit\nerror: 1 of 4 calls");
    let run = gate(&before, &policy("read, send, wipe", "send, wipe"), CALLS);
    run.assert(1, "", "wider: line 3, task b, `wipe`: was deny, is hold\nwider: line 4");
    let run = gate(&before, &policy("read, send, wipe", "send"), CALLS);
    run.assert(1, "", "was deny, is permit");
}

#[test]
fn narrower_verdicts_pass() {
    let before = policy("read, send, wipe", "send");
    gate(&before, &policy("read", ""), CALLS).assert(0, "", "no wider");
    gate(&before, &policy("read, send, wipe", "read, send, wipe"), CALLS).assert(0, "", "no wider");
}

#[test]
fn calls_that_the_baseline_does_not_know_are_errors() {
    let same = policy("read, send", "send");
    for (calls, line) in [
        (format!("{CALLS}{}", r#"{"task": "c", "tool": "read"}"#), 5),
        // The same call once more than before.
        (format!("{CALLS}{}", r#"{"task": "b", "tool": "wipe"}"#), 5),
        // The same tool with other arguments is another call.
        (CALLS.replace(r#""x""#, r#""y""#), 2),
        (CALLS.replace(r#""tool": "read""#, r#""tool": "read", "env": "prod""#), 1),
    ] {
        let run = gate(&same, &same, &calls);
        run.assert(2, "", &format!("does not know the call of line {line} "));
        assert!(run.stderr.contains("make a new baseline"), "{}", run.stderr);
    }
    // Order and blank lines do not matter: calls are known by what they are.
    let mut turned: Vec<_> = CALLS.lines().collect();
    turned.reverse();
    gate(&same, &same, &turned.join("\n\n")).assert(0, "", "4 calls compared");
}

#[test]
fn a_trace_that_was_cut_short_proves_nothing() {
    let (before, after) = (policy("read", ""), policy("read, send, wipe", ""));
    let first = CALLS.lines().next().expect("a call");
    gate(&before, &after, first).assert(2, "", "3 calls of the baseline are not in this trace");
}

#[test]
fn a_baseline_has_to_be_one() {
    let (slack, calls) = (sample("slack.yaml"), sample("slack.jsonl"));
    let gate =
        |baseline: &str| scopegate(&["replay", "--policy", &slack, &calls, "--fail-on-widen", baseline]);
    gate("missing.jsonl").assert(2, "", "missing.jsonl: cannot be read");
    let (_folder, text) = file("table.txt", "| kind | tool |\n");
    gate(&text).assert(2, "", "table.txt:1: ");
    // The trace itself is no baseline, and neither is nothing.
    gate(&calls).assert(2, "", "slack.jsonl:1: missing field `line`");
    let (_folder, empty) = file("empty.jsonl", "");
    gate(&empty).assert(2, "", "does not know the call of line 1");
}

#[test]
fn standard_output_stays_for_programs() {
    let (_folder, calls) = file("calls.jsonl", CALLS);
    let (_folder, strict) = file("strict.yaml", &policy("read", ""));
    let (_folder, wide) = file("wide.yaml", &policy("read, send", ""));
    let baseline = scopegate(&["replay", "--policy", &strict, &calls, "--output", "json"]).stdout;
    let (_folder, baseline) = file("baseline.jsonl", &baseline);
    let run =
        scopegate(&["replay", "--policy", &wide, &calls, "--output", "json", "--fail-on-widen", &baseline]);
    run.assert(1, "", "was deny, is permit");
    assert_eq!(run.json().len(), 4);
}
