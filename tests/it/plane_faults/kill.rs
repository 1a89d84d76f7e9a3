//! The plane is killed under load, again and again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Plane, count, key, signal};

const CALLERS: usize = 4;

/// How often it is killed; `SCOPEGATE_KILLS` sets another number.
fn kills() -> u64 {
    std::env::var("SCOPEGATE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

#[test]
fn what_was_acknowledged_is_kept_and_no_approval_is_used_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let mut acknowledged: Vec<String> = Vec::new();
    let mut approved: Vec<String> = Vec::new();
    let mut starts: Vec<Duration> = Vec::new();
    for round in 0..kills() {
        let began = Instant::now();
        let plane = Plane::start(folder.path());
        let (status, _) = plane.client("").ask("GET", "/healthz", &Value::Null).expect("an answer");
        assert_eq!(status, 200);
        starts.push(began.elapsed());
        if round == 0 {
            let role =
                json!({ "name": "worker", "allowed_tools": ["read", "pay"], "approval_required": ["pay"] });
            assert_eq!(plane.client(&dev).ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);
        }
        let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
        let work = |caller: usize| {
            let (mut client, mut permits, mut used) = (plane.client(&dev), Vec::new(), Vec::new());
            let Some(jwt) = client.provision("worker") else { return (permits, used) };
            for call in 0.. {
                let id = format!("{round}-{caller}-{call}");
                // Now and then a call that a person agrees to, and that comes back twice.
                let pays = call % 16 == 0;
                let (tool, args) = if pays { ("pay", json!({ "to": id })) } else { ("read", json!({})) };
                let Some((verdict, answer)) = client.enforce(&jwt, tool, &id, &args) else { break };
                answered.fetch_add(1, Ordering::Relaxed);
                match (pays, answer["approval_id"].as_str()) {
                    (false, _) if verdict == "allow" => permits.push(id),
                    (true, Some(review)) => {
                        let path = format!("/v1/approvals/{review}/approve");
                        if client.ask("POST", &path, &Value::Null).is_none() {
                            break;
                        }
                        for _ in 0..2 {
                            match client.enforce(&jwt, tool, &id, &args) {
                                Some((verdict, _)) if verdict == "allow" => used.push(review.to_owned()),
                                Some(_) => {}
                                None => return (permits, used),
                            }
                        }
                    }
                    other => panic!("{other:?}: {answer}"),
                }
            }
            assert!(over.load(Ordering::Acquire), "the plane went away by itself");
            (permits, used)
        };
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS).map(|caller| scope.spawn(move || work(caller))).collect();
            // Another moment each time, however fast the machine is.
            let enough = || answered.load(Ordering::Relaxed) >= 40 + round * 37 % 140;
            while !enough() && !callers.iter().all(|caller| caller.is_finished()) {
                std::thread::sleep(Duration::from_millis(1));
            }
            over.store(true, Ordering::Release);
            signal(&plane.child, "-9");
            for caller in callers {
                let (permits, used) = caller.join().expect("a caller");
                acknowledged.extend(permits);
                approved.extend(used);
            }
        });
    }

    // The first start makes the store; the others come after a kill.
    starts.remove(0);
    starts.sort_unstable();
    let plane = Plane::start(folder.path());
    let (status, export) = plane
        .client(&dev)
        .ask("GET", "/mgmt/v1/audit/export?window_hours=1", &Value::Null)
        .expect("an export");
    assert_eq!(status, 200);
    let events = export["events"].as_array().expect("events");
    let permits = |member: &'static str| {
        let allowed = events.iter().filter(|event| event["decision"] == "allow");
        allowed.filter_map(move |event| event[member].as_str())
    };
    let kept: HashSet<&str> = permits("call_id").collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !kept.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
    let twice: Vec<_> = count(permits("approval_id")).into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(twice.is_empty(), "used twice: {twice:?}");
    let told_twice: Vec<_> =
        count(approved.iter().map(String::as_str)).into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(told_twice.is_empty(), "permitted twice: {told_twice:?}");
    assert!(acknowledged.len() > 100 && !approved.is_empty(), "there was load");
    println!(
        "{} kills, {} acknowledged permits, {} approvals used; from the start of the process to a green /healthz: \
         median {:?}, slowest {:?}",
        kills(),
        acknowledged.len(),
        approved.len(),
        starts[starts.len() / 2],
        starts[starts.len() - 1]
    );
}
