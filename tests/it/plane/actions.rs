//! Actions of agents on a plane: judged under the agent's roles, in sessions that the plane keeps.

use serde_json::{Value, json};

use super::signing::Signer;
use crate::served::{Client, Plane, key, key_of, scopegate, tenant};

const ENFORCE: &str = "/api/v1/enforce";

pub(super) fn ask(client: &mut Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    client.ask(method, &format!("{ENFORCE}{path}"), body).expect("an answer")
}

/// A plane whose agents may do whatever nobody forbids.
pub(super) fn xybern(folder: &std::path::Path) -> Plane {
    Plane::start_with(folder, &["--dialect", "xybern"])
}

/// Registers an agent; its id.
pub(super) fn register(client: &mut Client, name: &str) -> String {
    let (status, told) = ask(client, "POST", "/agents", &json!({ "name": name }));
    assert_eq!(status, 201, "{told}");
    told["agent"]["agent_id"].as_str().expect("an id").to_owned()
}

/// An action, and its answer, which has to be one.
pub(super) fn act(client: &mut Client, body: Value) -> Value {
    let (status, told) = ask(client, "POST", "/intercept", &body);
    assert_eq!((status, &told["ok"]), (200, &json!(true)), "{told}");
    assert!(!told.to_string().contains("null"), "{told}");
    told
}

/// The word alone.
pub(super) fn word(client: &mut Client, action: &str, agent: &str) -> String {
    let told = act(client, json!({ "action_type": action, "agent_id": agent }));
    told["decision"].as_str().expect("a word").to_owned()
}

/// The session that a decision was made in, which its id names.
fn session(told: &Value) -> String {
    told["decision_id"].as_str().expect("an id").split('_').nth(1).expect("a session").to_owned()
}

#[test]
fn nothing_is_permitted_unless_a_role_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    for body in [json!({ "action_type": "pay" }), json!({ "action_type": "pay", "agent_id": agent })] {
        let told = act(&mut client, body);
        assert_eq!((&told["decision"], &told["deny_code"]), (&json!("block"), &json!("SCOPE_VIOLATION")));
        let why = told["reasoning"].as_str().expect("a sentence");
        assert!(why.contains("no role `xybern-baseline`; assign one, or make that"), "{why}");
    }
    // The baseline is written once, where it is asked for.
    let plane = {
        drop(plane);
        xybern(folder.path())
    };
    let mut client = plane.client(&dev);
    let told = act(&mut client, json!({ "action_type": "pay", "agent_id": agent }));
    assert_eq!((&told["decision"], &told["roles"]), (&json!("allow"), &json!(["xybern-baseline"])));
    let (_, roles) = client.ask("GET", "/mgmt/v1/roles", &Value::Null).expect("the roles");
    assert_eq!(roles["roles"][0]["allowed_actions"], json!(["*"]), "it is a role like others");
    // The record says which role admitted.
    let log = client.ask("GET", "/mgmt/v1/audit/export?last=1", &Value::Null).expect("the log").1;
    assert!(log.to_string().contains("xybern-baseline"), "{log}");
    // Narrowed, ended, and not made again by a start.
    let narrow = json!({ "allowed_action_types": ["read*"] });
    assert_eq!(ask(&mut client, "PUT", "/roles/xybern-baseline", &narrow).0, 200);
    assert_eq!(word(&mut client, "pay", &agent), "block");
    assert_eq!(word(&mut client, "read_file", &agent), "allow");
    assert_eq!(ask(&mut client, "DELETE", "/roles/xybern-baseline", &Value::Null).0, 200);
    assert_eq!(word(&mut client, "read_file", &agent), "block");
    drop(plane);
    let plane = xybern(folder.path());
    assert_eq!(word(&mut plane.client(&dev), "read_file", &agent), "block");
}

#[test]
fn a_tenant_begins_with_its_baseline_while_the_plane_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(folder.path());
    scopegate(&["tenants", "create", "acme", "--dialect", "xybern", "--data"], folder.path());
    tenant(folder.path(), "plain");
    let [acme, plain] = ["acme", "plain"].map(|name| key_of(folder.path(), name, "dev"));
    let ask = |key: &str| act(&mut plane.client(key), json!({ "action_type": "pay" }))["decision"].clone();
    assert_eq!((ask(&acme), ask(&plain)), (json!("allow"), json!("block")));
    // A key in the other clothes makes nothing wider.
    let args = ["keys", "create", "--tenant", "plain", "--kind", "agent", "--prefix", "xb_", "--data"];
    let clothed = scopegate(&args, folder.path()).trim().to_owned();
    assert_eq!(ask(&clothed), json!("block"));
}

#[test]
fn an_answer_has_what_clients_read_and_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    let told = act(
        &mut client,
        json!({ "action_type": "execute_trade", "action_content": "Buy 500", "agent_id": agent,
            "metadata": { "symbol": "AAPL" }, "chain_id": "c1", "vary": true, "warrant": {} }),
    );
    for (member, expected) in [
        ("decision", json!("allow")),
        ("decision_path", json!("fast")),
        ("action_type", json!("execute_trade")),
        ("agent_id", json!(agent)),
        ("trust_score", json!(50.2)),
        ("trust", json!({ "was": 50, "is": 50.2 })),
        ("policies_evaluated", json!([])),
        ("policies_triggered", json!([])),
        ("chain_id", json!("c1")),
    ] {
        assert_eq!(told[member], expected, "{member}");
    }
    let why = told["reasoning"].as_str().expect("a sentence");
    assert_eq!(why, "permitted by role `xybern-baseline`; trust was 50 and is 50.2");
    assert!(
        told["vault_entry_id"].is_string() && told["latency_ms"].is_f64() && told["created_at"].is_string()
    );
    let id = told["decision_id"].as_str().expect("an id");
    assert!(id.starts_with("enf_"), "{id}");
    let (status, kept) = ask(&mut client, "GET", &format!("/decisions/{id}"), &Value::Null);
    assert_eq!(status, 200, "{kept}");
    let mut live = told.as_object().expect("members").clone();
    live.retain(|member, _| !["ok", "latency_ms"].contains(&member.as_str()));
    assert_eq!(kept["decision"], Value::Object(live), "what was said stands in the log");
    assert!(!kept.to_string().contains("null"));
    for unknown in ["enf_x", "enf_00000000000000000000000000000001_1", "esc_1", "%00"] {
        let (status, told) = ask(&mut client, "GET", &format!("/decisions/{unknown}"), &Value::Null);
        assert_eq!((status, told), (404, json!({ "ok": false, "error": "no such decision" })), "{unknown}");
    }
    let (status, lines) = ask(&mut client, "GET", "/red-lines?agent_id=x", &Value::Null);
    assert_eq!((status, &lines["red_lines"]), (200, &json!([])));
}

#[test]
fn an_agent_is_judged_in_one_standing_session_until_it_is_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let (dev, agent_key) = (key(folder.path(), "dev"), key(folder.path(), "agent"));
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let (one, other) = (register(&mut client, "one"), register(&mut client, "other"));
    let body = |agent: &str| json!({ "action_type": "pay", "agent_id": agent });
    let sessions: Vec<String> = std::thread::scope(|scope| {
        let ask = || {
            let mut client = plane.client(&agent_key);
            let body = body(&one);
            scope.spawn(move || session(&act(&mut client, body)))
        };
        let asked: Vec<_> = (0..8).map(|_| ask()).collect();
        asked.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
    let mut asker = plane.client(&agent_key);
    let elsewhere = [
        session(&act(&mut asker, body(&other))),
        session(&act(&mut client, body(&one))),
        session(&act(&mut asker, json!({ "action_type": "pay" }))),
    ];
    assert!(!elsewhere.contains(&sessions[0]), "another agent, another key, nobody");
    let nobody = act(&mut asker, json!({ "action_type": "pay", "agent_id": "agent_made_up" }));
    assert_eq!((session(&nobody), &nobody["agent_id"]), (elsewhere[2].clone(), &json!("agent_made_up")));
    // A restart goes on in the same session.
    let plane = plane.start_again(folder.path());
    let mut asker = plane.client(&agent_key);
    let told = act(&mut asker, body(&one));
    assert_eq!((session(&told), &told["trust"]["was"]), (sessions[0].clone(), &json!(51.8)), "nine permits");

    let mut client = plane.client(&dev);
    let stop = |client: &mut Client, on: bool| {
        let (status, told) = ask(client, "PUT", &format!("/agents/{one}"), &json!({ "is_active": on }));
        assert_eq!(status, 200, "{told}");
    };
    stop(&mut client, false);
    let told = act(&mut asker, body(&one));
    assert_eq!((&told["decision"], &told["deny_code"]), (&json!("block"), &json!("AGENT_SUSPENDED")));
    assert_eq!(word(&mut asker, "pay", &other), "allow", "nobody else is stopped");
    // Also where it has no session yet.
    let fresh = key(folder.path(), "agent");
    let told = act(&mut plane.client(&fresh), body(&one));
    assert_eq!((&told["deny_code"], &told["agent_id"]), (&json!("AGENT_SUSPENDED"), &json!(one)));
    stop(&mut client, true);
    let told = act(&mut asker, body(&one));
    assert_eq!(told["decision"], "allow", "{told}");
    // A session that somebody ended stays ended.
    let path = format!("/v1/sessions/{}", session(&told));
    assert_eq!(client.ask("DELETE", &path, &Value::Null).expect("an end").0, 200);
    let told = act(&mut asker, body(&one));
    assert_eq!((&told["decision"], &told["deny_code"]), (&json!("block"), &json!("SESSION_REVOKED")));
    // Whoever holds the key is stopped with all that it speaks for.
    let (status, _) =
        client.ask("POST", "/mgmt/v1/agents/nobody-of-that-name/suspend", &Value::Null).expect("an answer");
    assert_eq!(status, 200);
    let named = scopegate(&["keys", "create", "--kind", "agent", "--name", "ann", "--data"], folder.path());
    let mut anns = plane.client(named.trim());
    assert_eq!(word(&mut anns, "pay", &other), "allow");
    client.ask("POST", "/mgmt/v1/agents/ann/suspend", &Value::Null).expect("an answer");
    assert_eq!(word(&mut anns, "pay", &other), "block");
    assert_eq!(act(&mut anns, json!({ "action_type": "pay" }))["deny_code"], "AGENT_SUSPENDED");
}

#[test]
fn an_agents_own_credential_speaks_for_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    tenant(folder.path(), "acme");
    let foreign = key_of(folder.path(), "acme", "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let (status, made) = ask(&mut client, "POST", "/agents", &json!({ "name": "itself" }));
    assert_eq!(status, 201);
    let signer = Signer::of(&made["credential"]);
    let (itself, other) =
        (made["agent"]["agent_id"].as_str().expect("an id"), register(&mut client, "other"));
    let speak = |agent: Value| {
        let body = json!({ "action_type": "pay", "agent_id": agent });
        let (status, told) = signer.agent(&plane).ask("POST", &format!("{ENFORCE}/intercept"), &body);
        assert_eq!(status, 200, "{told}");
        told
    };
    for agent in [Value::Null, json!(""), json!(itself)] {
        let told = speak(agent);
        assert_eq!((&told["decision"], &told["agent_id"]), (&json!("allow"), &json!(itself)), "{told}");
    }
    for agent in [json!(other), json!("agent_nobody")] {
        let told = speak(agent);
        assert_eq!(told["decision"], "block", "{told}");
        assert!(told["reasoning"].as_str().expect("a sentence").contains("speaks for no other"), "{told}");
    }
    let (_, others) = ask(&mut client, "GET", &format!("/agents/{other}"), &Value::Null);
    assert_eq!(others["agent"]["total_actions"], json!(0), "nothing of it is the other's");
    // A key with the agent's name is the agent, too.
    let named = scopegate(&["keys", "create", "--kind", "agent", "--name", itself, "--data"], folder.path());
    assert_eq!(word(&mut plane.client(named.trim()), "pay", &other), "block");
    // Another tenant's agent is nobody.
    let mut foreign = plane.client(&foreign);
    let strangers = register(&mut foreign, "stranger");
    let told = act(&mut client, json!({ "action_type": "pay", "agent_id": strangers }));
    assert_eq!((&told["decision"], &told["agent_id"]), (&json!("allow"), &json!(strangers)));
    let (_, strange) = ask(&mut foreign, "GET", &format!("/agents/{strangers}"), &Value::Null);
    assert_eq!(strange["agent"]["total_actions"], json!(0));
}

#[test]
fn trust_moves_with_decisions_and_with_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    let denied = json!({ "permissions": { "denied_action_types": ["drop_*"] } });
    assert_eq!(ask(&mut client, "PUT", &format!("/agents/{agent}"), &denied).0, 200);
    let moved = |told: &Value| (told["trust"]["was"].clone(), told["trust"]["is"].clone());
    let body = |action: &str| json!({ "action_type": action, "agent_id": agent });
    assert_eq!(moved(&act(&mut client, body("pay"))), (json!(50), json!(50.2)));
    let told = act(&mut client, body("drop_table"));
    assert_eq!((&told["deny_code"], moved(&told)), (&json!("ACTION_FORBIDDEN"), (json!(50.2), json!(48.2))));
    assert_eq!(told["decision_path"], "prohibited");
    // A preflight, and what an observer tells of what was done already.
    assert_eq!(moved(&act(&mut client, body("preflight_check"))), (json!(48.2), json!(48.2)));
    let observed = json!({ "action_type": "drop_table", "agent_id": agent,
        "metadata": { "framework": "crewai", "content_sha256": "00" } });
    let (_, batch) = ask(&mut client, "POST", "/batch", &json!({ "actions": [observed, body("pay")] }));
    assert_eq!(moved(&batch["results"][0]), (json!(48.2), json!(48.2)));
    assert_eq!(moved(&batch["results"][1]), (json!(48.2), json!(48.4)));
    // What is hostile costs trust, as every denial does.
    let hostile = json!({ "action_type": "pay", "agent_id": agent, "metadata": 5 });
    assert_eq!(moved(&act(&mut client, hostile)), (json!(48.4), json!(46.4)));
    // A restart goes on there.
    let plane = plane.start_again(folder.path());
    let mut client = plane.client(&dev);
    let (_, shown) = ask(&mut client, "GET", &format!("/agents/{agent}"), &Value::Null);
    assert_eq!(shown["agent"]["trust_level"], json!(46.4));
    assert_eq!(moved(&act(&mut client, body("pay"))), (json!(46.4), json!(46.6)));
    let (_, history) = ask(&mut client, "GET", &format!("/agents/{agent}/history"), &Value::Null);
    let levels: Vec<_> = history["trust_history"]
        .as_array()
        .expect("moves")
        .iter()
        .map(|one| one["trust_level"].clone())
        .collect();
    assert_eq!(levels, [46.6, 46.4, 48.4, 48.2, 48.2, 48.2, 50.2].map(|level| json!(level)));
}

#[test]
fn a_call_that_needs_a_person_is_escalated() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    let (status, told) = client
        .ask("PUT", "/mgmt/v1/roles/xybern-baseline", &json!({ "approval_required": ["pay"] }))
        .expect("an answer");
    assert_eq!(status, 200, "{told}");
    let body = json!({ "action_type": "pay", "agent_id": agent });
    let told = act(&mut client, body.clone());
    assert_eq!((&told["decision"], &told["decision_path"]), (&json!("escalate"), &json!("escalation")));
    assert!(told["escalation_id"].as_str().expect("an id").starts_with("esc_"));
    assert_eq!(told["trust"], json!({ "was": 50, "is": 49.5 }));
    let again = act(&mut client, body);
    assert_eq!(again["escalation_id"], told["escalation_id"], "the same review");
    assert_eq!(again["trust"], json!({ "was": 49.5, "is": 49.5 }), "to ask again is no new hold");
    let id = told["decision_id"].as_str().expect("an id");
    let (_, kept) = ask(&mut client, "GET", &format!("/decisions/{id}"), &Value::Null);
    assert_eq!(kept["decision"]["escalation_id"], told["escalation_id"]);

    // Whoever holds the key that asked cannot agree, although it asked in the agent's name.
    let [asker, owner, other] =
        [("agent", "ann"), ("approver", "ann"), ("approver", "bob")].map(|(kind, name)| {
            let args = ["keys", "create", "--kind", kind, "--name", name, "--data"];
            scopegate(&args, folder.path()).trim().to_owned()
        });
    let body = json!({ "action_type": "pay", "agent_id": agent, "action_content": "another" });
    let told = act(&mut plane.client(&asker), body);
    let review = told["escalation_id"].as_str().and_then(|id| id.strip_prefix("esc_")).expect("an id");
    let path = format!("/v1/approvals/{review}/approve");
    let approve = |key: &str| plane.client(key).ask("POST", &path, &json!({})).expect("an answer");
    let (status, refused) = approve(&owner);
    assert_eq!(status, 403, "{refused}");
    assert_eq!(approve(&other).0, 200);
}

#[test]
fn what_names_an_unknown_session_or_grant_is_blocked() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    for (member, value) in [
        ("session_id", json!("ses_1")),
        ("grant_id", json!("dlg_1")),
        ("federation_token", json!("t")),
        ("agent_id", json!(7)),
        ("action_content", json!([])),
        ("metadata", json!("{}")),
        ("chain_step", json!(-1)),
    ] {
        let mut body = json!({ "action_type": "pay" });
        body[member] = value;
        assert_eq!(act(&mut client, body)["decision"], "block", "{member}");
    }
    for (member, value) in [("session_id", json!(null)), ("grant_id", json!("")), ("metadata", json!(null))] {
        let mut body = json!({ "action_type": "pay" });
        body[member] = value;
        assert_eq!(act(&mut client, body)["decision"], "allow", "{member}");
    }
    let twice = r#"{"action_type":"pay","metadata":{"a":1,"a":2}}"#;
    let (status, told) = client.text("POST", &format!("{ENFORCE}/intercept"), twice).expect("an answer");
    assert_eq!((status, &told["deny_code"]), (200, &json!("INVALID_ARGUMENTS")), "{told}");
    for (body, why) in [("{", "not JSON"), ("[]", "must be a JSON object"), ("{}", "`action_type` is needed")]
    {
        let (status, told) = client.text("POST", &format!("{ENFORCE}/intercept"), body).expect("an answer");
        assert_eq!((status, &told["ok"]), (400, &json!(false)), "{body}");
        assert!(told["error"].as_str().expect("why").contains(why), "{told}");
    }
    // An approver decides nothing of its own.
    let approver = key(folder.path(), "approver");
    let (status, _) =
        ask(&mut plane.client(&approver), "POST", "/intercept", &json!({ "action_type": "pay" }));
    assert_eq!(status, 403);
}
