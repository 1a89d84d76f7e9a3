//! Actions of agents with what else agents have on a plane: runs, escalations, windows, break-glass, delegations.

use serde_json::{Value, json};

use super::actions::{act, ask, register, word};
use crate::served::{Client, Plane, key};

/// A plane whose agents begin with nothing but the roles that they are assigned.
struct Office {
    plane: Plane,
    admin: Client,
    agent: Client,
}

impl Office {
    fn open(data: &std::path::Path) -> Self {
        let (admin, agent) = (key(data, "admin"), key(data, "agent"));
        let plane = Plane::start(data);
        let (admin, agent) = (plane.client(&admin), plane.client(&agent));
        Self { plane, admin, agent }
    }

    fn role(&mut self, role: &Value) {
        let (status, told) = ask(&mut self.admin, "POST", "/roles", role);
        assert_eq!(status, 201, "{told}");
    }

    fn assign(&mut self, role: &str, agent: &str) {
        let (status, told) =
            ask(&mut self.admin, "POST", &format!("/roles/{role}/assign"), &json!({ "agent_id": agent }));
        assert_eq!(status, 200, "{told}");
    }

    fn bot(&mut self, name: &str, roles: &[&str]) -> String {
        let agent = register(&mut self.admin, name);
        roles.iter().for_each(|role| self.assign(role, &agent));
        agent
    }

    fn word(&mut self, action: &str, agent: &str) -> String {
        word(&mut self.agent, action, agent)
    }

    fn within(&mut self, action: &str, agent: &str, run: &str) -> Value {
        act(&mut self.agent, json!({ "action_type": action, "agent_id": agent, "session_id": run }))
    }
}

fn reader() -> Value {
    json!({ "name": "reader", "allowed_action_types": ["read*"] })
}

fn payer() -> Value {
    json!({ "name": "payer", "allowed_action_types": ["pay*"] })
}

#[test]
fn a_run_holds_its_agent_to_its_budget_and_to_its_roles() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut office = Office::open(folder.path());
    office.role(&reader());
    office.role(&payer());
    let bot = office.bot("bot", &["reader"]);
    let other = office.bot("other", &["reader"]);
    let begin = json!({ "agent_id": bot, "budgets": { "max_actions": 2 } });
    let (status, run) = ask(&mut office.agent, "POST", "/sessions/start", &begin);
    assert_eq!((status, &run["status"]), (201, &json!("active")), "{run}");
    let run = run["session_id"].as_str().expect("an id").to_owned();
    assert_eq!(
        office.within("pay", &bot, &run)["decision"],
        "block",
        "a run grants nothing, and this spends nothing"
    );
    assert_eq!(office.within("read", &other, &run)["decision"], "block", "it is another agent's");
    assert_eq!(office.within("read", &bot, &run)["decision"], "allow");
    assert_eq!(office.within("read", &bot, &run)["decision"], "allow");
    let third = office.within("read", &bot, &run);
    assert_eq!(
        (&third["decision"], &third["deny_code"]),
        (&json!("terminate"), &json!("SESSION_TERMINATED"))
    );
    assert_eq!(office.word("read", &bot), "allow", "the agent goes on outside of it");
    let (_, beat) = ask(&mut office.agent, "POST", &format!("/sessions/{run}/heartbeat"), &json!({}));
    assert_eq!((&beat["status"], &beat["consumed"]["actions"]), (&json!("terminated"), &json!(2)), "{beat}");

    // One that was ended, and one that was begun in roles that the agent does not have any more.
    for end in [true, false] {
        let (_, run) = ask(&mut office.agent, "POST", "/sessions/start", &json!({ "agent_id": bot }));
        let run = run["session_id"].as_str().expect("an id").to_owned();
        assert_eq!(office.within("read", &bot, &run)["decision"], "allow");
        match end {
            true => {
                assert_eq!(ask(&mut office.agent, "POST", &format!("/sessions/{run}/end"), &json!({})).0, 200)
            }
            false => {
                office.assign("payer", &bot);
                ask(&mut office.admin, "POST", "/roles/reader/unassign", &json!({ "agent_id": bot }));
            }
        }
        assert_eq!(office.within("read", &bot, &run)["decision"], "terminate");
    }
    assert_eq!(office.word("read", &bot), "block");
}

#[test]
fn an_escalation_is_taken_up_by_reading_and_never_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut office = Office::open(folder.path());
    let approver = key(folder.path(), "approver");
    let mut approver = office.plane.client(&approver);
    office.role(&payer());
    let bot = office.bot("bot", &["payer"]);
    let hold = json!({ "name": "Ask", "policy_type": "action_type", "decision": "escalate", "action_types": ["pay"] });
    assert_eq!(ask(&mut office.admin, "POST", "/policies", &hold).0, 201);
    let body = json!({ "action_type": "pay", "agent_id": bot, "action_content": "100 to Ann" });
    let held = act(&mut office.agent, body.clone());
    assert_eq!(held["decision"], "escalate", "{held}");
    let id = held["escalation_id"].as_str().expect("an id").to_owned();
    assert_eq!(
        act(&mut office.agent, body.clone())["escalation_id"],
        json!(id),
        "the same call, the same escalation"
    );
    let status =
        |client: &mut Client| ask(client, "GET", &format!("/escalations/{id}/status"), &Value::Null).1;
    assert_eq!(status(&mut office.agent)["decision"], "pending");
    let resolve = json!({ "resolution": "approved", "reason": "known payee" });
    assert_eq!(ask(&mut approver, "POST", &format!("/escalations/{id}/resolve"), &resolve).0, 200);
    assert_ne!(status(&mut approver)["decision"], "allow", "it is not the approver's");
    let read = status(&mut office.agent);
    assert_eq!((&read["status"], &read["decision"]), (&json!("approved"), &json!("allow")), "{read}");
    assert_eq!(status(&mut office.agent), read, "the same permit, for a minute");
    let again = act(&mut office.agent, body);
    assert_eq!(again["decision"], "escalate");
    assert_ne!(again["escalation_id"], json!(id), "a yes is for one call");
}

#[test]
fn a_window_admits_and_a_break_glass_lifts_what_is_not_absolute() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut office = Office::open(folder.path());
    office.role(&reader());
    let bot = office.bot("bot", &["reader"]);
    let window =
        json!({ "agent_id": bot, "scopes": ["migrate*"], "duration_minutes": 30, "reason": "a migration" });
    assert_eq!(office.word("migrate", &bot), "block");
    assert_eq!(ask(&mut office.admin, "POST", "/temporal-windows", &window).0, 201);
    assert_eq!(
        (office.word("migrate", &bot), office.word("pay", &bot)),
        ("allow".to_owned(), "block".to_owned())
    );

    let block = |name: &str, action: &str, absolute: bool| {
        json!({ "name": name, "policy_type": "action_type", "decision": "block", "action_types": [action],
            "absolute": absolute })
    };
    assert_eq!(ask(&mut office.admin, "POST", "/policies", &block("Soft", "restart", false)).0, 201);
    assert_eq!(ask(&mut office.admin, "POST", "/policies", &block("Hard", "wipe", true)).0, 201);
    let glass = json!({ "agent_id": bot, "justification": "the site is down", "severity": "critical" });
    let (status, told) = ask(&mut office.admin, "POST", "/breakglass", &glass);
    assert_eq!(status, 201, "{told}");
    let restart = act(&mut office.agent, json!({ "action_type": "restart", "agent_id": bot }));
    assert_eq!(
        (&restart["decision"], &restart["decision_path"]),
        (&json!("allow"), &json!("breakglass")),
        "{restart}"
    );
    assert_eq!(restart["breakglass"]["breakglass_id"], told["breakglass_id"], "{restart}");
    assert_eq!(office.word("wipe", &bot), "block", "what is absolute is lifted by nothing");
    let (_, kept) = ask(
        &mut office.admin,
        "GET",
        &format!("/decisions/{}", restart["decision_id"].as_str().expect("an id")),
        &Value::Null,
    );
    assert_eq!(kept["decision"]["decision_path"], "breakglass", "{kept}");
}

#[test]
fn a_delegation_is_used_by_name_and_ends_with_what_it_came_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut office = Office::open(folder.path());
    office.role(&reader());
    office.role(&json!({ "name": "payer", "allowed_action_types": ["pay*", "wire*"] }));
    office.role(&json!({ "name": "clerk", "allowed_action_types": ["file*"] }));
    let boss = office.bot("boss", &["payer", "clerk"]);
    let bot = office.bot("bot", &["reader"]);
    let hand_on = |office: &mut Office| {
        let body = json!({ "source_agent_id": boss, "target_agent_id": bot, "scopes": ["pay*", "file*"], "duration_minutes": 60 });
        let (status, told) = ask(&mut office.admin, "POST", "/delegate", &body);
        assert_eq!(status, 201, "{told}");
        told["grant_id"].as_str().expect("an id").to_owned()
    };
    let under = |office: &mut Office, action: &str, grant: &str| {
        let body = json!({ "action_type": action, "agent_id": bot, "grant_id": grant });
        act(&mut office.agent, body)["decision"].as_str().expect("a word").to_owned()
    };
    let grant = hand_on(&mut office);
    assert_eq!(office.word("pay", &bot), "block", "only where it is named");
    assert_eq!(under(&mut office, "pay", &grant), "allow");
    assert_eq!(under(&mut office, "wire", &grant), "block", "it was not handed on");
    assert_eq!(under(&mut office, "read", &grant), "block", "a grant that is named is the only one");
    let body = json!({ "action_type": "pay", "agent_id": boss, "grant_id": grant });
    assert_eq!(act(&mut office.agent, body)["decision"], "block", "it is the other's");

    // A role of the source says less: so does what was handed on, though its source did nothing since.
    let less = json!({ "allowed_action_types": ["wire*"] });
    assert_eq!(ask(&mut office.admin, "PUT", "/roles/payer", &less).0, 200);
    assert_eq!(
        (under(&mut office, "pay", &grant), under(&mut office, "file", &grant)),
        ("block".into(), "allow".into())
    );
    // Its source is in other roles, or under other permissions: it is over.
    ask(&mut office.admin, "POST", "/roles/payer/unassign", &json!({ "agent_id": boss }));
    assert_eq!(under(&mut office, "file", &grant), "block");
    let grant = hand_on(&mut office);
    assert_eq!(under(&mut office, "file", &grant), "allow");
    let narrower = json!({ "permissions": { "allowed_action_types": ["file_one"] } });
    assert_eq!(ask(&mut office.admin, "PUT", &format!("/agents/{boss}"), &narrower).0, 200);
    assert_eq!(under(&mut office, "file", &grant), "block");
    let grant = hand_on(&mut office);
    assert_eq!(
        (under(&mut office, "file", &grant), under(&mut office, "file_one", &grant)),
        ("block".into(), "allow".into())
    );
    assert_eq!(ask(&mut office.admin, "DELETE", &format!("/agents/{boss}"), &Value::Null).0, 200);
    assert_eq!(under(&mut office, "file_one", &grant), "block", "its source is stopped");
}
