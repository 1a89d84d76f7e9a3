//! Batches, messages between agents, and decisions as people look for them.

use serde_json::{Value, json};

use super::actions::{act, ask, register, xybern};
use super::signing::Signer;
use crate::served::{Client, key, key_of, tenant};

fn words(batch: &Value) -> Vec<&str> {
    let results = batch["results"].as_array().expect("results").iter();
    results.map(|one| one["decision"].as_str().expect("a word")).collect()
}

fn batch(client: &mut Client, actions: &[Value]) -> Value {
    let (status, told) = ask(client, "POST", "/batch", &json!({ "actions": actions }));
    assert_eq!((status, &told["ok"]), (200, &json!(true)), "{told}");
    told
}

#[test]
fn a_batch_is_decided_in_order_each_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    let denied = json!({ "permissions": { "denied_action_types": ["drop_*"] } });
    assert_eq!(ask(&mut client, "PUT", &format!("/agents/{agent}"), &denied).0, 200);
    let told = batch(
        &mut client,
        &[
            json!({ "ref": "step-1", "action_type": "read_file", "agent_id": agent }),
            json!({ "ref": 2, "action_type": "drop_all", "agent_id": agent }),
            json!({ "ref": "step-1", "action_type": "read_file", "agent_id": agent }),
            json!({ "ref": "bad", "agent_id": agent }),
            json!(7),
            json!({ "action_type": "read_file", "agent_id": "agent_nobody", "metadata": { "n": null } }),
        ],
    );
    assert_eq!(words(&told), ["allow", "block", "allow", "block", "block", "allow"]);
    let counts = ["total", "allowed", "blocked", "escalated"].map(|count| told[count].clone());
    assert_eq!(counts, [6, 3, 3, 0].map(|count| json!(count)));
    let refs: Vec<_> =
        told["results"].as_array().expect("results").iter().map(|one| one.get("ref")).collect();
    assert_eq!(
        refs,
        [Some(&json!("step-1")), Some(&json!(2)), Some(&json!("step-1")), Some(&json!("bad")), None, None]
    );
    let ids: std::collections::HashSet<_> = told["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|one| one["decision_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 6, "the same action twice is two decisions");
    let trust: Vec<_> = (0..3).map(|at| told["results"][at]["trust"]["is"].clone()).collect();
    assert_eq!(trust, [50.2, 48.2, 48.4].map(|level| json!(level)), "each sees those before it");

    let body = r#"{"actions":[{"ref":"a","action_type":"x","metadata":{"n":1,"n":1}},{"ref":"b","action_type":"x"}]}"#;
    let (status, told) = client.text("POST", "/v1/enforce/batch", body).expect("an answer");
    assert_eq!((status, words(&told)), (200, vec!["block", "allow"]), "{told}");
    assert_eq!(told["results"][0]["ref"], json!("a"));

    let many = |count: usize| vec![json!({ "action_type": "pay", "agent_id": agent }); count];
    let told = batch(&mut client, &many(500));
    assert_eq!((&told["allowed"], &told["total"]), (&json!(500), &json!(500)));
    assert_eq!(told["results"][499]["trust_score"], json!(100), "counted one by one");
    let (status, told) = ask(&mut client, "POST", "/batch", &json!({ "actions": many(501) }));
    assert_eq!((status, &told["ok"]), (400, &json!(false)));
    assert!(told["error"].as_str().expect("why").contains("at most 500 actions"), "{told}");
    for bad in [json!({}), json!([]), json!({ "actions": null }), json!({ "actions": "x" })] {
        assert_eq!(ask(&mut client, "POST", "/batch", &bad).0, 400, "{bad}");
    }
    assert_eq!(batch(&mut client, &[])["total"], json!(0));

    // A run's budget counts what comes in a batch, too.
    let begin = json!({ "agent_id": agent, "budgets": { "max_actions": 2 } });
    let (status, run) = ask(&mut client, "POST", "/sessions/start", &begin);
    assert_eq!(status, 201, "{run}");
    let within = json!({ "action_type": "pay", "agent_id": agent, "session_id": run["session_id"] });
    let told = batch(&mut client, &vec![within; 4]);
    assert_eq!(words(&told), ["allow", "allow", "terminate", "terminate"]);
}

#[test]
fn decisions_are_looked_for_by_what_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    tenant(folder.path(), "acme");
    let dev = key(folder.path(), "dev");
    let (auditor, agents, others) =
        (key(folder.path(), "auditor"), key(folder.path(), "agent"), key(folder.path(), "agent"));
    let foreign = key_of(folder.path(), "acme", "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let (status, made) = ask(&mut client, "POST", "/agents", &json!({ "name": "bot" }));
    assert_eq!(status, 201);
    let signer = Signer::of(&made["credential"]);
    let (bot, cat) =
        (made["agent"]["agent_id"].as_str().expect("an id").to_owned(), register(&mut client, "cat"));
    let baseline = json!({ "denied_actions": ["drop"], "approval_required": ["hire"] });
    assert_eq!(client.ask("PUT", "/mgmt/v1/roles/xybern-baseline", &baseline).expect("an answer").0, 200);
    let mut asker = plane.client(&agents);
    for (agent, action) in
        [(&bot, "pay"), (&cat, "pay"), (&bot, "drop"), (&cat, "hire"), (&bot, "pay"), (&bot, "read")]
    {
        act(&mut asker, json!({ "action_type": action, "agent_id": agent }));
    }
    act(&mut client, json!({ "action_type": "read", "agent_id": "agent_made_up" }));

    let mut look = plane.client(&auditor);
    let mut found = |query: &str| {
        let (status, told) = ask(&mut look, "GET", &format!("/decisions{query}"), &Value::Null);
        assert_eq!(status, 200, "{query} {told}");
        assert!(!told.to_string().contains("null"), "{told}");
        let rows = told["decisions"].as_array().expect("rows").iter();
        let rows: Vec<String> = rows
            .map(|row| {
                assert!(row["created_at"].is_string() && row["reasoning"].is_string());
                assert!(row["trust_score"].is_number(), "{row}");
                format!(
                    "{} {}",
                    row["decision"].as_str().expect("a word"),
                    row["action_type"].as_str().expect("a type")
                )
            })
            .collect();
        (rows, told["total"].as_u64().expect("a total"))
    };
    let all =
        ["allow read", "allow read", "allow pay", "escalate hire", "block drop", "allow pay", "allow pay"];
    assert_eq!(found(""), (all.map(str::to_owned).to_vec(), 7), "newest first");
    for (query, rows, total) in [
        ("?decision=block", vec!["block drop"], 1),
        ("?decision=escalate", vec!["escalate hire"], 1),
        ("?decision=terminate", vec![], 0),
        ("?action_type=pay&per_page=2", vec!["allow pay", "allow pay"], 3),
        ("?action_type=pay&per_page=2&page=2", vec!["allow pay"], 3),
        ("?agent_id=agent_made_up", vec!["allow read"], 1),
        ("?agent_id=agent_nobody", vec![], 0),
        ("?decision=allow&action_type=read", vec!["allow read", "allow read"], 2),
        ("?decision=&action_type=&agent_id=&per_page=1", vec!["allow read"], 7),
        ("?page=999999999&per_page=999999999", vec![], 7),
        ("?action_type=%27%20OR%201=1--", vec![], 0),
    ] {
        let (got, count) = found(query);
        assert_eq!((got.iter().map(String::as_str).collect::<Vec<_>>(), count), (rows, total), "{query}");
    }
    assert_eq!(found(&format!("?agent_id={cat}")).1, 2);
    for bad in [
        "?page=0",
        "?page=-1",
        "?per_page=0",
        "?per_page=x",
        "?page=1&page=2",
        "?decision=permit",
        "?decision=ALLOW",
    ] {
        let (status, told) =
            ask(&mut plane.client(&auditor), "GET", &format!("/decisions{bad}"), &Value::Null);
        assert_eq!((status, &told["ok"]), (400, &json!(false)), "{bad} {told}");
    }
    let (_, stats) = ask(&mut plane.client(&auditor), "GET", "/stats", &Value::Null);
    let counts =
        ["total_decisions", "allowed", "blocked", "escalated", "total_agents"].map(|one| stats[one].clone());
    assert_eq!(counts, [7, 5, 1, 1, 2].map(|count| json!(count)), "{stats}");

    // Keys of agents see what they asked, agents what was decided for them, and tenants nothing of each other.
    let total = |client: &mut Client| ask(client, "GET", "/decisions", &Value::Null).1["total"].clone();
    assert_eq!((total(&mut asker), total(&mut plane.client(&others))), (json!(6), json!(0)));
    assert_eq!(total(&mut plane.client(&foreign)), json!(0));
    let (_, own) = signer.agent(&plane).ask("GET", "/v1/enforce/decisions", &Value::Null);
    assert_eq!(own["total"], json!(4));
    let (_, cats) =
        signer.agent(&plane).ask("GET", &format!("/v1/enforce/decisions?agent_id={cat}"), &Value::Null);
    assert_eq!(cats["total"], json!(0));
    let id = own["decisions"][0]["decision_id"].as_str().expect("an id");
    let path = format!("/decisions/{id}");
    for (key, status) in [(&agents, 200), (&others, 404), (&foreign, 404), (&auditor, 200)] {
        assert_eq!(ask(&mut plane.client(key), "GET", &path, &Value::Null).0, status);
    }
    // What an agent's history names is found, too.
    let (_, history) = ask(&mut client, "GET", &format!("/agents/{bot}/history"), &Value::Null);
    for row in history["history"].as_array().expect("rows") {
        let id = row["decision_id"].as_str().expect("an id");
        assert_eq!(ask(&mut client, "GET", &format!("/decisions/{id}"), &Value::Null).0, 200);
    }
}

#[test]
fn agents_speak_to_each_other_through_the_plane() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let (status, made) = ask(&mut client, "POST", "/agents", &json!({ "name": "bot" }));
    assert_eq!(status, 201);
    let signer = Signer::of(&made["credential"]);
    let (bot, cat) =
        (made["agent"]["agent_id"].as_str().expect("an id").to_owned(), register(&mut client, "cat"));
    let mut say = |source: &str, target: &str| {
        let body = json!({ "source_agent_id": source, "target_agent_id": target, "instruction": "file it",
            "metadata": {}, "chain_id": "c", "chain_step": 1 });
        let (status, told) = ask(&mut client, "POST", "/agent-comm", &body);
        assert_eq!(status, 200, "{told}");
        told
    };
    let told = say(&bot, &cat);
    assert_eq!((&told["decision"], &told["target_agent_id"]), (&json!("allow"), &json!(cat)));
    say(&cat, &bot);
    say("agent_nobody", &cat);
    let told_of = |agent: &str| {
        let path = format!("/v1/enforce/agents/{agent}/communications");
        let (status, told) = plane.client(&dev).ask("GET", &path, &Value::Null).expect("an answer");
        assert_eq!(status, 200, "{told}");
        let rows = told["communications"].as_array().expect("rows").iter();
        let sides = rows.map(|row| (row["source_agent_id"].clone(), row["target_agent_id"].clone()));
        (sides.collect::<Vec<_>>(), told["total"].clone())
    };
    let (first, second) = ((json!(bot), json!(cat)), (json!(cat), json!(bot)));
    let third = (json!("agent_nobody"), json!(cat));
    assert_eq!(told_of(&cat), (vec![third, second.clone(), first.clone()], json!(3)));
    assert_eq!(told_of(&bot), (vec![second, first], json!(2)));
    // An agent speaks for itself.
    let body = json!({ "source_agent_id": cat, "target_agent_id": bot, "instruction": "x" });
    let (status, told) = signer.agent(&plane).ask("POST", "/v1/enforce/agent-comm", &body);
    assert_eq!((status, &told["decision"]), (200, &json!("block")), "{told}");
    for bad in [json!({}), json!({ "source_agent_id": bot }), json!({ "target_agent_id": bot })] {
        assert_eq!(ask(&mut plane.client(&dev), "POST", "/agent-comm", &bad).0, 400, "{bad}");
    }
}

#[test]
fn policies_decide_on_actions_and_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = xybern(folder.path());
    let mut client = plane.client(&dev);
    let agent = register(&mut client, "bot");
    let make = |client: &mut Client, policy: Value| {
        let (status, told) = ask(client, "POST", "/policies", &policy);
        assert_eq!(status, 201, "{told}");
        told["policy"]["policy_id"].as_str().expect("an id").to_owned()
    };
    // The seed's own example: a threshold, which the agent is below from the start.
    let high = make(
        &mut client,
        json!({ "name": "Block high-value trades", "policy_type": "threshold", "action_types": ["execute_trade"],
            "decision": "escalate", "trust_threshold": 80 }),
    );
    let secret = make(
        &mut client,
        json!({ "name": "No secrets", "policy_type": "content_pattern", "decision": "block",
            "conditions": { "patterns": ["(?i)password"] } }),
    );
    make(
        &mut client,
        json!({ "name": "Looked at", "policy_type": "action_type", "action_types": ["read_*"],
            "decision": "block", "mode": "shadow" }),
    );
    let body = |action: &str, content: &str| json!({ "action_type": action, "action_content": content, "agent_id": agent });
    for (action, content, decision, ids) in [
        ("execute_trade", "Buy 500 AAPL", "escalate", vec![&high]),
        ("send_email", "the Password is x", "block", vec![&secret]),
        ("execute_trade", "password", "block", vec![&secret, &high]),
        ("send_email", "hello", "allow", vec![]),
    ] {
        let told = act(&mut client, body(action, content));
        assert_eq!(told["decision"], decision, "{told}");
        let triggered = told["policies_triggered"].as_array().expect("policies");
        let got: Vec<_> = triggered.iter().map(|one| one["policy_id"].as_str().expect("an id")).collect();
        assert_eq!(got, ids, "{told}");
        for one in triggered {
            assert!(one["name"].is_string() && one["reason"].is_string() && one["decision"].is_string());
        }
        let id = told["decision_id"].as_str().expect("an id");
        let (_, kept) = ask(&mut client, "GET", &format!("/decisions/{id}"), &Value::Null);
        assert_eq!(kept["decision"]["policies_triggered"], told["policies_triggered"]);
    }
    let told = act(&mut client, body("read_file", "x"));
    let shadow = json!({ "shadow_decision": "block", "live_decision": "allow", "would_have_changed": true });
    for member in ["shadow_decision", "live_decision", "would_have_changed"] {
        assert_eq!(told["shadow_results"][member], shadow[member], "{told}");
    }
    // An agent that has earned it is above the threshold, and what a client says of its chain restricts.
    for _ in 0..200 {
        act(&mut client, body("send_email", "hello"));
    }
    assert_eq!(act(&mut client, body("execute_trade", "Buy"))["decision"], "allow");
    make(
        &mut client,
        json!({ "name": "Two hands", "policy_type": "chain_of_custody", "decision": "block",
            "conditions": { "max_chain_depth": 1 } }),
    );
    let first = act(&mut client, body("read_file", "x"));
    let follow = |client: &mut Client, parent: &Value, step: u64| {
        let mut next = body("read_file", "x");
        next["parent_decision_id"] = parent.clone();
        next["chain_step"] = json!(step);
        act(client, next)
    };
    let second = follow(&mut client, &first["decision_id"], 0);
    assert_eq!((&first["decision"], &second["decision"]), (&json!("allow"), &json!("allow")));
    let third = follow(&mut client, &second["decision_id"], 0);
    assert_eq!(third["decision"], "block", "two decisions before it");
    assert_eq!(follow(&mut client, &json!("enf_unknown"), 2)["decision"], "block");
}
