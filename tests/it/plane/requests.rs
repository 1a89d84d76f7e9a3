//! What holds for every request, whatever it asks.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::served::{Plane, key, key_of, request, tenant};

#[test]
fn every_answer_has_an_id_and_is_nobodys_to_keep() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let mut client = plane.client(&dev);
    let mut seen = Vec::new();
    for (method, path, expected) in [
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/v1/epoch", 200),
        ("GET", "/v1/sessions/nobody", 404),
        ("GET", "/nowhere", 404),
        ("PATCH", "/v1/epoch", 405),
        ("GET", "/mgmt/v1/audit/export?format=pdf", 400),
        ("GET", "/mgmt/v1/audit/export?format=csv", 200),
    ] {
        let answer = client.send(method, path, &[], &Value::Null).expect("an answer");
        assert_eq!(answer.status, expected, "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        seen.push(answer.header("x-request-id").expect("an id").to_owned());
    }
    let answers = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), answers, "no id is given twice");

    let long = "a".repeat(65);
    for (id, taken) in [("trace-1.a_B", true), (long.as_str(), false), ("a b", false), ("é", false)] {
        let headers = [("x-request-id", id)];
        let answer = client.send("GET", "/v1/epoch", &headers, &Value::Null).expect("an answer");
        assert_eq!(answer.header("x-request-id") == Some(id), taken, "{id}");
    }
}

#[test]
fn what_cannot_be_answered_is_refused_in_one_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let json_type = ("content-type", "application/json");
    let (role, call) = ("/mgmt/v1/roles", "/v1/enforce");
    let too_long = format!("{{\"name\":\"{}\"}}", "a".repeat(300 * 1024));
    let much_too_long = "x".repeat(8 * 1024 * 1024 + 1);
    for (method, path, headers, body, status, code) in [
        ("GET", "/nowhere", vec![], "", 404, "NOT_FOUND"),
        ("GET", "/v1/sessions/%ff", vec![], "", 400, "BAD_REQUEST"),
        ("PUT", role, vec![json_type], "{}", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/mgmt/v1/roles?name=a&name=b", vec![], "", 400, "BAD_REQUEST"),
        ("GET", "/mgmt/v1/audit/export?window_hours=0", vec![], "", 400, "BAD_REQUEST"),
        ("POST", role, vec![json_type], "{\"name\":", 400, "BAD_REQUEST"),
        ("POST", role, vec![json_type], "[]", 400, "BAD_REQUEST"),
        ("POST", role, vec![json_type], too_long.as_str(), 413, "BODY_TOO_LARGE"),
        ("POST", call, vec![json_type], much_too_long.as_str(), 413, "BODY_TOO_LARGE"),
        ("POST", role, vec![("content-type", "text/yaml")], "name: r", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", call, vec![json_type, ("content-encoding", "gzip")], "x", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("GET", "/v1/epoch", vec![("authorization", "Bearer x")], "", 400, "BAD_REQUEST"),
    ] {
        let mut headers = headers;
        headers.push(("x-scopebound-api-key", &dev));
        let sent = request(method, path, &headers, body.as_bytes());
        let answer = plane.client("").exchange(&sent).unwrap_or_else(|| panic!("{method} {path}"));
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
        let said = answer.json();
        assert_eq!(said["error"]["code"], code, "{method} {path}");
        assert_eq!(said["error"]["message"], said["detail"], "{method} {path}");
        assert!(said["detail"].as_str().is_some_and(|words| !words.is_empty()), "{method} {path}");
    }
}

#[test]
fn a_tenant_and_key_made_a_moment_ago_are_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(folder.path());
    for n in 0..5 {
        let name = format!("new-{n}");
        tenant(folder.path(), &name);
        let dev = key_of(folder.path(), &name, "dev");
        let (status, answer) = plane.client(&dev).ask("GET", "/v1/epoch", &Value::Null).expect("an answer");
        assert_eq!(status, 200, "{answer}");
    }
}

#[test]
fn the_log_says_who_asked_what_and_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let logging = |command: &mut std::process::Command| {
        command.env("RUST_LOG", "scopegate_server=debug").stderr(Stdio::piped());
    };
    let mut plane = Plane::start_in(folder.path(), &["--log-format", "json"], |command| {
        logging(command);
        command
    });
    let mut client = plane.client(&dev);
    let role = json!({ "name": "r", "allowed_tools": ["t"], "webhook_secret": "hush-hush" });
    assert_eq!(client.ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);
    let jwt = client.provision("r").expect("a session");
    let call = json!({ "jwt": jwt, "tool_name": "t", "call_args": { "password": "s3same" } });
    client.send("POST", "/v1/enforce", &[("x-request-id", "the-call")], &call).expect("an answer");
    client.send("GET", "/v1/sessions/x", &[("x-request-id", "the-miss")], &Value::Null).expect("an answer");
    plane.terminate();
    let lines: Vec<String> = BufReader::new(plane.child.stderr.take().expect("stderr"))
        .lines()
        .map(|line| line.expect("UTF-8"))
        .collect();
    let told = |id: &str| -> Vec<Value> {
        let parsed = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed.filter(|line| line["span"]["id"] == id).collect()
    };
    let key_id = dev.split('-').nth(2).expect("an id");
    for (id, path, status, level) in
        [("the-call", "/v1/enforce", 200, "DEBUG"), ("the-miss", "/v1/sessions/x", 404, "INFO")]
    {
        let line = told(id).pop().unwrap_or_else(|| panic!("no line of {id}: {lines:#?}"));
        assert_eq!(line["fields"]["status"], status);
        assert_eq!(line["level"], level);
        let span = &line["span"];
        assert_eq!(
            (&span["path"], &span["tenant"], &span["key"]),
            (&json!(path), &json!("default"), &json!(key_id))
        );
    }
    let all = lines.join("\n");
    for secret in [dev.as_str(), &jwt, "hush-hush", "s3same"] {
        assert!(!all.contains(secret), "{secret} is in the log");
    }
}
