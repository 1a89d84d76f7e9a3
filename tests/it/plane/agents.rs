//! Agents of a plane: registered once, changed, looked into, deactivated.

use serde_json::{Value, json};

use super::signing::Signer;
use crate::served::{Client, Plane, key, key_of, tenant};

const AGENTS: &str = "/api/v1/enforce/agents";

fn ask(client: &mut Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    client.ask(method, path, body).expect("an answer")
}

/// Registers an agent; all that the plane says of it.
fn register(client: &mut Client, name: &str) -> Value {
    let (status, told) = ask(client, "POST", AGENTS, &json!({ "name": name, "framework": "langchain" }));
    assert_eq!((status, &told["ok"]), (201, &json!(true)), "{told}");
    told
}

fn id(told: &Value) -> &str {
    told["agent"]["agent_id"].as_str().expect("an id")
}

#[test]
fn an_agent_is_registered_once_and_its_private_key_shown_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    let body = json!({ "name": "TradeBot", "framework": "langchain", "scopes": ["execute_trade"],
        "description": null, "capabilities": ["trade"], "permissions": {}, "credential_ttl_days": 30 });
    let (status, first) = ask(&mut client, "POST", AGENTS, &body);
    assert_eq!(status, 201, "{first}");
    let (agent, credential) = (&first["agent"], &first["credential"]);
    assert_eq!((&agent["name"], &agent["framework"]), (&json!("TradeBot"), &json!("langchain")));
    assert_eq!((&agent["scopes"], &agent["is_active"]), (&json!(["execute_trade"]), &json!(true)));
    assert_eq!((&agent["trust_level"], &agent["total_actions"]), (&json!(50), &json!(0)));
    assert_eq!(agent["did"], json!(format!("did:xybern:default:{}", id(&first))));
    assert_eq!(agent.get("description"), None, "what has no value is left out");
    let private = credential["private_key"].as_str().expect("a private key");
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{private}");

    // Again, with other words: the same agent as it was, and no private key.
    let again = json!({ "name": "TradeBot", "framework": "langchain", "scopes": ["everything"] });
    let (status, second) = ask(&mut client, "POST", "/v1/enforce/agents", &again);
    assert_eq!((status, &second["agent"]), (200, agent));
    assert_eq!(second["credential"]["credential_id"], credential["credential_id"]);
    assert_eq!(second["credential"].get("private_key"), None);
    let other = json!({ "name": "TradeBot" });
    let (status, other) = ask(&mut client, "POST", AGENTS, &other);
    assert_eq!((status, &other["agent"]["framework"]), (201, &json!("custom")), "another framework");

    // Neither the store nor a later answer has the private key.
    let secret = private.lines().nth(1).expect("the key").to_owned();
    for path in ["", "/credentials", "/credentials/active", "/history"] {
        let (status, told) = ask(&mut client, "GET", &format!("{AGENTS}/{}{path}", id(&first)), &Value::Null);
        assert_eq!(status, 200, "{told}");
        assert!(!told.to_string().contains(&secret), "{path}");
    }
    let seed = Signer::of(credential).seed();
    drop(plane);
    for file in std::fs::read_dir(folder.path()).expect("the store").flatten().map(|file| file.path()) {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!holds(secret.as_bytes()) && !holds(&seed), "{}", file.display());
    }
    // A later process knows the agent.
    let plane = Plane::start(folder.path());
    let (_, known) = ask(&mut plane.client(&dev), "POST", AGENTS, &again);
    assert_eq!(known["agent"]["agent_id"], first["agent"]["agent_id"]);
}

#[test]
fn registering_at_once_makes_one_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let admin = key(folder.path(), "admin");
    let plane = Plane::start(folder.path());
    let body = &json!({ "name": "bot" });
    let told: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let ask = || {
            let mut client = plane.client(&admin);
            scope.spawn(move || ask(&mut client, "POST", AGENTS, body))
        };
        let asked: Vec<_> = (0..16).map(|_| ask()).collect();
        asked.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert_eq!(told.iter().filter(|(status, _)| *status == 201).count(), 1);
    assert!(told.iter().all(|(_, one)| id(one) == id(&told[0].1)));
    assert_eq!(told.iter().filter(|(_, one)| one["credential"].get("private_key").is_some()).count(), 1);
}

#[test]
fn an_agents_own_key_finds_agents_and_makes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let (admin, agent) = (key(folder.path(), "admin"), key(folder.path(), "agent"));
    let plane = Plane::start(folder.path());
    let made = register(&mut plane.client(&admin), "bot");
    let mut client = plane.client(&agent);
    let (status, found) =
        ask(&mut client, "POST", AGENTS, &json!({ "name": "bot", "framework": "langchain" }));
    assert_eq!((status, id(&found), found.get("credential")), (200, id(&made), None));
    // Itself, it tells what it should prove itself with.
    let signer = Signer::of(&made["credential"]);
    let body = json!({ "name": "bot", "framework": "langchain" });
    let (status, own) = signer.agent(&plane).ask("POST", AGENTS, &body);
    assert_eq!((status, &own["credential"]["credential_id"]), (200, &made["credential"]["credential_id"]));
    let (status, refused) = ask(&mut client, "POST", AGENTS, &json!({ "name": "another" }));
    let why = json!({ "ok": false, "error": "a new agent is registered with a key of kind admin" });
    assert_eq!((status, refused), (403, why));
    // It sees who is there, and looks into nobody but itself.
    let at = format!("{AGENTS}/{}", id(&made));
    assert_eq!(ask(&mut client, "GET", &at, &Value::Null).0, 200);
    for path in ["/history", "/communications", "/credentials", "/credentials/active"] {
        let (status, told) = ask(&mut client, "GET", &format!("{at}{path}"), &Value::Null);
        assert_eq!((status, told), (404, json!({ "ok": false, "error": "no such agent" })), "{path}");
    }
}

#[test]
fn pages_are_bounded_and_hostile_ones_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    for name in ["a", "b", "c", "d", "e"] {
        register(&mut client, name);
    }
    let mut list = |query: &str| ask(&mut client, "GET", &format!("{AGENTS}{query}"), &Value::Null);
    let names = |told: &Value| -> String {
        let agents = told["agents"].as_array().expect("agents").iter();
        agents.map(|agent| agent["name"].as_str().expect("a name")).collect()
    };
    for (query, expected, per_page) in [
        ("", "abcde", 500),
        ("?per_page=2", "ab", 2),
        ("?per_page=2&page=3", "e", 2),
        ("?page=4&per_page=2", "", 2),
        ("?page=999999999&per_page=999999999", "", 500),
        ("?per_page=501", "abcde", 500),
        ("?other=1", "abcde", 500),
    ] {
        let (status, told) = list(query);
        assert_eq!((status, names(&told).as_str()), (200, expected), "{query}");
        assert_eq!((&told["total"], &told["per_page"]), (&json!(5), &json!(per_page)), "{query}");
    }
    for query in [
        "?page=0",
        "?page=-1",
        "?per_page=0",
        "?per_page=x",
        "?page=",
        "?page=1&page=2",
        "?per_page=99999999999999999999",
        "?page=1.0",
    ] {
        let (status, told) = list(query);
        assert_eq!((status, &told["ok"]), (400, &json!(false)), "{query}: {told}");
    }
}

#[test]
fn what_is_changed_is_what_was_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    let (first, second) = (register(&mut client, "first"), register(&mut client, "second"));
    let at = format!("{AGENTS}/{}", id(&first));
    let mut put = |body: Value| ask(&mut client, "PUT", &at, &body);
    let (status, told) = put(json!({ "description": "pays", "scopes": ["pay"] }));
    assert_eq!((status, &told["agent"]["description"]), (200, &json!("pays")));
    let (_, told) = put(json!({ "name": "renamed", "description": null }));
    assert_eq!((&told["agent"]["name"], &told["agent"]["description"]), (&json!("renamed"), &json!("pays")));
    assert_eq!(told["agent"]["scopes"], json!(["pay"]));
    assert_eq!(put(json!({ "name": second["agent"]["name"] })).0, 409);
    for bad in [
        json!({ "trust_level": 100 }),
        json!({ "permissions": { "max_amount": 5 } }),
        json!({ "name": "" }),
        json!({ "is_active": "yes" }),
    ] {
        let (status, told) = put(bad.clone());
        assert_eq!((status, &told["ok"]), (400, &json!(false)), "{bad}: {told}");
    }
    // The old name is free, and a later process knows the new one.
    register(&mut client, "first");
    drop(plane);
    let plane = Plane::start(folder.path());
    let (_, told) = ask(&mut plane.client(&dev), "GET", &at, &Value::Null);
    assert_eq!((&told["agent"]["name"], &told["agent"]["scopes"]), (&json!("renamed"), &json!(["pay"])));
}

/// A role `payer` that may `pay`, and not `steal`; and `hold` when a person agrees.
fn payer(client: &mut Client) {
    let role = json!({ "name": "payer", "allowed_tools": ["pay", "hold"], "approval_required": ["hold"] });
    assert_eq!(ask(client, "POST", "/mgmt/v1/roles", &role).0, 201);
}

#[test]
fn a_deactivated_agent_is_denied_at_once_and_its_sessions_are_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let mut plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    payer(&mut client);
    let made = register(&mut client, "bot");
    let signer = Signer::of(&made["credential"]);
    let agent = signer.agent(&plane);
    let jwt = agent.provision("payer").1["jwt"].as_str().expect("a session").to_owned();
    assert_eq!(agent.enforce(&jwt, "pay")["decision"], "allow");

    let at = format!("{AGENTS}/{}", id(&made));
    let (status, told) = ask(&mut client, "DELETE", &at, &Value::Null);
    assert_eq!((status, &told["agent"]["is_active"]), (200, &json!(false)), "{told}");
    let denied = agent.enforce(&jwt, "pay");
    assert_eq!((&denied["decision"], &denied["deny_code"]), (&json!("deny"), &json!("AGENT_SUSPENDED")));
    assert_eq!(agent.provision("payer").0, 403);
    let (_, sessions) = ask(&mut client, "GET", "/v1/sessions", &Value::Null);
    assert_eq!(sessions["sessions"][0]["status"], "revoked", "{sessions}");
    assert_eq!(ask(&mut client, "DELETE", &at, &Value::Null).0, 200, "twice is fine");
    // It stays listed, and registering it again does not let it go on.
    let again = json!({ "name": "bot", "framework": "langchain" });
    let (status, told) = ask(&mut client, "POST", AGENTS, &again);
    assert_eq!((status, &told["agent"]["is_active"]), (200, &json!(false)));

    // So it is to a later process, until somebody lets it go on; the sessions of before stay over.
    drop(plane);
    plane = Plane::start(folder.path());
    let (agent, mut client) = (signer.agent(&plane), plane.client(&dev));
    assert_eq!(agent.enforce(&jwt, "pay")["deny_code"], "AGENT_SUSPENDED");
    let (status, told) = ask(&mut client, "PUT", &at, &json!({ "is_active": true }));
    assert_eq!((status, &told["agent"]["is_active"]), (200, &json!(true)), "{told}");
    assert_eq!(told["agent"].get("deactivated_at"), None);
    assert_eq!(agent.enforce(&jwt, "pay")["deny_code"], "SESSION_REVOKED");
    let (status, session) = agent.provision("payer");
    assert_eq!(status, 200, "{session}");
    assert_eq!(agent.enforce(session["jwt"].as_str().expect("a session"), "pay")["decision"], "allow");
}

#[test]
fn who_is_suspended_by_name_is_no_active_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    let made = register(&mut client, "bot");
    let at = format!("{AGENTS}/{}", id(&made));
    for (action, active) in [("suspend", false), ("readmit", true)] {
        let path = format!("/mgmt/v1/agents/{}/{action}", id(&made));
        assert_eq!(ask(&mut client, "POST", &path, &json!({})).0, 200);
        let (_, told) = ask(&mut client, "GET", &at, &Value::Null);
        assert_eq!(told["agent"]["is_active"], json!(active), "{action}");
    }
}

#[test]
fn history_tells_what_was_decided_and_counts_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    payer(&mut client);
    let (made, other) = (register(&mut client, "bot"), register(&mut client, "other"));
    let agent = Signer::of(&made["credential"]);
    let agent = agent.agent(&plane);
    let jwt = agent.provision("payer").1["jwt"].as_str().expect("a session").to_owned();
    for tool in ["pay", "steal", "hold", "pay"] {
        agent.enforce(&jwt, tool);
    }
    let at = format!("{AGENTS}/{}", id(&made));
    drop(plane);
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    let (_, told) = ask(&mut client, "GET", &at, &Value::Null);
    let counts = ["total_actions", "allowed_actions", "blocked_actions", "escalated_actions"];
    assert_eq!(counts.map(|name| told["agent"][name].as_u64().expect("a count")), [4, 2, 1, 1]);
    assert!(told["agent"]["last_seen_at"].is_string());

    let mut history = |query: &str| {
        let (status, told) = ask(&mut client, "GET", &format!("{at}/history{query}"), &Value::Null);
        assert_eq!(status, 200, "{told}");
        let rows = told["history"].as_array().expect("rows").clone();
        let short = |row: &Value| format!("{} {}", row["decision"], row["action_type"]).replace('"', "");
        (rows.iter().map(short).collect::<Vec<_>>(), rows, told["total"].as_u64().expect("a total"))
    };
    let all = ["allow pay", "escalate hold", "block steal", "allow pay"].map(str::to_owned);
    let (short, rows, total) = history("");
    assert_eq!((short.as_slice(), total), (all.as_slice(), 4));
    assert_eq!((&rows[2]["deny_code"], &rows[0].get("deny_code")), (&json!("SCOPE_VIOLATION"), &None));
    assert!(rows.iter().all(|row| row["reasoning"].is_string() && row["created_at"].is_string()));
    assert_eq!(history("?per_page=1&page=3").0, all[2..3]);
    assert_eq!(history("?page=9").0, [""; 0]);
    let (_, nothing) = ask(&mut client, "GET", &format!("{AGENTS}/{}/history", id(&other)), &Value::Null);
    assert_eq!((&nothing["history"], &nothing["total"]), (&json!([]), &json!(0)), "nobody else's");
    let (_, none) = ask(&mut client, "GET", &format!("{at}/communications"), &Value::Null);
    assert_eq!((&none["communications"], &none["total"]), (&json!([]), &json!(0)));
}

#[test]
fn agents_of_two_tenants_of_one_name_have_nothing_to_do_with_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    tenant(folder.path(), "other");
    let (ours, theirs) = (key(folder.path(), "dev"), key_of(folder.path(), "other", "dev"));
    let plane = Plane::start(folder.path());
    let (first, second) =
        (register(&mut plane.client(&ours), "bot"), register(&mut plane.client(&theirs), "bot"));
    assert_ne!(id(&first), id(&second));
    // An assertion for one says nothing to the other, whatever audience it names.
    let signer = Signer::of(&first["credential"]);
    for audience in ["scopegate:other", "scopegate:default "] {
        let mut claims = signer.claims();
        claims["aud"] = json!(audience);
        let (status, told) = signer.agent(&plane).present(&signer.sign(&signer.header(), &claims));
        assert_eq!(status, 401, "{told}");
    }
}
