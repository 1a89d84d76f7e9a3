//! `scopegate validate`: a place for everything that is wrong.

use serde_json::json;

use super::{file, sample, scopegate};

#[test]
fn good_policies_are_counted() {
    let (workspace, slack) = (sample("workspace.yaml"), sample("slack.yaml"));
    let run = scopegate(&["validate", &workspace, &slack]);
    run.assert(0, "workspace.yaml: ok (roles: 1, tools: 23, constraints: 42)\n", "");
    run.assert(0, "slack.yaml: ok (roles: 1, tools: 10, constraints: 14)\n", "");
    assert_eq!(run.stderr, "");
}

#[test]
fn bad_policies_name_line_and_column() {
    for (text, told) in [
        ("version: 2\nroles: [{name: a}]", ":1:10: version: policy version 2 is not known"),
        ("version: 1\nroles: []", ":2:8: roles: no roles"),
        ("version: 1\nroles:\n  - name: a\n    allowed_tols: [x]", ":4:5: unknown field `allowed_tols`"),
        (
            "version: 1\nroles:\n  - name: a\n    allowed_tools: [get_*]",
            ":4:21: roles[0].allowed_tools[0]: `get_*` has a wildcard",
        ),
        ("version: 1\nroles:\n  - name: a\n    name: b", ":4:5: "),
        ("version: 1\nroles:\n  - name: a\n  - name: a", ":4:11: roles[1].name: a second role named `a`"),
        (
            "version: 1\nroles:\n  - name: a\n    min_trust_level: 300",
            ":4:22: roles[0].min_trust_level: 300 is more than 100",
        ),
        (
            "version: 1\nroles:\n  - name: a\n    parameter_constraints:\n      t:\n        - { field: x, operator: regex, value: '((?=x))*' }",
            ":6:47: roles[0].parameter_constraints.t[0].value: pattern refused",
        ),
        ("version: 1\nroles: [", ":2:"),
        ("", ":1:1: "),
    ] {
        let (_folder, path) = file("policy.yaml", text);
        let run = scopegate(&["validate", &path]);
        run.assert(1, "", &format!("{path}{told}"));
        assert_eq!(run.stdout, "", "{text}");
        // Where a policy is needed, a bad one is wrong usage.
        scopegate(&["check", "--policy", &path, "--tool", "t"]).assert(2, "", &format!("{path}{told}"));
    }
}

#[test]
fn one_bad_file_among_many_shows() {
    let (_folder, bad) = file("bad.yaml", "version: 2");
    let good = sample("slack.yaml");
    scopegate(&["validate", &good, &bad, &good]).assert(1, "slack.yaml: ok", "bad.yaml:1:10");
    scopegate(&["validate", &bad, "missing.yaml", &bad]).assert(2, "", "missing.yaml: cannot be read");
    scopegate(&["validate"]).assert(2, "", "<POLICY>");
    let told = scopegate(&["validate", &good, &bad, "--output", "json"]).json();
    assert_eq!(
        told[0],
        json!({"file": good, "ok": true, "roles": 1, "tools": 10, "constraints": 14, "policies": 0, "manifests": 0, "warnings": []})
    );
    assert_eq!(
        (&told[1]["ok"], &told[1]["line"], &told[1]["column"]),
        (&json!(false), &json!(1), &json!(10))
    );
}

#[test]
fn rules_for_tools_that_nobody_has_are_told() {
    let text = "version: 1\nroles: [{name: a, allowed_tools: [send_email], approval_required: [sendmail]}]";
    let (_folder, path) = file("policy.yaml", text);
    let warning = "warning: role `a`: approval_required names `sendmail`, which no role of this file grants";
    scopegate(&["validate", &path]).assert(0, "policy.yaml: ok", warning);
}
