//! Assertions: an agent proves itself with its own key, once for each request.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::signing::{Signer, now};
use crate::served::{Plane, key};

/// A plane with an agent that has proved nothing yet.
struct Scene {
    folder: tempfile::TempDir,
    dev: String,
    plane: Plane,
    made: Value,
}

impl Scene {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let dev = key(folder.path(), "dev");
        let plane = Plane::start(folder.path());
        let mut scene = Self { folder, dev, plane, made: Value::Null };
        scene.made = scene.ask("POST", "/v1/enforce/agents", &json!({ "name": "bot" }));
        scene
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, told) = self.plane.client(&self.dev).ask(method, path, body).expect("an answer");
        assert!((200..300).contains(&status), "{path}: {told}");
        told
    }

    fn signer(&self) -> Signer {
        Signer::of(&self.made["credential"])
    }

    fn of_agent(&self, path: &str) -> String {
        let id = self.made["agent"]["agent_id"].as_str().expect("an id");
        format!("/v1/enforce/agents/{id}{path}")
    }

    #[track_caller]
    fn check(&self, assertion: &str, expected: Result<(), &str>) {
        let signer = self.signer();
        let (status, told) = signer.agent(&self.plane).present(assertion);
        match expected {
            Ok(()) => assert_eq!((status, &told["ok"]), (200, &json!(true)), "{told}"),
            Err(why) => {
                assert_eq!((status, &told["ok"]), (401, &json!(false)), "{told}");
                assert_eq!(told["error"], json!(format!("the assertion is refused: {why}")));
            }
        }
    }
}

#[test]
fn each_thing_that_is_wrong_has_its_own_answer() {
    let scene = Scene::open();
    let signer = scene.signer();
    let (header, claims) = (signer.header(), signer.claims());
    scene.check(&signer.sign(&header, &claims), Ok(()));
    scene.check(
        &signer.sign(&header, &claims),
        Err("its `jti` was used before: an assertion is good for one request"),
    );
    let with_header = |name: &str, value: Value| {
        let mut header = signer.header();
        header[name] = value;
        signer.sign(&header, &signer.claims())
    };
    let with_claim = |name: &str, value: Value| {
        let mut claims = signer.claims();
        claims[name] = value;
        signer.sign(&signer.header(), &claims)
    };
    for (assertion, why) in [
        (with_header("alg", json!("none")), "the header's `alg` must be `EdDSA`"),
        (with_header("alg", json!("HS256")), "the header's `alg` must be `EdDSA`"),
        (with_header("typ", json!("JWT")), "the header's `typ` must be `sg-assertion+jwt`"),
        (with_header("kid", json!("cred_0123456789abcdef")), "no credential has the header's `kid`"),
        (with_header("jwk", json!({})), "the header has exactly `alg`, `typ` and `kid`, each a text"),
        (
            with_claim("iss", json!("agent_other")),
            "`iss` must be the id of the agent that the credential belongs to",
        ),
        (
            with_claim("aud", json!("scopegate:other")),
            "`aud` must be `scopegate:` and the name of the agent's tenant",
        ),
        (with_claim("iat", json!(now() + 3_600)), "`iat` lies in the future"),
        (with_claim("iat", json!(now() - 301)), "`iat` is more than five minutes ago"),
        (with_claim("iat", json!("now")), "`iat` must be a time in whole seconds"),
        (with_claim("exp", json!(now() + 60)), "the claims are exactly `iss`, `aud`, `iat` and `jti`"),
        (
            with_claim("jti", json!("short")),
            "`jti` must be a text of 8 to 128 printable ASCII characters, random for each assertion",
        ),
        (
            format!("{}x", signer.assertion()),
            "it is not a JWT: three parts in base64url, the first two JSON objects, at most 2048 characters",
        ),
    ] {
        scene.check(&assertion, Err(why));
    }
    // A little ahead is not the future, and four minutes are not five.
    scene.check(&with_claim("iat", json!(now() + 20)), Ok(()));
    scene.check(&with_claim("iat", json!(now() - 240)), Ok(()));
    // Another's signature, under the name of this credential.
    let other = scene.ask("POST", "/v1/enforce/agents", &json!({ "name": "other" }));
    let other = Signer::of(&other["credential"]);
    let forged = other.sign(&signer.header(), &signer.claims());
    scene.check(&forged, Err("the signature is not that of the credential"));
    // A session's token is no assertion, and an assertion beside a key is one too many.
    let role = json!({ "name": "payer", "allowed_tools": ["pay"] });
    scene.ask("POST", "/mgmt/v1/roles", &role);
    let session = scene.ask("POST", "/v1/provision", &json!({ "role_id": "payer" }));
    let jwt = session["jwt"].as_str().expect("a token");
    scene.check(jwt, Err("the header's `typ` must be `sg-assertion+jwt`"));
    let bearer = format!("Bearer {}", signer.assertion());
    let both = [("authorization", bearer.as_str())];
    let answer = scene.plane.client(&scene.dev).send("GET", "/v1/enforce/agents", &both, &Value::Null);
    assert_eq!(answer.expect("an answer").status, 400);
}

#[test]
fn an_assertion_is_used_once_also_by_many_at_once_and_after_a_restart() {
    let mut scene = Scene::open();
    let signer = scene.signer();
    let used = signer.assertion();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let present = || scope.spawn(|| signer.agent(&scene.plane).present(&used).0);
        let asked: Vec<_> = (0..32).map(|_| present()).collect();
        asked.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 31, "{statuses:?}");

    // Killed, not stopped.
    scene.plane = Plane::start_again(scene.plane, scene.folder.path());
    scene.check(&used, Err("its `jti` was used before: an assertion is good for one request"));
    scene.check(&signer.assertion(), Ok(()));
}

#[test]
fn an_agent_acts_with_its_own_key_and_nothing_else() {
    let scene = Scene::open();
    let signer = scene.signer();
    let agent = signer.agent(&scene.plane);
    let role = json!({ "name": "payer", "allowed_tools": ["pay"] });
    scene.ask("POST", "/mgmt/v1/roles", &role);
    let (status, session) = agent.provision("payer");
    assert_eq!(status, 200, "{session}");
    let jwt = session["jwt"].as_str().expect("a token");
    assert_eq!(agent.enforce(jwt, "pay")["decision"], "allow");
    assert_eq!(agent.enforce(jwt, "steal")["deny_code"], "SCOPE_VIOLATION");
    // The session is the agent's, and recorded with the credential that signed.
    let sessions = scene.ask("GET", "/v1/sessions", &Value::Null);
    assert_eq!(sessions["sessions"][0]["owner"], scene.made["agent"]["agent_id"]);
    // It looks into itself, and does nothing that is not an agent's.
    assert_eq!(agent.ask("GET", &scene.of_agent("/history"), &Value::Null).0, 200);
    for (method, path) in [
        ("PUT", scene.of_agent("")),
        ("DELETE", scene.of_agent("")),
        ("POST", scene.of_agent("/credentials/rotate")),
        ("POST", "/mgmt/v1/roles".to_owned()),
        ("GET", "/mgmt/v1/audit/export".to_owned()),
    ] {
        let body = if method == "DELETE" { Value::Null } else { json!({}) };
        let (status, told) = agent.ask(method, &path, &body);
        assert_eq!(status, 403, "{method} {path}: {told}");
    }
    // Nobody else's token is good beside it.
    let foreign = scene.ask("POST", "/v1/provision", &json!({ "role_id": "payer" }));
    let foreign = foreign["jwt"].as_str().expect("a token");
    assert_eq!(agent.enforce(foreign, "pay")["deny_code"], "JWT_INVALID");
}

#[test]
fn credentials_are_issued_rotated_and_revoked() {
    let scene = Scene::open();
    let first = scene.signer();
    let issue = |body: Value| {
        let mut client = scene.plane.client(&scene.dev);
        client.ask("POST", &scene.of_agent("/credentials"), &body).expect("an answer")
    };
    let (status, told) = issue(json!({}));
    assert_eq!((status, &told["ok"]), (409, &json!(false)), "it has one: {told}");

    // Rotated: the old one is good for a while.
    let rotate =
        |body: Value| scene.ask("POST", &scene.of_agent("/credentials/rotate"), &body)["credential"].clone();
    let told = rotate(json!({ "reason": "quarterly", "credential_ttl_days": 7 }));
    let second = Signer::of(&told);
    scene.check(&first.assertion(), Ok(()));
    scene.check(&second.assertion(), Ok(()));
    let all = scene.ask("GET", &scene.of_agent("/credentials"), &Value::Null);
    let shown = |index: usize, member: &str| all["credentials"][index][member].clone();
    assert_eq!((shown(0, "status"), shown(1, "status")), (json!("active"), json!("retiring")));
    assert_eq!(
        (shown(1, "reason"), shown(1, "credential_id")),
        (json!("quarterly"), json!(first.credential))
    );
    assert!(all["credentials"].as_array().expect("all").iter().all(|one| one.get("private_key").is_none()));
    let active = scene.ask("GET", &scene.of_agent("/credentials/active"), &Value::Null);
    assert_eq!(active["credential"]["credential_id"], json!(second.credential));

    // Without a grace: at once.
    let third = Signer::of(&rotate(json!({ "grace_seconds": 0 })));
    let over = "the credential has expired, or another has taken its place";
    scene.check(&second.assertion(), Err(over));
    scene.check(&first.assertion(), Ok(()));
    scene.check(&third.assertion(), Ok(()));

    // Revoked: at once, whatever grace it had.
    let revoke = |id: &str| {
        scene.ask("POST", &format!("/v1/enforce/credentials/{id}/revoke"), &json!({ "reason": "leaked" }))
    };
    assert_eq!(revoke(&first.credential)["credential"]["status"], "revoked");
    scene.check(&first.assertion(), Err("the credential is revoked"));
    assert_eq!(revoke(&third.credential)["credential"]["reason"], "leaked");
    scene.check(&third.assertion(), Err("the credential is revoked"));
    revoke(&third.credential);
    let mut client = scene.plane.client(&scene.dev);
    let none = client.ask("GET", &scene.of_agent("/credentials/active"), &Value::Null).expect("an answer");
    assert_eq!(none, (404, json!({ "ok": false, "error": "no such active credential" })));

    // An agent without one is given one.
    let (status, told) = issue(json!({ "credential_ttl_days": 1 }));
    assert_eq!(status, 201, "{told}");
    scene.check(&Signer::of(&told["credential"]).assertion(), Ok(()));
    for bad in [
        json!({ "grace_seconds": 86_401 }),
        json!({ "grace_seconds": -1 }),
        json!({ "credential_ttl_days": 366 }),
        json!({ "reason": 7 }),
        json!({ "days": 7 }),
    ] {
        let told = client.ask("POST", &scene.of_agent("/credentials/rotate"), &bad).expect("an answer");
        assert_eq!((told.0, &told.1["ok"]), (400, &json!(false)), "{bad}");
    }
}

#[test]
fn a_revoked_credential_and_its_streams_are_over_after_a_restart_too() {
    let mut scene = Scene::open();
    let signer = scene.signer();
    let bearer = format!("Bearer {}", signer.assertion());
    let mut listening = crate::served::connect(&scene.plane.addr).expect("a connection");
    let headers = [("authorization", bearer.as_str()), ("connection", "close")];
    let request = crate::served::request("GET", "/v1/epoch/events", &headers, b"");
    std::io::Write::write_all(&mut listening, &request).expect("a request");
    scene.ask("POST", &format!("/v1/enforce/credentials/{}/revoke", signer.credential), &json!({}));
    let began = Instant::now();
    let mut heard = Vec::new();
    // The stream ends: there is something to read, and then nothing more.
    std::io::Read::read_to_end(&mut listening, &mut heard).expect("an end");
    assert!(began.elapsed() < Duration::from_secs(30) && !heard.is_empty());

    scene.plane = Plane::start_again(scene.plane, scene.folder.path());
    scene.check(&signer.assertion(), Err("the credential is revoked"));
}
