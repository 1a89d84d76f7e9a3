//! Many callers at once for what may happen once.

use std::sync::Barrier;

use serde_json::{Value, json};

use super::{Plane, key};

const APPROVALS: usize = 1_000;
const CALLERS: usize = 8;

#[test]
fn a_thousand_approvals_contended_by_eight_callers_give_a_thousand_permits() {
    let folder = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(folder.path());
    let (dev, approver) = (key(folder.path(), "dev"), key(folder.path(), "approver"));
    let mut owner = plane.client(&dev);
    let role = json!({ "name": "payer", "allowed_tools": ["pay"], "approval_required": ["pay"] });
    assert_eq!(owner.ask("POST", "/mgmt/v1/roles", &role).expect("an answer").0, 201);

    // A session may have a hundred calls waiting.
    let sessions: Vec<String> =
        (0..APPROVALS / 100).map(|_| owner.provision("payer").expect("a session")).collect();
    let session = |call: usize| &sessions[call / 100];
    let hold_and_approve = |caller: usize| {
        let (mut agent, mut person) = (plane.client(&dev), plane.client(&approver));
        for call in (caller..APPROVALS).step_by(CALLERS) {
            let (verdict, answer) =
                agent.enforce(session(call), "pay", "", &json!({ "n": call })).expect("an answer");
            assert_eq!(verdict, "pending");
            let path = format!("/v1/approvals/{}/approve", answer["approval_id"].as_str().expect("an id"));
            assert_eq!(person.ask("POST", &path, &Value::Null).expect("an answer").0, 200);
        }
    };
    std::thread::scope(|scope| {
        (0..CALLERS).for_each(|caller| {
            drop(scope.spawn({
                let hold_and_approve = &hold_and_approve;
                move || hold_and_approve(caller)
            }))
        });
    });

    let start = Barrier::new(CALLERS);
    let run = |_| {
        let mut client = plane.client(&dev);
        start.wait();
        let permitted = |call: &usize| {
            let verdict =
                client.enforce(session(*call), "pay", "", &json!({ "n": call })).expect("an answer").0;
            assert!(verdict == "allow" || verdict == "pending", "{verdict}");
            verdict == "allow"
        };
        (0..APPROVALS).filter(permitted).collect::<Vec<_>>()
    };
    let mut permits: Vec<usize> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..CALLERS).map(|caller| scope.spawn(move || run(caller))).collect();
        running.into_iter().flat_map(|caller| caller.join().expect("a caller")).collect()
    });
    permits.sort_unstable();
    assert!(permits.iter().copied().eq(0..APPROVALS), "each approval permits its call exactly once");
}
