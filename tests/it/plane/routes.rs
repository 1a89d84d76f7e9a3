//! Every route of the table with every kind of key, and every id in a path with somebody else's.

use std::collections::BTreeMap;
use std::path::Path;

use scopegate_server::keys::Kind;
use serde_json::{Value, json};

use crate::served::{Answer, Plane, key_of, tenant};

/// What is asked where a path has a variable: nobody's.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
/// Nobody's session: those are written without dashes.
const NO_SESSION: &str = "00000000000040008000000000000000";

/// A key of each kind.
fn keys(data: &Path, tenant: &str) -> BTreeMap<&'static str, String> {
    Kind::ALL.iter().map(|kind| (kind.word(), key_of(data, tenant, kind.word()))).collect()
}

/// A path of the table with a value for its variable.
fn filled(path: &str, value: &str) -> String {
    match (path.find('{'), path.find('}')) {
        (Some(from), Some(to)) => format!("{}{value}{}", &path[..from], &path[to + 1..]),
        _ => path.to_owned(),
    }
}

fn ask(plane: &Plane, method: &str, path: &str, keys: &[(&str, &str)]) -> Answer {
    let body = if matches!(method, "POST" | "PUT") { json!({}) } else { Value::Null };
    plane.client("").send(method, path, keys, &body).unwrap_or_else(|| panic!("{method} {path}"))
}

#[test]
fn each_route_takes_the_kinds_of_keys_of_its_line_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = keys(folder.path(), "default");
    let plane = Plane::start(folder.path());
    for (method, path, kinds) in scopegate_server::listing() {
        let (method, at) = (method.as_str(), filled(path, NOBODY));
        let name = format!("{method} {path}");
        let header = "x-scopebound-api-key";
        if kinds.is_empty() {
            assert_eq!(ask(&plane, method, &at, &[]).status, 200, "{name} needs no key");
            continue;
        }
        for (kind, key) in &keys {
            let status = ask(&plane, method, &at, &[(header, key)]).status;
            let listed = kinds.iter().any(|listed| listed.word() == *kind);
            assert_eq!(status == 403, !listed, "{name} with {kind}: {status}");
            assert!(status != 401 && status < 500, "{name} with {kind}: {status}");
        }
        let good = &keys[kinds[0].word()];
        let wrong = format!("{}{}", &good[..good.len() - 1], if good.ends_with('x') { 'y' } else { 'x' });
        let bearer = format!("Bearer {good}");
        assert_eq!(ask(&plane, method, &at, &[]).status, 401, "{name} without a key");
        assert_eq!(ask(&plane, method, &at, &[(header, &wrong)]).status, 401, "{name} with a wrong key");
        let two = [(header, good.as_str()), ("authorization", &bearer)];
        assert_eq!(ask(&plane, method, &at, &two).status, 400, "{name} with two credentials");
        let same = [(header, good.as_str()), (header, good.as_str())];
        assert_eq!(ask(&plane, method, &at, &same).status, 400, "{name} with a credential twice");
    }
}

/// What one tenant has, by the path that leads to it.
fn belongings(plane: &Plane, dev: &str) -> Vec<(String, Vec<String>)> {
    let mut owner = plane.client(dev);
    let role = json!({ "name": "theirs", "allowed_tools": ["pay"], "approval_required": ["pay"] });
    let (_, role) = owner.ask("POST", "/mgmt/v1/roles", &role).expect("an answer");
    let (_, session) =
        owner.ask("POST", "/v1/provision", &json!({ "role_id": "theirs" })).expect("an answer");
    let jwt = session["jwt"].as_str().expect("a token");
    let (_, held) = owner.enforce(jwt, "pay", "", &json!({})).expect("an answer");
    let tools = json!({ "tools": [{ "name": "pay" }] });
    owner.ask("PUT", "/mgmt/v1/mcp/servers/bank", &tools).expect("an answer");
    let (_, agent) = owner.ask("POST", "/v1/enforce/agents", &json!({ "name": "bot" })).expect("an answer");
    let policy = json!({ "name": "p", "policy_type": "action_type", "decision": "block", "mode": "shadow" });
    let (_, known) = owner.ask("POST", "/v1/enforce/policies", &policy).expect("an answer");
    let pack = json!({ "name": "theirs", "version": "1", "policy_definitions": [policy] });
    owner.ask("POST", "/v1/enforce/policy-packs", &pack).expect("an answer");
    let baseline =
        json!({ "name": "xybern-baseline", "allowed_tools": ["pay"], "approval_required": ["pay"] });
    owner.ask("POST", "/mgmt/v1/roles", &baseline).expect("an answer");
    let (_, run) = owner.ask("POST", "/v1/enforce/sessions/start", &json!({})).expect("an answer");
    let asked = json!({ "action_type": "pay" });
    let (_, asked) = owner.ask("POST", "/v1/enforce/intercept", &asked).expect("an answer");
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    let run = vec![text(&run["session_id"])];
    let escalation = vec![text(&asked["escalation_id"])];
    let role = vec![text(&role["id"]), "theirs".to_owned()];
    let session = vec![text(&session["session_id"])];
    let approval = vec![text(&held["approval_id"])];
    let (_, sessions) = owner.ask("GET", "/v1/sessions", &Value::Null).expect("an answer");
    let holder = vec![text(&sessions["sessions"][0]["owner"])];
    let of_agent = [
        "",
        "/history",
        "/communications",
        "/credentials",
        "/credentials/active",
        "/credentials/rotate",
        "/temporal-windows",
        "/delegations",
    ];
    let (agent, credential) =
        (vec![text(&agent["agent"]["agent_id"])], vec![text(&agent["credential"]["credential_id"])]);
    let policy = vec![text(&known["policy"]["policy_id"])];
    let (_, decided) =
        owner.ask("POST", "/v1/enforce/intercept", &json!({ "action_type": "pay" })).expect("an answer");
    let decision = vec![text(&decided["decision_id"])];
    let of_role = ["", "/assign", "/unassign", "/agents"];
    let window = json!({ "agent_id": agent[0], "scopes": ["x"], "duration_minutes": 9, "reason": "a test" });
    let (_, window) = owner.ask("POST", "/v1/enforce/temporal-windows", &window).expect("an answer");
    let glass = json!({ "agent_id": agent[0], "justification": "only for a test", "severity": "high" });
    let (_, glass) = owner.ask("POST", "/v1/enforce/breakglass", &glass).expect("an answer");
    let (_, other) = owner.ask("POST", "/v1/enforce/agents", &json!({ "name": "other" })).expect("an answer");
    let given = json!({ "source_agent_id": agent[0], "target_agent_id": other["agent"]["agent_id"],
        "scopes": ["pay"], "role": "theirs" });
    let (_, given) = owner.ask("POST", "/v1/enforce/delegate", &given).expect("an answer");
    let (window, glass) = (vec![text(&window["window_id"])], vec![text(&glass["breakglass_id"])]);
    let given = vec![text(&given["grant_id"])];
    let in_xybern = ["/api/v1/enforce", "/v1/enforce"].into_iter().flat_map(|tree| {
        let agents = of_agent.iter().map(move |path| format!("{tree}/agents/{{id}}{path}"));
        let agents = agents.map(|path| (path, agent.clone()));
        let roles = of_role.iter().map(move |path| format!("{tree}/roles/{{id}}{path}"));
        let roles = roles.map(|path| (path, role.clone()));
        let others = [
            ("credentials/{id}/revoke", credential.clone()),
            ("decisions/{id}", decision.clone()),
            ("policies/{id}", policy.clone()),
            ("policies/{id}/promote", policy.clone()),
            ("policy-packs/{id}", vec!["theirs".to_owned()]),
            ("policy-packs/{id}/rollback", vec!["theirs".to_owned()]),
            ("sessions/{id}/heartbeat", run.clone()),
            ("sessions/{id}/end", run.clone()),
            ("escalations/{id}", escalation.clone()),
            ("escalations/{id}/status", escalation.clone()),
            ("escalations/{id}/resolve", escalation.clone()),
            ("temporal-windows/{id}", window.clone()),
            ("temporal-windows/{id}/extend", window.clone()),
            ("temporal-windows/{id}/revoke", window.clone()),
            ("breakglass/{id}/close", glass.clone()),
            ("breakglass/{id}/review", glass.clone()),
            ("delegate/{id}/revoke", given.clone()),
        ];
        let others = others.map(|(path, ids)| (format!("{tree}/{path}"), ids));
        agents.chain(roles).chain(others).collect::<Vec<_>>()
    });
    let in_scopebound = [
        ("/v1/sessions/{id}", session.clone()),
        ("/v1/sessions/{id}/scope", session.clone()),
        ("/v1/sessions/{id}/rate", session.clone()),
        ("/v1/sessions/{id}/journal", session),
        ("/v1/approvals/{id}", approval.clone()),
        ("/v1/approvals/{id}/approve", approval.clone()),
        ("/v1/approvals/{id}/reject", approval),
        ("/mgmt/v1/roles/{id}", role.clone()),
        ("/mgmt/v1/roles/by-name/{id}", role.clone()),
        ("/mgmt/v1/mcp/servers/{name}", vec!["bank".to_owned()]),
        ("/mgmt/v1/agents/{owner}/suspend", holder.clone()),
        ("/mgmt/v1/agents/{owner}/readmit", holder),
    ];
    let in_scopebound = in_scopebound.into_iter().map(|(path, ids)| (path.to_owned(), ids));
    in_scopebound.chain(in_xybern).collect()
}

#[test]
fn what_belongs_to_another_tenant_looks_like_what_nobody_has() {
    let folder = tempfile::tempdir().expect("a folder");
    tenant(folder.path(), "theirs");
    let foreign = key_of(folder.path(), "theirs", "dev");
    let keys = keys(folder.path(), "default");
    let plane = Plane::start(folder.path());
    let belongings = belongings(&plane, &foreign);
    let told = |method: &str, path: &str, value: &str, key: &str| {
        let answer = ask(&plane, method, &filled(path, value), &[("x-scopebound-api-key", key)]);
        // An answer may repeat what was asked.
        let body = String::from_utf8_lossy(&answer.body).replace(value, "…");
        (answer.status, answer.header("content-type").map(str::to_owned), body)
    };
    for (method, path, kinds) in scopegate_server::listing() {
        if !path.contains('{') {
            continue;
        }
        let (_, values) = belongings.iter().find(|(at, _)| at == path).unwrap_or_else(|| {
            panic!("{path} has an id of something: say here what another tenant has of it")
        });
        let nobodys_id = if path.contains("/sessions/") { NO_SESSION } else { NOBODY };
        for (value, kind) in
            values.iter().flat_map(|value| kinds.iter().map(move |kind| (value, kind.word())))
        {
            let (theirs, nobodys) = (
                told(method.as_str(), path, value, &keys[kind]),
                told(method.as_str(), path, nobodys_id, &keys[kind]),
            );
            assert_eq!(theirs, nobodys, "{method} {path} with {kind}");
        }
    }
    // All of it is still there for whom it belongs to.
    let mut owner = plane.client(&foreign);
    for (path, values) in
        belongings.iter().filter(|(path, _)| path.ends_with("{id}") || path.ends_with("{name}"))
    {
        for value in values {
            let (status, answer) = owner.ask("GET", &filled(path, value), &Value::Null).expect("an answer");
            assert_eq!(status, 200, "{path}: {answer}");
            assert_ne!(answer["status"], "suspended", "{path}");
            assert_ne!(answer["status"], "revoked", "{path}");
            assert_ne!(answer["agent"]["is_active"], false, "{path}");
        }
    }
}
