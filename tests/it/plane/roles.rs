//! Roles of agents: written in either dialect, assigned, taken back, and in force at the next action.

use serde_json::{Value, json};

use super::actions::{act, ask, register, word, xybern};
use crate::served::{Client, Plane, key, key_of, tenant};

/// Makes a role; its id.
fn role(client: &mut Client, body: &Value) -> String {
    let (status, told) = ask(client, "POST", "/roles", body);
    assert_eq!((status, &told["ok"]), (201, &json!(true)), "{told}");
    assert!(!told.to_string().contains("null"), "{told}");
    told["role"]["role_id"].as_str().expect("an id").to_owned()
}

fn assign(client: &mut Client, role: &str, agent: &str) -> (u16, Value) {
    ask(client, "POST", &format!("/roles/{role}/assign"), &json!({ "agent_id": agent }))
}

fn unassign(client: &mut Client, role: &str, agent: &str) -> (u16, Value) {
    ask(client, "POST", &format!("/roles/{role}/unassign"), &json!({ "agent_id": agent }))
}

fn permit(client: &mut Client, agent: &str, permissions: Value) {
    let body = json!({ "permissions": permissions });
    let (status, told) = ask(client, "PUT", &format!("/agents/{agent}"), &body);
    assert_eq!(status, 200, "{told}");
}

#[test]
fn a_role_is_written_in_one_dialect_and_seen_in_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (admin, agent) = (key(folder.path(), "admin"), key(folder.path(), "agent"));
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&admin);
    let seed = json!({ "name": "read-only-agent", "allowed_action_types": ["query_database", "*.read"],
        "denied_action_types": ["execute_trade", "send_email"], "min_trust_level": 40 });
    let id = role(&mut client, &seed);
    let heir = json!({ "name": "heir", "allowed_action_types": ["write"], "inherits_from": id });
    let heir = role(&mut client, &heir);
    let (_, shown) = client.ask("GET", &format!("/mgmt/v1/roles/{id}"), &Value::Null).expect("the role");
    assert_eq!(shown["allowed_actions"], json!(["query_database", "*.read"]));
    assert_eq!((&shown["min_trust_level"], &shown["name"]), (&json!(40), &json!("read-only-agent")));
    let plain = json!({ "name": "plain", "allowed_tools": ["pay"], "denied_actions": ["drop_*"] });
    assert_eq!(client.ask("POST", "/mgmt/v1/roles", &plain).expect("an answer").0, 201);
    let (_, roles) = ask(&mut plane.client(&agent), "GET", "/roles", &Value::Null);
    let names: Vec<_> =
        roles["roles"].as_array().expect("roles").iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["heir", "plain", "read-only-agent"].map(|name| json!(name)));
    assert_eq!(roles["roles"][1]["allowed_action_types"], json!(["pay"]));
    assert_eq!(roles["roles"][0]["inherits_from"], json!("read-only-agent"));
    // What is shown as one list is changed as one.
    let change = json!({ "allowed_action_types": ["refund"], "description": "pays back" });
    let (status, changed) = ask(&mut client, "PUT", "/roles/plain", &change);
    assert_eq!((status, &changed["role"]["allowed_action_types"]), (200, &json!(["refund"])), "{changed}");
    assert_eq!(changed["role"]["denied_action_types"], json!(["drop_*"]), "the rest stays");
    for (method, path, body, status) in [
        ("POST", "/roles", json!({ "name": "plain" }), 409),
        ("POST", "/roles", json!({}), 400),
        ("POST", "/roles", json!({ "name": "no spaces" }), 400),
        ("POST", "/roles", json!({ "name": "x", "allowed_action_types": "*" }), 400),
        ("POST", "/roles", json!({ "name": "x", "allowed_action_types": ["a b"] }), 400),
        ("POST", "/roles", json!({ "name": "x", "min_trust_level": 101 }), 400),
        ("POST", "/roles", json!({ "name": "x", "min_trust_level": -1 }), 400),
        ("POST", "/roles", json!({ "name": "x", "inherits_from": "nobody" }), 400),
        ("POST", "/roles", json!({ "name": "x", "conditions": {} }), 400),
        ("PUT", "/roles/nobody", json!({}), 404),
        ("PUT", "/roles/plain", json!({ "name": "other" }), 400),
        ("PUT", "/roles/read-only-agent", json!({ "inherits_from": heir }), 400),
        ("DELETE", "/roles/read-only-agent", Value::Null, 409),
        ("GET", "/roles/nobody", Value::Null, 404),
    ] {
        let (got, told) = ask(&mut client, method, path, &body);
        assert_eq!((got, &told["ok"]), (status, &json!(false)), "{method} {path} {body}: {told}");
    }
    let (status, _) = ask(&mut plane.client(&agent), "POST", "/roles", &json!({ "name": "mine" }));
    assert_eq!(status, 403);
}

#[test]
fn a_role_is_in_force_from_the_next_action_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    let payer = json!({ "name": "payer", "allowed_action_types": ["pay:*", "*.read"] });
    let payer = role(&mut client, &payer);
    assert_eq!(word(&mut client, "anything", &agent), "allow", "without a role the baseline");
    let (status, told) = assign(&mut client, &payer, &agent);
    assert_eq!(
        (status, &told["agent"]["roles"], &told["role"]["role_id"]),
        (200, &json!([payer]), &json!(payer))
    );
    for (action, expected) in
        [("pay:invoice", "allow"), ("mail.read", "allow"), ("anything", "block"), ("pay", "block")]
    {
        assert_eq!(word(&mut client, action, &agent), expected, "{action}");
    }
    let (_, holders) = ask(&mut client, "GET", &format!("/roles/{payer}/agents"), &Value::Null);
    assert_eq!(holders["agents"][0]["agent_id"], json!(agent));
    assert_eq!(assign(&mut client, "payer", &agent).1["agent"]["roles"], json!([payer]), "twice is once");

    // Several: what one allows is allowed, what one denies is denied, and the most trust that one wants is wanted.
    let clerk = json!({ "name": "clerk", "allowed_action_types": ["file"], "denied_action_types": ["*.secret.read"] });
    let clerk = role(&mut client, &clerk);
    assign(&mut client, &clerk, &agent);
    let told = act(&mut client, json!({ "action_type": "file", "agent_id": agent }));
    assert_eq!((&told["decision"], &told["roles"]), (&json!("allow"), &json!(["payer", "clerk"])));
    for (action, expected) in
        [("pay:x", "allow"), ("a.read", "allow"), ("a.secret.read", "block"), ("x", "block")]
    {
        assert_eq!(word(&mut client, action, &agent), expected, "{action}");
    }
    let id = told["decision_id"].as_str().expect("an id");
    let (_, kept) = ask(&mut client, "GET", &format!("/decisions/{id}"), &Value::Null);
    assert_eq!(kept["decision"]["roles"], json!(["payer", "clerk"]));
    let change = |client: &mut Client, role: &str, body: Value| {
        assert_eq!(ask(client, "PUT", &format!("/roles/{role}"), &body).0, 200);
    };
    change(&mut client, &clerk, json!({ "min_trust_level": 90 }));
    let told = act(&mut client, json!({ "action_type": "pay:x", "agent_id": agent }));
    assert_eq!((&told["deny_code"], &told["decision_path"]), (&json!("TRUST_TOO_LOW"), &json!("rbac")));
    change(&mut client, &clerk, json!({ "min_trust_level": null, "denied_action_types": ["pay:*"] }));
    assert_eq!(word(&mut client, "pay:x", &agent), "block");
    assert_eq!(word(&mut client, "a.secret.read", &agent), "allow");

    // A restart goes on with them.
    let plane = plane.start_again(folder.path());
    let mut client = plane.client(&dev);
    assert_eq!(word(&mut client, "pay:x", &agent), "block");
    assert_eq!(word(&mut client, "file", &agent), "allow");
    let (status, told) = ask(&mut client, "DELETE", &format!("/roles/{clerk}"), &Value::Null);
    assert_eq!(status, 409, "{told}");
    assert!(told["error"].as_str().expect("why").contains("unassign it first"), "{told}");
    assert_eq!(unassign(&mut client, &clerk, &agent).1["agent"]["roles"], json!([payer]));
    assert_eq!(word(&mut client, "pay:x", &agent), "allow");
    assert_eq!(word(&mut client, "file", &agent), "block");
    assert_eq!(unassign(&mut client, &clerk, &agent).0, 200, "twice is fine");
    assert_eq!(ask(&mut client, "DELETE", &format!("/roles/{clerk}"), &Value::Null).0, 200);
    assert_eq!(unassign(&mut client, &payer, &agent).0, 200);
    assert_eq!(word(&mut client, "file", &agent), "allow", "the baseline again");
}

#[test]
fn roles_are_not_anybodys() {
    let folder = tempfile::tempdir().expect("a folder");
    tenant(folder.path(), "acme");
    let (dev, foreign) = (key(folder.path(), "dev"), key_of(folder.path(), "acme", "dev"));
    let agents = key(folder.path(), "agent");
    let plane = Plane::start(folder.path());
    let (mut client, mut foreign) = (plane.client(&dev), plane.client(&foreign));
    let (agent, strange) = (register(&mut client, "bot"), register(&mut foreign, "bot"));
    let mine = role(&mut client, &json!({ "name": "r", "allowed_action_types": ["*"] }));
    let theirs = role(&mut foreign, &json!({ "name": "r" }));
    assert_eq!(assign(&mut client, &theirs, &agent).0, 404);
    assert_eq!(assign(&mut client, &mine, &strange).0, 404);
    assert_eq!(unassign(&mut foreign, &mine, &strange).0, 404);
    assert_eq!(ask(&mut foreign, "GET", &format!("/roles/{mine}/agents"), &Value::Null).0, 404);
    assert_eq!(assign(&mut plane.client(&agents), &mine, &agent).0, 403);
    for body in [json!({}), json!({ "agent_id": 7 }), json!({ "agent_id": agent, "until": "x" })] {
        let (status, told) = ask(&mut client, "POST", &format!("/roles/{mine}/assign"), &body);
        assert_eq!(status, 400, "{told}");
    }
    for number in 0..9 {
        let more = role(&mut client, &json!({ "name": format!("r{number}") }));
        let (status, told) = assign(&mut client, &more, &agent);
        assert_eq!(status, if number < 8 { 200 } else { 409 }, "{told}");
    }
}

#[test]
fn permissions_hold_whatever_the_roles_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    let all = role(&mut client, &json!({ "name": "all", "allowed_action_types": ["pay*", "read*"] }));
    assign(&mut client, &all, &agent);
    permit(&mut client, &agent, json!({ "denied_action_types": ["pay_all"] }));
    for (action, expected) in [("pay_all", "block"), ("pay_one", "allow"), ("send", "block")] {
        assert_eq!(word(&mut client, action, &agent), expected, "{action}");
    }
    permit(&mut client, &agent, json!({ "allowed_action_types": ["read*", "send"] }));
    for (action, expected) in
        [("pay_all", "block"), ("pay_one", "block"), ("read_file", "allow"), ("send", "block")]
    {
        assert_eq!(word(&mut client, action, &agent), expected, "{action}");
    }
    permit(
        &mut client,
        &agent,
        json!({ "allowed_action_types": ["read*"], "denied_action_types": ["read_secret"] }),
    );
    let plane = plane.start_again(folder.path());
    let mut client = plane.client(&dev);
    for (action, expected) in [("read_secret", "block"), ("read_file", "allow"), ("pay_one", "block")] {
        assert_eq!(word(&mut client, action, &agent), expected, "{action}");
    }
    let (_, shown) = ask(&mut client, "GET", &format!("/agents/{agent}"), &Value::Null);
    let permissions = json!({ "allowed_action_types": ["read*"], "denied_action_types": ["read_secret"] });
    assert_eq!(shown["agent"]["permissions"], permissions);
    // The baseline is within them, too.
    unassign(&mut client, &all, &agent);
    assert_eq!(word(&mut client, "read_file", &agent), "allow");
    assert_eq!(word(&mut client, "pay_one", &agent), "block");
    permit(&mut client, &agent, json!({}));
    assert_eq!(word(&mut client, "pay_one", &agent), "allow");
    for bad in
        [json!({ "denied_action_types": ["a b"] }), json!({ "denied_action_types": [""] }), json!({ "x": 1 })]
    {
        let body = json!({ "permissions": bad });
        assert_eq!(ask(&mut client, "PUT", &format!("/agents/{agent}"), &body).0, 400, "{body}");
    }
}
