//! Five times as many callers as the plane serves at a time.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Plane, count, key};

/// Requests that the plane answers at a time, and how many callers ask without a pause.
const SERVED: usize = 32;
const CALLERS: usize = 5 * SERVED;
const FOR: Duration = Duration::from_secs(3);

/// What a caller was told: the calls that were permitted, how often it was turned away, and how
/// long verdicts took.
#[derive(Default)]
struct Told {
    permitted: Vec<String>,
    shed: usize,
    took: Vec<Duration>,
}

#[test]
fn a_plane_with_five_times_its_callers_turns_most_away_and_serves_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = key(folder.path(), "dev");
    let most = SERVED.to_string();
    let plane = Plane::start_with(folder.path(), &["--max-requests", &most]);
    let mut owner = plane.client(&dev);
    let role = json!({ "name": "r", "allowed_tools": ["t"] });
    assert_eq!(owner.ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);
    let jwt = owner.provision("r").expect("a session");

    let over = AtomicBool::new(false);
    let work = |caller: usize| {
        let (mut client, mut told) = (plane.client(&dev), Told::default());
        for call in 0.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let (id, began) = (format!("{caller}-{call}"), Instant::now());
            let body = json!({ "jwt": jwt, "tool_name": "t", "call_id": id });
            let answer = client.send("POST", "/v1/enforce", &[], &body).expect("an answer, always");
            match answer.status {
                200 => {
                    assert_eq!(answer.json()["decision"], "allow");
                    told.permitted.push(id);
                    told.took.push(began.elapsed());
                }
                503 => {
                    assert_eq!(answer.header("retry-after"), Some("1"));
                    assert_eq!(answer.json()["error"]["code"], "OVERLOADED");
                    told.shed += 1;
                }
                other => panic!("{other}: {}", answer.json()),
            }
        }
        told
    };
    let told: Vec<Told> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|caller| scope.spawn(move || work(caller))).collect();
        std::thread::sleep(FOR);
        // Operators are let in also now.
        assert_eq!(plane.client("").ask("GET", "/healthz", &Value::Null).expect("an answer").0, 200);
        over.store(true, Ordering::Relaxed);
        callers.into_iter().map(|caller| caller.join().expect("a caller")).collect()
    });
    let began = Instant::now();
    while owner.enforce(&jwt, "t", "after", &json!({})).is_none() {}
    let recovered = began.elapsed();

    let shed: usize = told.iter().map(|told| told.shed).sum();
    let permitted: Vec<&str> = told.iter().flat_map(|told| &told.permitted).map(String::as_str).collect();
    assert!(shed > 0 && permitted.len() > SERVED, "{shed} turned away, {} served", permitted.len());
    let (_, export) =
        owner.ask("GET", "/mgmt/v1/audit/export?window_hours=1", &Value::Null).expect("an export");
    let events = export["events"].as_array().expect("events").iter();
    let recorded = count(events.filter_map(|event| event["call_id"].as_str()));
    assert!(permitted.iter().all(|id| recorded.get(id) == Some(&1)), "each permit has its record");
    let known: HashSet<&str> = permitted.iter().copied().chain(["after"]).collect();
    assert!(recorded.keys().all(|id| known.contains(id)), "who was turned away was not judged");
    let mut took: Vec<Duration> = told.into_iter().flat_map(|told| told.took).collect();
    took.sort_unstable();
    println!(
        "{CALLERS} callers, {SERVED} served at a time: {} served, {shed} turned away, p50 {:?}, p99 {:?}, \
         the first call afterwards answered in {recovered:?}",
        took.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100],
    );
}
