//! `scopegate agents`.

use serde_json::{Value, json};

use super::Desk;

#[test]
fn an_agent_is_registered_seen_changed_and_deactivated() {
    let desk = Desk::open();
    let pem = desk.path("bot.pem");
    let register = ["agents", "register", "invoice-bot", "--framework", "langchain", "--key-file", &pem];
    desk.run("auditor", &register).assert(2, "", "this needs a key of kind agent or admin or dev");
    assert!(!std::path::Path::new(&pem).exists(), "no key, no file");
    let made = desk.run("admin", &register);
    made.assert(0, "credential_id", "agent `invoice-bot` is registered as agent_");
    let secret = std::fs::read_to_string(&pem).expect("the private key");
    assert!(secret.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{secret}");
    let line = secret.lines().nth(1).expect("the key");
    assert!(!made.stdout.contains(line) && !made.stderr.contains(line), "it is in the file alone");
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&pem).expect("it").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    desk.run("admin", &register).assert(2, "", "bot.pem: ");
    desk.run("admin", &register[..5]).assert(0, "invoice-bot", "was registered already");

    desk.run("auditor", &["agents", "list"]).assert(0, "invoice-bot", "");
    let agents = desk.json("auditor", &["agents", "list"]);
    let agent = agents[0]["agent_id"].as_str().expect("an id");
    assert_eq!((agents.len(), &agents[0]["is_active"]), (1, &json!(true)));
    desk.run("auditor", &["agents", "show", agent]).assert(0, "framework: \"langchain\"", "");
    desk.run("auditor", &["agents", "show", "agent_nobody"]).assert(2, "", "no such agent");
    desk.run("admin", &["agents", "update", agent]).assert(2, "", "say what to change");
    let update = ["agents", "update", agent, "--description", "pays invoices", "--scope", "pay"];
    desk.run("admin", &update).assert(0, "pays invoices", "");
    assert_eq!(desk.json("admin", &["agents", "show", agent])[0]["scopes"], json!(["pay"]));

    desk.run("admin", &["agents", "deactivate", agent]).assert(2, "", "add --yes");
    desk.run("admin", &["agents", "deactivate", agent, "--yes"]).assert(
        0,
        "",
        "`invoice-bot` is deactivated",
    );
    desk.run("auditor", &["agents", "list"]).assert(0, "stopped", "");
    desk.run("admin", &["agents", "update", agent, "--activate"]).assert(0, "is_active: true", "");
}

#[test]
fn what_an_agent_did_is_shown_newest_first() {
    let desk = Desk::open();
    desk.payer();
    let made = desk.json("admin", &["agents", "register", "bot"]);
    let agent = made[0]["agent_id"].as_str().expect("an id");
    let args = ["keys", "create", "--kind", "agent", "--name", agent, "--data"];
    let key = crate::served::scopegate(&args, &desk.data());
    let client = scopegate_client::Client::builder().url(&desk.plane.url).api_key(key.trim());
    let client = client.build().expect("a client");
    let session = desk.wait(client.provision(&scopegate_client::Provision::new("payer")));
    for tool in ["read", "burn", "read"] {
        let call = scopegate_client::Call::new(tool, json!({}));
        let _ = desk.runtime.block_on(client.enforce(&session.token, &call));
    }
    let told = desk.json("auditor", &["agents", "history", agent]);
    let told: Vec<_> =
        told.iter().map(|row| (row["decision"].as_str(), row["action_type"].as_str())).collect();
    let expected = [("allow", "read"), ("block", "burn"), ("allow", "read")];
    assert_eq!(told, expected.map(|(decision, tool)| (Some(decision), Some(tool))));
    let shown = desk.run("auditor", &["agents", "history", agent, "--last", "1"]);
    shown.assert(0, "allow", "the newest 1 of 3");
    desk.run("auditor", &["agents", "history", agent, "--last", "0"]).assert(2, "", "0 is not in 1..=200");
}

#[test]
fn keys_of_an_agent_follow_each_other() {
    let desk = Desk::open();
    let made = desk.json("admin", &["agents", "register", "bot", "--days", "30"]);
    assert!(made[0]["private_key"].as_str().expect("the private key").contains("PRIVATE KEY"));
    let agent = made[0]["agent_id"].as_str().expect("an id");
    let of = |action: &'static str, more: &[&str]| {
        desk.run("admin", &[&["agents", "keys", action, agent], more].concat())
    };
    of("issue", &[]).assert(2, "", "rotate or revoke it");
    of("rotate", &["--reason", "quarterly"]).assert(0, "BEGIN PRIVATE KEY", "aud: scopegate:default");
    of("list", &[]).assert(0, "retiring", "");
    of("list", &[]).assert(0, "quarterly", "");
    let keys = desk.json("auditor", &["agents", "keys", "list", agent]);
    assert_eq!((keys.len(), &keys[0]["status"]), (2, &json!("active")));
    assert!(keys.iter().all(|key| key.get("private_key").is_none_or(Value::is_null)));
    for key in &keys {
        let key = key["credential_id"].as_str().expect("an id");
        desk.run("admin", &["agents", "keys", "revoke", key]).assert(2, "", "add --yes");
        desk.run("admin", &["agents", "keys", "revoke", key, "--yes"]).assert(0, "", "is revoked");
    }
    let pem = desk.path("next.pem");
    of("issue", &["--key-file", &pem]).assert(0, "active", "the private key is in ");
    of("issue", &["--days", "366"]).assert(2, "", "366 is not in 1..=365");
    desk.run("admin", &["agents", "keys", "revoke", "cred_nobody", "--yes"]).assert(
        2,
        "",
        "no such credential",
    );
}
