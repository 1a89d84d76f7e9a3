//! `scopegate roles`.

use serde_json::json;

use super::Desk;

const POLICY: &str = "\
version: 1
roles:
  - name: junior
    parent_role_id: payer
    allowed_envs: [staging]
  - name: payer
    allowed_tools: [read, pay]
    parameter_constraints:
      pay:
        - {field: amount, operator: lt, value: 1000}
        - {field: to, operator: regex, value: 'VND-[0-9]+'}
        - {field: to, operator: regex, value: '.{4,9}'}
";

#[test]
fn a_file_is_applied_once_and_then_there_is_nothing_to_do() {
    let desk = Desk::open();
    let policy = desk.write("policy.yaml", POLICY);

    let diff = desk.run("admin", &["roles", "diff", &policy]);
    diff.assert(1, "+ make payer\n    allowed_tools: [\"read\",\"pay\"]", "");
    let (payer, junior) = (diff.stdout.find("make payer"), diff.stdout.find("make junior"));
    assert!(payer < junior, "parents first\n{}", diff.stdout);
    let unasked = desk.run("admin", &["roles", "apply", &policy]);
    unasked.assert(2, "+ make payer", "add --yes");
    desk.run("admin", &["roles", "list"]).assert(0, "", "");
    assert_eq!(desk.json("admin", &["roles", "list"]).len(), 0, "nothing was written");

    desk.run("admin", &["roles", "apply", &policy, "--yes"]).assert(
        0,
        "+ make junior",
        "2 of 2 roles written",
    );
    let again = desk.run("admin", &["roles", "apply", &policy, "--yes"]);
    again.assert(0, "= keep payer", "nothing to do");
    desk.run("auditor", &["roles", "diff", &policy]).assert(0, "= keep junior", "");

    let changed =
        POLICY.replace("[read, pay]", "[read, pay, refund]").replace("    allowed_envs: [staging]\n", "");
    let policy = desk.write("policy.yaml", &changed);
    let applied = desk.run("admin", &["roles", "apply", &policy, "--yes", "--output", "json"]);
    applied.assert(0, "", "2 of 2 roles written");
    assert_eq!(
        applied.json(),
        [
            json!({ "role": "payer", "action": "change", "changes": [
                { "member": "allowed_tools", "before": ["read", "pay"], "after": ["read", "pay", "refund"] }] }),
            json!({ "role": "junior", "action": "change", "changes": [
                { "member": "allowed_envs", "before": ["staging"], "after": null }] }),
        ]
    );
    assert_eq!(desk.json("admin", &["roles", "get", "junior"])[0]["allowed_envs"], json!([]));
}

/// The plane takes several patterns on one field for alternatives; a file means all of them.
#[test]
fn a_role_means_on_the_plane_what_it_means_in_its_file() {
    let desk = Desk::open();
    let policy = desk.write("policy.yaml", POLICY);
    desk.run("admin", &["roles", "apply", &policy, "--yes"]).assert(0, "", "");
    let agent = desk.agent();
    for (to, amount, permitted) in [
        ("VND-1", 999, true),
        ("VND-1", 1000, false),
        ("VND-1234567", 999, false), // only the first pattern fits
        ("Bob", 999, false),         // neither does
        ("Robert", 999, false),      // only the second does
    ] {
        let args = json!({ "to": to, "amount": amount }).to_string();
        let check = ["check", "--policy", &policy, "--role", "payer", "--tool", "pay", "--args", &args];
        desk.run("agent", &check).assert(i32::from(!permitted), "", "");
        let asked = agent.ask("pay", json!({ "to": to, "amount": amount }));
        assert_eq!(asked.is_ok(), permitted, "{to} {amount}: {asked:?}");
    }
    // In a file, a call without its environment does not pass `allowed_envs`.
    let junior = scopegate_client::Provision::new("junior");
    let session = desk.wait(agent.client.provision(&junior));
    let call = scopegate_client::Call::new("read", json!({}));
    assert!(desk.runtime.block_on(agent.client.enforce(&session.token, &call)).is_err());
}

#[test]
fn what_a_file_cannot_say_stays() {
    let desk = Desk::open();
    desk.payer();
    let draft = scopegate_client::RoleDraft::new().with("x-team", "red").with("webhook_secret", "s3cret");
    desk.wait(desk.client("admin").update_role("payer", &draft));
    let policy = desk.write("policy.yaml", "version: 1\nroles: [{name: payer, allowed_tools: [read]}]");
    desk.run("admin", &["roles", "apply", &policy, "--yes"]).assert(
        0,
        "approval_required: [\"pay\"] -> unset",
        "",
    );
    let role = &desk.json("admin", &["roles", "get", "payer"])[0];
    assert_eq!((&role["x-team"], &role["has_webhook_secret"]), (&json!("red"), &json!(true)));
    desk.run("admin", &["roles", "get", "payer"]).assert(0, "x-team: \"red\"\n", "");
}

#[test]
fn a_plane_that_refuses_says_what_was_done_so_far() {
    let desk = Desk::open();
    let good = "version: 1\nroles:\n  - {name: a, allowed_tools: [t]}\n";
    let policy =
        desk.write("policy.yaml", &format!("{good}  - {{name: 6f9619ff-8b86-4d01-b42d-00cf4fc964ff}}\n"));
    let run = desk.run("admin", &["roles", "apply", &policy, "--yes"]);
    run.assert(2, "+ make a", "must not look like an id");
    run.assert(2, "", "was not written; 1 of 2 were");
    assert_eq!(desk.json("admin", &["roles", "list"]).len(), 1);

    let local = good.replace(
        "allowed_tools: [t]",
        "allowed_tools: [t], allowed_credentials: [c], credential_mapping: {t: c}",
    );
    let run = desk.run("admin", &["roles", "apply", &desk.write("local.yaml", &local), "--yes"]);
    run.assert(2, "", "role `a`: `allowed_credentials` is enforced in a process and not on a plane");
    let run = desk.run("admin", &["roles", "diff", &desk.write("bad.yaml", "version: 1\nroles: [{nam: a}]")]);
    run.assert(2, "", "bad.yaml:2:");
    desk.run("admin", &["roles", "diff", "missing.yaml"]).assert(2, "", "missing.yaml: cannot be read");
}

#[test]
fn roles_are_listed_shown_and_ended() {
    let desk = Desk::open();
    let policy = desk.write("policy.yaml", POLICY);
    desk.run("admin", &["roles", "apply", &policy, "--yes"]).assert(0, "", "");
    let list = desk.run("approver", &["roles", "list"]);
    list.assert(0, "read, pay", "");
    list.assert(0, "inherits", "");
    let names: Vec<_> =
        desk.json("approver", &["roles", "list"]).iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["junior", "payer"]);
    desk.run("approver", &["roles", "get", "nobody"]).assert(2, "", "not found: no such role");

    desk.run("admin", &["roles", "delete", "payer"]).assert(2, "", "add --yes");
    desk.run("admin", &["roles", "delete", "payer", "--yes"]).assert(2, "", "conflict: ");
    desk.run("admin", &["roles", "delete", "junior", "--yes"]).assert(0, "", "role `junior` is ended");
    desk.run("admin", &["roles", "delete", "payer", "--yes"]).assert(0, "", "");
    desk.run("admin", &["roles", "delete", "payer", "--yes"]).assert(2, "", "no such role");
    let wrong = desk.run("auditor", &["roles", "apply", &policy, "--yes"]);
    wrong.assert(2, "", "this needs a key of kind admin or dev; yours is auditor");
}
