//! Connections: limited, not left hanging, and closed in good order.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::thread::scope;

use serde_json::{Value, json};

use crate::served::{Answer, Client, Plane, connect, key, request};

/// What the plane still says before it closes a connection.
fn rest(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn heads_and_bodies_that_never_end_are_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start(folder.path());
    let sending = |bytes: &[u8]| {
        let mut stream = connect(&plane.addr).expect("a connection");
        stream.write_all(bytes).expect("sent");
        stream
    };
    let whole = request("POST", "/mgmt/v1/roles", &[("x-scopebound-api-key", &dev)], b"{\"name\":\"r\"}");
    scope(|scope| {
        let head = scope.spawn(|| rest(sending(&whole[..40])));
        let nothing = scope.spawn(|| rest(sending(b"")));
        let body = scope.spawn(|| rest(sending(&whole[..whole.len() - 1])));
        assert!(!head.join().expect("a client").contains("200"));
        assert_eq!(nothing.join().expect("a client"), "");
        let told = body.join().expect("a client");
        assert!(told.starts_with("HTTP/1.1 408") && told.contains("BODY_NOT_READ"), "{told}");
    });
    assert_eq!(plane.client(&dev).ask("GET", "/mgmt/v1/roles/r", &Value::Null).expect("an answer").0, 404);
}

#[test]
fn who_comes_when_all_places_are_taken_is_turned_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let plane = Plane::start_with(folder.path(), &["--max-connections", "3"]);
    let mut inside: Vec<_> = (0..3).map(|_| plane.client("")).collect();
    let healthy = |client: &mut Client| {
        client.ask("GET", "/healthz", &Value::Null).is_some_and(|(status, _)| status == 200)
    };
    assert!(inside.iter_mut().all(healthy));
    let answer = plane.client("").send("GET", "/healthz", &[], &Value::Null).expect("a word");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(inside.iter_mut().all(healthy), "who is inside stays");
    inside.pop();
    // The place is free once the plane has seen the other end go.
    assert!((0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        healthy(&mut plane.client(""))
    }));
}

#[test]
fn a_plane_that_ends_finishes_what_is_under_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let mut plane = Plane::start(folder.path());
    let body = json!({ "name": "late", "allowed_tools": ["t"] }).to_string();
    let headers = [("x-scopebound-api-key", dev.as_str()), ("expect", "100-continue")];
    let whole = request("POST", "/mgmt/v1/roles", &headers, body.as_bytes());
    let (head, body) = whole.split_at(whole.len() - body.len());
    let mut stream = connect(&plane.addr).expect("a connection");
    stream.write_all(head).expect("sent");
    // The plane asks for the body: so the request is under way.
    let mut told = [0; 25];
    stream.read_exact(&mut told).expect("a word");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    plane.terminate();
    while connect(&plane.addr).is_some() {
        std::thread::yield_now();
    }
    stream.write_all(body).expect("sent");
    let answer = Answer::read(&mut BufReader::new(stream)).expect("an answer");
    assert_eq!(answer.status, 201);
    assert!(plane.child.wait().expect("an end").success());
    let plane = Plane::start(folder.path());
    assert_eq!(plane.client(&dev).ask("GET", "/mgmt/v1/roles/late", &Value::Null).expect("an answer").0, 200);
}

#[test]
fn who_never_finishes_does_not_keep_a_plane_from_ending() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let mut plane = Plane::start(folder.path());
    let whole = request("POST", "/mgmt/v1/roles", &[("x-scopebound-api-key", &dev)], b"{\"name\":\"r\"}");
    let mut stream = connect(&plane.addr).expect("a connection");
    stream.write_all(&whole[..whole.len() - 1]).expect("sent");
    plane.terminate();
    assert!(plane.child.wait().expect("an end").success());
}

/// A request whose body is announced and does not come.
fn unfinished(plane: &Plane, method: &str, path: &str, key: &str) -> BufReader<TcpStream> {
    let whole = request(method, path, &[("x-scopebound-api-key", key)], b"{\"name\":\"r\"}");
    let mut stream = connect(&plane.addr).expect("a connection");
    stream.write_all(&whole[..whole.len() - 1]).expect("sent");
    BufReader::new(stream)
}

#[test]
fn who_is_refused_with_the_body_unread_is_told_that_the_connection_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let plane = Plane::start_with(folder.path(), &["--max-requests", "1"]);
    for (method, path, key, status) in [
        ("POST", "/nowhere", dev.as_str(), 404),
        ("PATCH", "/mgmt/v1/roles", &dev, 405),
        ("POST", "/mgmt/v1/roles", "sb-nobody", 401),
    ] {
        let mut stream = unfinished(&plane, method, path, key);
        let answer = Answer::read(&mut stream).expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{method} {path}");
        assert_eq!(rest(stream.into_inner()), "", "{method} {path}");
    }
    // Takes the only place, as long as its body does not come.
    let _inside = unfinished(&plane, "POST", "/mgmt/v1/roles", &dev);
    let mut client = plane.client(&dev);
    let mut shed = None;
    while shed.is_none() {
        let answer = client.send("POST", "/v1/provision", &[], &json!({ "role_id": "r" }));
        shed = answer.filter(|answer| answer.status == 503);
    }
    let shed = shed.expect("an answer");
    assert_eq!(shed.header("connection"), None, "its body was there, so the connection goes on");
    let mut stream = unfinished(&plane, "POST", "/mgmt/v1/roles", &dev);
    let answer = Answer::read(&mut stream).expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert_eq!(rest(stream.into_inner()), "");
}
