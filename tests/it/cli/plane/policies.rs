//! `scopegate policies` and `scopegate packs`.

use serde_json::json;

use super::Desk;

const POLICY: &str = "\
version: 1
policies:
  - {name: no-pay, policy_type: action_type, decision: deny, action_types: [pay]}
  - {name: try-me, policy_type: action_type, decision: hold, mode: shadow}
roles:
  - {name: payer, allowed_tools: [pay, read]}
";

#[test]
fn policies_are_applied_seen_turned_live_and_ended() {
    let desk = Desk::open();
    let file = desk.write("policy.yaml", POLICY);
    let apply = |kind: &str, more: &[&str]| desk.run(kind, &[&["policies", "apply", &file], more].concat());
    let roles = ["roles", "apply", &file, "--yes"];
    desk.run("admin", &roles).assert(2, "", "`scopegate policies apply`");
    apply("admin", &[]).assert(2, "+ create no-pay\n+ create try-me", "add --yes");
    apply("agent", &["--yes"]).assert(2, "", "this needs a key of kind admin or dev");
    apply("admin", &["--yes"]).assert(0, "+ create no-pay", "2 of 2 policies written");
    apply("admin", &["--yes"]).assert(0, "= keep no-pay", "nothing to do");
    desk.run("admin", &roles).assert(0, "+ make payer", "1 of 1 roles written");

    let listed = desk.json("auditor", &["policies", "list"]);
    assert_eq!(listed.len(), 2);
    let id = |name: &str| {
        let row = listed.iter().find(|row| row["name"] == name).expect("a policy");
        row["policy_id"].as_str().expect("an id").to_owned()
    };
    desk.run("agent", &["policies", "list"]).assert(0, "no-pay", "");
    desk.run("admin", &["policies", "show", &id("no-pay")]).assert(0, "block", "");
    desk.run("admin", &["policies", "show", "pol_x"]).assert(2, "", "no such policy");

    let agent = desk.agent();
    assert!(agent.ask("pay", json!({})).is_err());
    agent.ask("read", json!({})).expect("a permit");
    let report = desk.json("auditor", &["policies", "report", "--hours", "1"]);
    assert_eq!((&report[0]["name"], &report[0]["would_have_changed"]), (&json!("try-me"), &json!(1)));
    desk.run("admin", &["policies", "report"]).assert(0, "try-me", "");
    desk.run("agent", &["policies", "report"]).assert(2, "", "this needs a key of kind");
    desk.run("admin", &["policies", "promote", &id("try-me")]).assert(2, "", "add --yes");
    desk.run("admin", &["policies", "promote", &id("try-me"), "--yes"]).assert(0, "", "`try-me` is live");
    desk.run("admin", &["policies", "promote", &id("try-me"), "--yes"]).assert(2, "", "live already");
    assert!(agent.ask("read", json!({})).is_err(), "a person has to agree");
    desk.run("admin", &["policies", "report"]).assert(0, "", "no policy is in the shadow");

    for name in ["no-pay", "try-me"] {
        desk.run("admin", &["policies", "delete", &id(name), "--yes"]).assert(0, "", "is over");
    }
    desk.run("admin", &["policies", "delete", &id("try-me"), "--yes"]).assert(2, "", "no such policy");
    agent.ask("pay", json!({})).expect("a permit");
    let none = desk.write("none.yaml", "version: 1\nroles: [{name: payer, allowed_tools: [pay]}]\n");
    desk.run("admin", &["policies", "apply", &none]).assert(2, "", "nothing under `policies`");
}

#[test]
fn packs_are_tried_deployed_and_taken_back() {
    let desk = Desk::open();
    let pack = |version: &str, decision: &str| {
        let text = format!(
            "name: finance\nversion: '{version}'\npolicies:\n  - {{name: no-pay, policy_type: action_type, \
             decision: {decision}, action_types: [pay]}}\n"
        );
        desk.write(&format!("{version}.yaml"), &text)
    };
    let (first, second) = (pack("1", "deny"), pack("2", "hold"));
    desk.run("admin", &["packs", "validate", &first]).assert(0, "1 new", "");
    desk.run("admin", &["packs", "deploy", &first]).assert(2, "", "add --yes");
    desk.run("admin", &["packs", "list", "--output", "json"]).assert(0, "", "");
    desk.run("admin", &["packs", "deploy", &first, "--yes"]).assert(0, "", "in force in version 1");
    desk.run("admin", &["packs", "deploy", &first, "--yes"]).assert(0, "", "1 as they were");
    let told = desk.json_of("admin", &["packs", "deploy", &second, "--yes"]);
    assert_eq!(told[0]["summary"]["updated"], 1);
    desk.run("agent", &["packs", "list"]).assert(0, "finance", "");
    desk.run("admin", &["packs", "show", "finance"]).assert(0, "source_hash", "");
    desk.run("admin", &["packs", "rollback", "finance", "--yes"]).assert(0, "", "in force in version 1");
    desk.run("admin", &["packs", "rollback", "finance", "--to", "9", "--yes"]).assert(
        2,
        "",
        "no such version",
    );
    desk.run("admin", &["packs", "rollback", "nobody", "--yes"]).assert(2, "", "no such pack");

    let wrong = desk.write(
        "wrong.yaml",
        "name: p\nversion: '1'\npolicies:\n  - {name: a, policy_type: threshold, decision: deny}\n",
    );
    desk.run("admin", &["packs", "validate", &wrong]).assert(1, "policy_definitions[0]", "");
    desk.run("admin", &["packs", "deploy", &wrong, "--yes"]).assert(2, "", "policy_definitions[0]");
    let other = desk.write("other.yaml", "name: p\n");
    desk.run("admin", &["packs", "deploy", &other, "--yes"]).assert(2, "", "other.yaml: ");
}
