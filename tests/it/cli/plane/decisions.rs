//! `scopegate decisions`, and roles of agents.

use scopegate_client::xybern::{Action, AgentRoleDraft};
use serde_json::json;

use super::Desk;

#[test]
fn decisions_are_listed_and_shown_and_roles_assigned() {
    let desk = Desk::open();
    let made = desk.json("admin", &["agents", "register", "bot"]);
    let agent = made[0]["agent_id"].as_str().expect("an id");
    let client = desk.client("admin");
    let role = AgentRoleDraft::named("files").allow(["read_*"]);
    desk.wait(client.xybern().create_role(&role));
    desk.run("admin", &["roles", "list"]).assert(0, "read_*", "");
    desk.run("admin", &["roles", "assign", "files", agent]).assert(0, "", "has role `files`");
    desk.run("admin", &["roles", "assign", "nothing", agent]).assert(2, "", "no such role");
    let asker = desk.client("agent");
    for action in ["read_file", "pay"] {
        let action = Action::new(action).by(agent);
        desk.wait(asker.xybern().intercept(&action));
    }
    let listed = desk.json("auditor", &["decisions", "list", "--agent", agent]);
    let words: Vec<_> = listed.iter().map(|one| one["decision"].clone()).collect();
    assert_eq!(words, [json!("block"), json!("allow")], "newest first");
    desk.run("auditor", &["decisions", "list", "--decision", "block"]).assert(0, "does not allow", "");
    let id = listed[0]["decision_id"].as_str().expect("an id");
    desk.run("auditor", &["decisions", "show", id]).assert(0, "decision: \"block\"", "");
    desk.run("auditor", &["decisions", "show", "enf_nobody"]).assert(2, "", "no such decision");
    desk.run("admin", &["agents", "update", agent, "--deny", "read_secret"]).assert(0, "read_secret", "");
    desk.run("admin", &["agents", "update", agent, "--allow", "read_*"]).assert(0, "read_secret", "");
    desk.run("admin", &["agents", "update", agent, "--deny", ""]).assert(0, "read_*", "");
    desk.run("admin", &["roles", "unassign", "files", agent]).assert(0, "", "`files` no more");
}
