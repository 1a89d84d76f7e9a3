//! Text of an attacker's making never drives the terminal of whoever looks at it.

use serde_json::json;

use super::{Run, file, sample, scopegate};

const HOSTILE: &str = "pay\u{1b}[2J\u{202e}\u{200b}\u{9b}31m\r\u{430}";

/// Only what can be seen: printable ASCII and letters of other scripts, each with its mark.
#[track_caller]
fn assert_tame(run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        let wild =
            text.chars().find(|c| *c != '\n' && (c.is_control() || (!c.is_ascii() && !c.is_alphanumeric())));
        assert_eq!(wild, None, "{text:?}");
    }
}

#[test]
fn a_held_call_shows_what_cannot_be_seen() {
    let args = json!({"recipient": "Alice", "body": HOSTILE}).to_string();
    let slack = sample("slack.yaml");
    let line = ["check", "--policy", &slack, "--tool", "send_direct_message", "--args", &args];
    let run = scopegate(&line);
    run.assert(3, r"pay\u001b[2J<U+202E><U+200B><U+009B>31m\rа<U+0430>", "");
    assert_tame(&run);
    let run = scopegate(&[&line[..], &["--output", "json"]].concat());
    assert_eq!(run.json()[0]["reviewer_sees"]["arguments"]["body"], HOSTILE, "programs get the very text");
    assert_tame(&run);
}

#[test]
fn names_and_reasons_are_made_visible() {
    let policy = "version: 1\nroles: [{name: r, allowed_tools: [t], allowed_envs: [staging]}]";
    let (_folder, policy) = file("policy.yaml", policy);
    for (more, shown) in [
        (["--tool", HOSTILE].as_slice(), "tool        `pay<U+001B>[2J<U+202E>"),
        (&["--tool", "t", "--env", HOSTILE], "environment `pay<U+001B>[2J<U+202E>"),
    ] {
        let run = scopegate(&[&["check", "--policy", &policy], more].concat());
        run.assert(1, shown, "");
        assert_tame(&run);
    }
    let run = scopegate(&["check", "--policy", &policy, "--tool", "t", "--role", HOSTILE]);
    run.assert(2, "", "no role `pay<U+001B>");
    assert_tame(&run);
}

#[test]
fn a_trace_cannot_forge_the_tables() {
    let calls = json!({"kind": HOSTILE, "task": HOSTILE, "tool": "a | b\n| c", "args": {}}).to_string();
    let (_folder, calls) = file("calls.jsonl", &calls);
    let run = scopegate(&["replay", "--policy", &sample("slack.yaml"), &calls]);
    run.assert(0, r"a \| b<U+000A>\| c", "");
    assert_eq!(run.stdout.lines().count(), 4 + 1 + 3);
    assert_tame(&run);
}

#[test]
fn a_bad_policy_cannot_either() {
    let (_folder, policy) = file("policy.yaml", "version: 1\nroles: [{name: \"a\\e[2Jb\"}]");
    let run = scopegate(&["validate", &policy]);
    run.assert(1, "", "policy.yaml:2:16: roles[0].name: `a<U+001B>[2Jb` is not a name");
    assert_tame(&run);
}
