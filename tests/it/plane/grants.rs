//! What agents hold beside their roles, on a plane: who may open it, what it admits, and that it survives the
//! process with its uses.

use std::path::Path;

use serde_json::{Value, json};

use crate::served::{Client, Plane, key};

const WINDOWS: &str = "/api/v1/enforce/temporal-windows";
const GLASS: &str = "/v1/enforce/breakglass";
const DELEGATE: &str = "/v1/enforce/delegate";

/// A plane with a role that may `read`, and somebody in it.
struct Scene {
    plane: Plane,
    admin: Client,
    agent: Client,
    /// Whose sessions the agent's key opens.
    owner: String,
    jwt: String,
}

impl Scene {
    fn open(data: &Path) -> Self {
        let (admin, agent) = (key(data, "admin"), key(data, "agent"));
        let plane = Plane::start(data);
        let (mut admin, mut agent) = (plane.client(&admin), plane.client(&agent));
        let role = json!({ "name": "clerk", "allowed_tools": ["read"], "max_delegation_depth": 2,
            "parameter_constraints": { "migrate": [{ "field": "n", "operator": "lt", "value": 10 }] } });
        assert_eq!(admin.ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);
        let jwt = agent.provision("clerk").expect("a session");
        let (_, told) = admin.ask("GET", "/v1/sessions", &Value::Null).expect("an answer");
        let owner = told["sessions"][0]["owner"].as_str().expect("an owner").to_owned();
        Self { plane, admin, agent, owner, jwt }
    }

    /// The same process again, and the same session.
    fn again(self, data: &Path) -> Self {
        let Self { plane, admin, agent, owner, jwt } = self;
        let (admin, agent) = (admin.key().to_owned(), agent.key().to_owned());
        let plane = plane.start_again(data);
        let (admin, agent) = (plane.client(&admin), plane.client(&agent));
        Self { plane, admin, agent, owner, jwt }
    }

    fn window(&mut self, more: &Value) -> (u16, Value) {
        let mut window = json!({ "agent_id": self.owner, "scopes": ["migrate", "db:*"], "duration_minutes": 30,
            "reason": "a migration" });
        for (member, value) in more.as_object().expect("an object") {
            window[member] = value.clone();
        }
        self.admin.ask("POST", WINDOWS, &window).expect("an answer")
    }

    /// The verdict on a call: a word, or the code of a denial.
    fn call(&mut self, tool: &str, args: &Value) -> String {
        let (verdict, told) = self.agent.enforce(&self.jwt, tool, "", args).expect("an answer");
        match told["deny_code"].as_str() {
            Some(code) if !code.is_empty() => code.to_owned(),
            _ => verdict,
        }
    }
}

#[test]
fn a_window_is_opened_by_an_admin_and_its_uses_outlive_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::open(folder.path());
    assert_eq!(scene.call("db:x", &json!({})), "SCOPE_VIOLATION");
    let (status, told) = scene.window(&json!({ "max_uses": 3 }));
    assert_eq!((status, &told["ok"]), (201, &json!(true)), "{told}");
    let id = told["window_id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("tw_"), "{told}");
    assert_eq!((&told["window"]["status"], &told["window"]["uses"]), (&json!("active"), &json!(0)), "{told}");
    assert_eq!(scene.call("db:x", &json!({})), "allow");
    assert_eq!(scene.call("migrate", &json!({ "n": 10 })), "PARAMETER_VIOLATION");
    assert_eq!(scene.call("migrate", &json!({ "n": 9 })), "allow");
    assert_eq!(scene.call("drop", &json!({})), "SCOPE_VIOLATION");
    // The agent sees what it holds.
    let list = format!("/v1/enforce/agents/{}/temporal-windows", scene.owner);
    let (_, told) = scene.agent.ask("GET", &list, &Value::Null).expect("an answer");
    assert_eq!(told["windows"][0]["uses"], json!(2), "{told}");
    let asked = json!({ "agent_id": scene.owner, "action_type": "db:x" });
    let (_, told) = scene.agent.ask("POST", &format!("{WINDOWS}/check"), &asked).expect("an answer");
    assert_eq!(told["allowed"], json!(true), "{told}");

    let mut scene = scene.again(folder.path());
    let (_, told) = scene.admin.ask("GET", &format!("{WINDOWS}/{id}"), &Value::Null).expect("an answer");
    assert_eq!(told["window"]["uses"], json!(2), "{told}");
    assert_eq!(scene.call("db:x", &json!({})), "allow");
    assert_eq!(scene.call("db:x", &json!({})), "SCOPE_VIOLATION");
    let more = json!({ "additional_minutes": 5 });
    let (status, told) =
        scene.admin.ask("POST", &format!("{WINDOWS}/{id}/extend"), &more).expect("an answer");
    assert_eq!((status, &told["window"]["extensions_used"]), (200, &json!(1)), "{told}");
    let (_, told) = scene.window(&json!({}));
    let id = told["window_id"].as_str().expect("an id").to_owned();
    assert_eq!(scene.call("db:x", &json!({})), "allow");
    let ended = scene.admin.ask("POST", &format!("{WINDOWS}/{id}/revoke"), &json!({})).expect("an answer");
    assert_eq!((ended.0, &ended.1["window"]["status"]), (200, &json!("revoked")));
    assert_eq!(scene.call("db:x", &json!({})), "SCOPE_VIOLATION");
    let (status, _) = scene.admin.ask("POST", &format!("{WINDOWS}/{id}/extend"), &more).expect("an answer");
    assert_eq!(status, 409);
    for (bad, said) in [
        (json!({ "duration_minutes": 1441 }), 400),
        (json!({ "duration_minutes": "30" }), 400),
        (json!({ "duration_minutes": null }), 400),
        (json!({ "scopes": [] }), 400),
        (json!({ "scopes": ["a b"] }), 400),
        (json!({ "reason": "" }), 400),
        (json!({ "constraints": { "max": 1 } }), 400),
        (json!({ "unheard_of": 1 }), 400),
        (json!({ "agent_id": "agent_nobody" }), 404),
    ] {
        assert_eq!(scene.window(&bad).0, said, "{bad}");
    }
}

#[test]
fn no_agents_key_opens_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::open(folder.path());
    let window = json!({ "agent_id": scene.owner, "scopes": ["*"], "duration_minutes": 1, "reason": "mine" });
    let glass = json!({ "agent_id": scene.owner, "justification": "I need it myself", "severity": "high" });
    for (path, body) in [(WINDOWS, &window), (GLASS, &glass)] {
        assert_eq!(scene.agent.ask("POST", path, body).expect("an answer").0, 403, "{path}");
    }
    let from_others =
        json!({ "source_agent_id": "agent_else", "target_agent_id": scene.owner, "scopes": ["*"] });
    assert_eq!(scene.agent.ask("POST", DELEGATE, &from_others).expect("an answer").0, 403);
    let with_a_role = json!({ "source_agent_id": scene.owner, "target_agent_id": scene.owner, "scopes": ["*"],
        "role": "clerk" });
    assert_eq!(scene.agent.ask("POST", DELEGATE, &with_a_role).expect("an answer").0, 403);
    assert_eq!(scene.call("db:x", &json!({})), "SCOPE_VIOLATION");
}

#[test]
fn glass_is_broken_closed_reviewed_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::open(folder.path());
    let mut bearer = scene.plane.client(&key(folder.path(), "breakglass"));
    let glass = json!({ "agent_id": scene.owner, "justification": "P0: it burns", "severity": "critical" });
    let (status, told) = bearer.ask("POST", GLASS, &glass).expect("an answer");
    assert_eq!((status, &told["event"]["severity"]), (201, &json!("critical")), "{told}");
    let id = told["breakglass_id"].as_str().expect("an id").to_owned();
    assert_eq!(scene.call("anything", &json!({})), "allow");
    assert_eq!(scene.call("migrate", &json!({ "n": 10 })), "PARAMETER_VIOLATION");
    let review = json!({ "notes": "it was right", "reviewed_by": "somebody else" });
    let path = format!("{GLASS}/{id}/review");
    assert_eq!(scene.admin.ask("POST", &path, &review).expect("an answer").0, 409, "while it is in force");
    let (status, told) = bearer.ask("POST", &format!("{GLASS}/{id}/close"), &json!({})).expect("an answer");
    assert_eq!((status, &told["event"]["status"]), (200, &json!("closed")), "{told}");
    assert_eq!(scene.call("anything", &json!({})), "SCOPE_VIOLATION");
    let (_, stats) = scene.admin.ask("GET", &format!("{GLASS}/stats"), &Value::Null).expect("an answer");
    assert_eq!((&stats["total"], &stats["pending_review"]), (&json!(1), &json!(1)), "{stats}");
    assert_eq!(stats["by_severity"], json!({ "critical": 1, "high": 0, "medium": 0 }));
    assert_eq!(scene.agent.ask("POST", &path, &review).expect("an answer").0, 403);
    assert_eq!(bearer.ask("POST", &path, &review).expect("an answer").0, 403, "who opened it");
    let (status, told) = scene.admin.ask("POST", &path, &review).expect("an answer");
    assert_eq!(status, 200, "{told}");
    assert_ne!(told["event"]["reviewed_by"], json!("somebody else"), "{told}");
    for expected in [201, 201, 429] {
        assert_eq!(bearer.ask("POST", GLASS, &glass).expect("an answer").0, expected);
    }
    for bad in [
        json!({ "justification": "123456789" }),
        json!({ "severity": "low" }),
        json!({ "severity": null }),
        json!({ "duration_minutes": 121 }),
        json!({ "duration_minutes": -1 }),
    ] {
        let mut glass = glass.clone();
        for (member, value) in bad.as_object().expect("an object") {
            glass[member] = value.clone();
        }
        assert_eq!(bearer.ask("POST", GLASS, &glass).expect("an answer").0, 400, "{bad}");
    }
}

#[test]
fn an_agent_hands_on_what_is_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::open(folder.path());
    let taker = json!({ "name": "taker", "delegation_policy": { "acceptable_scopes": ["re*"] } });
    let (_, taker) = scene.admin.ask("POST", "/v1/enforce/agents", &taker).expect("an answer");
    let taker = taker["agent"]["agent_id"].as_str().expect("an id").to_owned();
    let given = |source: &str, target: &str, scopes: &[&str]| {
        json!({ "source_agent_id": source, "target_agent_id": target, "scopes": scopes,
            "duration_minutes": 60, "max_uses": 10 })
    };
    let owner = scene.owner.clone();
    let (status, told) =
        scene.agent.ask("POST", DELEGATE, &given(&owner, &taker, &["read", "db:*"])).expect("an answer");
    assert_eq!((status, &told["grant"]["is_valid"]), (201, &json!(true)), "{told}");
    let id = told["grant_id"].as_str().expect("an id").to_owned();
    let verify = |scene: &mut Scene, action: &str| {
        let asked = json!({ "grant_id": id, "agent_id": taker, "action_type": action });
        let (_, told) = scene.agent.ask("POST", &format!("{DELEGATE}/verify"), &asked).expect("an answer");
        (told["valid"].as_bool().expect("yes or no"), told["reason"].as_str().expect("why").to_owned())
    };
    assert_eq!(verify(&mut scene, "read"), (true, String::new()));
    // Asked for, but the source has not got it.
    assert_eq!(verify(&mut scene, "db:x"), (false, "it does not admit this".to_owned()));
    for (source, target, scopes, expected) in [
        (owner.as_str(), owner.as_str(), &["read"][..], 403),
        (&owner, &taker, &["write"][..], 403),
        (&owner, &taker, &[][..], 400),
        (&owner, "agent_nobody", &["read"][..], 404),
        (&taker, &owner, &["read"][..], 403), // not the caller's own
    ] {
        let asked = given(source, target, scopes);
        assert_eq!(scene.agent.ask("POST", DELEGATE, &asked).expect("an answer").0, expected, "{asked}");
    }
    let mut scene = scene.again(folder.path());
    let list = format!("/v1/enforce/agents/{owner}/delegations?direction=given&status=active");
    let (_, told) = scene.agent.ask("GET", &list, &Value::Null).expect("an answer");
    assert_eq!(told["delegations"][0]["grant_id"], json!(id), "{told}");
    let role = json!({ "allowed_tools": ["other"] });
    let (_, roles) = scene.admin.ask("GET", "/mgmt/v1/roles?name=clerk", &Value::Null).expect("an answer");
    let path = format!("/mgmt/v1/roles/{}", roles["id"].as_str().expect("an id"));
    assert_eq!(scene.admin.ask("PUT", &path, &role).expect("an answer").0, 200);
    assert_eq!(verify(&mut scene, "read").1, "nothing is left of what it came from");
    let revoke = format!("{DELEGATE}/{id}/revoke");
    assert_eq!(scene.agent.ask("POST", &revoke, &json!({})).expect("an answer").0, 200);
    assert_eq!(scene.agent.ask("POST", &revoke, &json!({})).expect("an answer").0, 409);
    assert_eq!(verify(&mut scene, "read").1, "it was revoked");
}
