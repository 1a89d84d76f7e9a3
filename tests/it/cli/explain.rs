//! `scopegate explain`: the role after inheritance.

use serde_json::json;

use super::{file, sample, scopegate};

const POLICY: &str = r#"
version: 1
roles:
  - name: base
    allowed_tools: [search]
    allowed_hours_start: 8
    allowed_hours_end: 18
    max_rows: 50
  - name: clerk
    parent_role_id: base
    allowed_tools: [pay, delete_row]
    denied_actions: ["delete_*"]
    allowed_envs: [staging, prod]
    rate_limit_per_hour: 40
    max_delegation_depth: 2
    default_ttl_seconds: 600
    parameter_constraints:
      pay: [{ field: amount, operator: lt, value: 10 }]
      search: [{ field: q, operator: max_length, value: 9, when_absent: allow }]
    approval_required: [search]
    approval_unless:
      pay: [{ field: amount, operator: lt, value: 5 }]
    allowed_credentials: [bank]
    credential_mapping: { pay: bank }
"#;

#[test]
fn tells_everything_that_applies() {
    let (_folder, policy) = file("policy.yaml", POLICY);
    let run = scopegate(&["explain", "clerk", "--policy", &policy]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected = "\
role clerk, inherits from base
+------------+------------+----------------------------------+------------------------------+------------+
| tool       | granted by | arguments                        | a person agrees              | credential |
+========================================================================================================+
| delete_row | clerk      |                                  | never: forbidden             |            |
|------------+------------+----------------------------------+------------------------------+------------|
| pay        | clerk      | `amount` must be less than 10    | unless:                      | bank       |
|            |            |                                  | `amount` must be less than 5 |            |
|------------+------------+----------------------------------+------------------------------+------------|
| search     | base       | `q`, if given, must be at most 9 | always                       |            |
|            |            | long                             |                              |            |
+------------+------------+----------------------------------+------------------------------+------------+
every tool granted by clerk:
  `env` must be one of: staging, prod
  all sessions of one owner together: at most 40 calls per hour
every tool granted by base:
  hours: 08:00-18:00 UTC
  `env` must be one of: staging, prod
  `limit` must be a whole number of at most 50
  all sessions of one owner together: at most 40 calls per hour
never, whatever grants it: delete_*
a session lives 600 s; sub-agents 2 deep
";
    assert_eq!(run.stdout, expected, "{}", run.stdout);
}

#[test]
fn json_is_the_same() {
    let (_folder, policy) = file("policy.yaml", POLICY);
    let told = scopegate(&["explain", "clerk", "--policy", &policy, "--output", "json"]).json();
    assert_eq!(told[0]["parents"], json!(["base"]));
    assert_eq!(told[0]["tools"][1]["approval"], json!(["`amount` must be less than 5"]));
    assert_eq!(told[0]["guards"][1]["granted_by"], "base");
    assert_eq!(told[0]["guards"][1]["rules"].as_array().expect("rules").len(), 4);
}

#[test]
fn the_role_is_asked_for_only_when_there_are_several() {
    let (_folder, policy) = file("policy.yaml", POLICY);
    scopegate(&["explain", "--policy", &policy]).assert(
        2,
        "",
        "which role? add --role with one of: base, clerk",
    );
    scopegate(&["explain", "boss", "--policy", &policy]).assert(
        2,
        "",
        "no role `boss`; its roles: base, clerk",
    );
    scopegate(&["explain", "--policy", &sample("slack.yaml")]).assert(0, "role slack\n", "");
}
