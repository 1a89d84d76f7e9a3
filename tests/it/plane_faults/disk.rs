//! The disk is full, or says that it did not sync: nothing is permitted any more, everybody is told
//! so, the process ends, and the next one goes on from what was acknowledged.

use std::collections::HashSet;
use std::path::Path;
use std::thread;

use scopegate_server::Config;
use scopegate_server::serve::{self, ServeError};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::faulty::{FULL, Fault, UNSYNCED};
use crate::served::{Client, key};

/// A plane in this process, because its disk has to fail.
struct Running {
    addr: String,
    stop: oneshot::Sender<()>,
    ended: thread::JoinHandle<Result<(), ServeError>>,
}

fn run(data: &Path) -> Running {
    let (stop, stopped) = oneshot::channel();
    let (tell, told) = std::sync::mpsc::channel();
    let config = Config { addr: ([127, 0, 0, 1], 0).into(), ..Config::new(data) };
    let ended = thread::spawn(move || {
        Runtime::new().expect("a runtime").block_on(async {
            let started = serve::start(config).await?;
            tell.send(started.url()).expect("told");
            started.run(async { drop(stopped.await) }).await
        })
    });
    let url = told.recv().expect("it starts");
    Running { addr: url.trim_start_matches("http://").to_owned(), stop, ended }
}

fn survive(fault: &'static Fault) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = fault.within(folder.path());
    let dev = key(&data, "dev");
    let plane = run(&data);
    let mut client = Client::new(&plane.addr, &dev);
    let role = json!({ "name": "r", "allowed_tools": ["t"] });
    assert_eq!(client.ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);
    let jwt = client.provision("r").expect("a session");
    let call = |client: &mut Client, id: &str| client.enforce(&jwt, "t", id, &json!({})).expect("a verdict");
    let acknowledged: Vec<String> = (0..50).map(|n| format!("before-{n}")).collect();
    assert!(acknowledged.iter().all(|id| call(&mut client, id).0 == "allow"));

    fault.set(true);
    for n in 0..50 {
        // Some on a connection that was there before, some on a new one.
        let mut other = Client::new(&plane.addr, &dev);
        let client = if n % 2 == 0 { &mut client } else { &mut other };
        let (verdict, answer) = call(client, &format!("during-{n}"));
        assert_eq!(
            (verdict.as_str(), &answer["deny_code"]),
            ("deny", &json!("AUDIT_UNAVAILABLE")),
            "{answer}"
        );
    }
    let (status, health) =
        Client::new(&plane.addr, "").ask("GET", "/healthz", &Value::Null).expect("an answer");
    assert_eq!((status, &health["status"]), (503, &json!("failed")), "{health}");
    let other = json!({ "name": "other" });
    assert_eq!(client.ask("POST", "/mgmt/v1/roles", &other).expect("an answer").0, 503);
    let ended = plane.ended.join().expect("no panic");
    assert!(matches!(ended, Err(ServeError::Writer(_))), "{ended:?}");
    drop(plane.stop);
    fault.set(false);

    let plane = run(&data);
    let mut client = Client::new(&plane.addr, &dev);
    assert_eq!(call(&mut client, "after").0, "allow", "the session goes on");
    let (_, export) =
        client.ask("GET", "/mgmt/v1/audit/export?window_hours=1", &Value::Null).expect("an export");
    let events = export["events"].as_array().expect("events").iter();
    let permits = events.filter(|event| event["decision"] == "allow");
    let kept: HashSet<&str> = permits.filter_map(|event| event["call_id"].as_str()).collect();
    assert!(acknowledged.iter().all(|id| kept.contains(id.as_str())), "{kept:?}");
    // What was written when the sync failed may be read again: permitted, and given to nobody.
    let unsure = ["during-0"];
    let denied = |id: &&&str| id.starts_with("during") && !unsure.contains(*id);
    assert_eq!(kept.iter().filter(denied).count(), 0, "what was denied was not permitted: {kept:?}");
    assert_eq!(client.ask("GET", "/mgmt/v1/roles/other", &Value::Null).expect("an answer").0, 404);
    plane.stop.send(()).expect("it runs");
    drop(client);
    plane.ended.join().expect("no panic").expect("a clean end");
}

#[test]
fn a_full_disk() {
    survive(&FULL);
}

#[test]
fn a_disk_that_does_not_sync() {
    survive(&UNSYNCED);
}
