//! Escalations over the wire: who sees them, who resolves them, and who is told `allow`, once.

use std::path::Path;

use reqwest::Method;
use scopegate_core::{Decision, ReviewId};
use serde_json::{Value, json};

use crate::keys::Kind;
use crate::trial::{Trial, key};

const BASE: &str = "/api/v1/enforce/escalations";

struct Keys {
    agent: String,
    twin: String,
    approver: String,
    dev: String,
    admin: String,
    foreign: String,
}

impl Keys {
    fn make(folder: &Path) -> Self {
        let key = |tenant, kind, owner| key(folder, (tenant, kind, owner));
        Self {
            agent: key("default", Kind::Agent, "bot"),
            twin: key("default", Kind::Agent, "bot"),
            approver: key("default", Kind::Approver, "eve"),
            dev: key("default", Kind::Dev, "dan"),
            admin: key("default", Kind::Admin, "root"),
            foreign: key("other", Kind::Dev, "bot"),
        }
    }
}

/// A plane with a role whose payments a person has to agree to.
async fn start(folder: &Path, keys: &Keys) -> Trial {
    let trial = Trial::start(folder).await;
    let role = json!({ "name": "payer", "allowed_tools": ["pay"], "approval_required": ["pay"] });
    trial.role(&keys.admin, role).await;
    trial
}

fn at(id: ReviewId, rest: &str) -> String {
    format!("{BASE}/esc_{id}{rest}")
}

/// The two words and the permit that a reader is told.
async fn read(trial: &Trial, key: &str, id: ReviewId) -> (String, String, Value) {
    let (status, told) = trial.get(key, &at(id, "/status")).await;
    assert_eq!(status, 200, "{told}");
    let word = |name: &str| told[name].as_str().expect("a text").to_owned();
    (word("status"), word("decision"), told["decision_id"].clone())
}

async fn words(trial: &Trial, key: &str, id: ReviewId) -> [String; 2] {
    let (status, decision, _) = read(trial, key, id).await;
    [status, decision]
}

async fn resolve(trial: &Trial, key: &str, id: ReviewId, resolution: &str) -> (u16, Value) {
    trial.post(key, &at(id, "/resolve"), json!({ "resolution": resolution, "reason": "known payee" })).await
}

fn records(trial: &Trial) -> u64 {
    let tenant = trial.tenant();
    tenant.archive.count(&tenant.id).expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_told_to_the_key_that_asked_and_to_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    let session = trial.session(&keys.agent, "payer").await;
    let id = trial.held(session, 5).await;
    assert_eq!(words(&trial, &keys.agent, id).await, ["pending", "pending"]);
    for stranger in [&keys.twin, &keys.foreign] {
        for path in ["", "/status"] {
            assert_eq!(trial.get(stranger, &at(id, path)).await.0, 404, "{path}");
        }
    }
    assert_eq!(resolve(&trial, &keys.agent, id, "approved").await.0, 403, "an agent's key never resolves");
    assert_eq!(resolve(&trial, &keys.admin, id, "approved").await.0, 403);
    assert_eq!(resolve(&trial, &keys.foreign, id, "approved").await.0, 404);

    let (status, told) = resolve(&trial, &keys.approver, id, "approved").await;
    assert_eq!((status, &told["status"]), (200, &json!("approved")), "{told}");
    assert_eq!(told["escalation"]["resolved_by"], "eve");
    let before = records(&trial);
    for _ in 0..2 {
        assert_eq!(words(&trial, &keys.approver, id).await, ["approved", "pending"]);
        assert_eq!(words(&trial, &keys.dev, id).await, ["approved", "pending"]);
        let (_, one) = trial.get(&keys.agent, &at(id, "")).await;
        assert_eq!(one["escalation"]["used"], false, "a look takes nothing up: {one}");
        let (_, approval) = trial.get(&keys.agent, &format!("/v1/approvals/{id}")).await;
        assert_eq!((&approval["status"], &approval["used"]), (&json!("approved"), &json!(false)));
    }
    assert_eq!(records(&trial), before, "nobody has taken it up");

    let (status, decision, permit) = read(&trial, &keys.agent, id).await;
    assert_eq!((&*status, &*decision), ("approved", "allow"));
    assert!(permit.as_str().expect("a permit").starts_with(&format!("enf_{session}_")));
    assert_eq!(read(&trial, &keys.agent, id).await, (status, decision, permit), "told again");
    assert_eq!(words(&trial, &keys.approver, id).await, ["approved", "pending"], "still nobody else's");
    assert_eq!(records(&trial), before + 1);
    let (_, told) = trial.get(&keys.agent, &at(id, "/status")).await;
    assert_eq!((&told["resolution_reason"], &told["ok"]), (&json!("known payee"), &json!(true)));

    assert_eq!(resolve(&trial, &keys.approver, id, "rejected").await.0, 409);
    let again = trial.held(session, 5).await;
    assert_ne!(again, id, "the same call asks a person again");
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_readers_are_told_one_permit_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    let session = trial.session(&keys.agent, "payer").await;
    let id = trial.held(session, 5).await;
    assert_eq!(resolve(&trial, &keys.approver, id, "approved").await.0, 200);
    let before = records(&trial);
    let told = futures_util::future::join_all((0..50).map(|_| read(&trial, &keys.agent, id))).await;
    assert_eq!((&*told[0].0, &*told[0].1), ("approved", "allow"));
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    assert_eq!(records(&trial), before + 1);
    trial.stop().await;

    let trial = Trial::start(folder.path()).await;
    assert_eq!(read(&trial, &keys.agent, id).await, told[0]);
    assert_eq!(records(&trial), before + 1);
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_agrees_to_what_their_own_key_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let own = key(folder.path(), ("default", Kind::Approver, "bot"));
    let trial = start(folder.path(), &keys).await;
    let session = trial.session(&keys.agent, "payer").await;
    let id = trial.held(session, 5).await;
    assert_eq!(resolve(&trial, &own, id, "approved").await.0, 403, "the requester's owner");
    assert_eq!(trial.post(&own, &format!("/v1/approvals/{id}/approve"), json!({})).await.0, 403);
    assert_eq!(words(&trial, &keys.agent, id).await, ["pending", "pending"]);

    // A key for development is both, and says so.
    let session = trial.session(&keys.dev, "payer").await;
    let id = trial.held(session, 6).await;
    let (status, told) = resolve(&trial, &keys.dev, id, "approved").await;
    assert_eq!((status, &told["escalation"]["resolved_by"]), (200, &json!("dan (separation off)")));
    assert_eq!(words(&trial, &keys.dev, id).await, ["approved", "allow"]);
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_of_no_use_once_the_call_is_denied() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    let session = trial.session(&keys.agent, "payer").await;
    let mut ids = Vec::new();
    for amount in 1..=3 {
        let id = trial.held(session, amount).await;
        assert_eq!(resolve(&trial, &keys.approver, id, "approved").await.0, 200);
        ids.push(id);
    }
    assert_eq!(trial.post(&keys.admin, "/mgmt/v1/agents/bot/suspend", json!({})).await.0, 200);
    let (_, told) = trial.get(&keys.agent, &at(ids[0], "/status")).await;
    let expected = ("rejected", "block", "AGENT_SUSPENDED");
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    assert_eq!((&*text("status"), &*text("decision"), &*text("deny_code")), expected, "{told}");
    assert!(text("resolution_reason").contains("AGENT_SUSPENDED"), "{told}");
    assert_eq!(trial.post(&keys.admin, "/mgmt/v1/agents/bot/readmit", json!({})).await.0, 200);
    assert_eq!(words(&trial, &keys.agent, ids[0]).await, ["rejected", "block"], "it is used up");

    let (_, roles) = trial.get(&keys.admin, "/mgmt/v1/roles").await;
    let role = roles["roles"].as_array().or(roles.as_array()).expect("roles")[0].clone();
    let path = format!("/mgmt/v1/roles/{}", role["id"].as_str().or(role["role_id"].as_str()).expect("an id"));
    let strict = json!({ "name": "payer", "allowed_tools": ["read"], "approval_required": [] });
    let (status, told) = trial.ask(&keys.admin, Method::PUT, &path, strict).await;
    assert!(status < 300, "{told}");
    assert_eq!(words(&trial, &keys.agent, ids[1]).await, ["rejected", "block"]);
    let (status, told) =
        trial.ask(&keys.admin, Method::DELETE, &format!("/v1/sessions/{session}"), Value::Null).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(words(&trial, &keys.agent, ids[2]).await, ["rejected", "block"]);
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_told_with_its_reason_and_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    let session = trial.session(&keys.agent, "payer").await;
    let id = trial.held(session, 5).await;
    for (body, status) in [
        (json!({}), 400),
        (json!({ "resolution": null }), 400),
        (json!({ "resolution": "maybe" }), 400),
        (json!({ "resolution": true }), 400),
        (json!({ "resolution": ["approved"] }), 400),
        (json!({ "resolution": "approved", "reason": 7 }), 400),
        (json!({ "resolution": "approved", "reason": "x".repeat(1025) }), 400),
        (json!([]), 400),
    ] {
        let (told, why) = trial.post(&keys.approver, &at(id, "/resolve"), body.clone()).await;
        assert_eq!((told, &why["ok"]), (status, &json!(false)), "{body}: {why}");
    }
    assert_eq!(resolve(&trial, &keys.approver, id, "rejected").await.0, 200);
    let (_, told) = trial.get(&keys.agent, &at(id, "/status")).await;
    assert_eq!((&told["status"], &told["decision"]), (&json!("rejected"), &json!("block")));
    assert_eq!(told["resolution_reason"], "known payee");
    assert!(matches!(trial.decide(session, 5).await, Decision::Deny(_)), "a no stands");
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_paged_and_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Keys::make(folder.path());
    let trial = start(folder.path(), &keys).await;
    let (own, dan) = (trial.session(&keys.agent, "payer").await, trial.session(&keys.dev, "payer").await);
    let mut ids = Vec::new();
    for amount in 1..=4 {
        ids.push(format!("esc_{}", trial.held(own, amount).await));
    }
    ids.push(format!("esc_{}", trial.held(dan, 9).await));
    // One that is taken up by asking again is none of these.
    let plain = json!({ "jwt": "", "tool_name": "pay" });
    drop(trial.post(&keys.agent, "/v1/enforce", plain).await);
    for (index, resolution) in [(0, "approved"), (1, "rejected")] {
        let id = ReviewId::parse(&ids[index][4..]).expect("an id");
        assert_eq!(resolve(&trial, &keys.approver, id, resolution).await.0, 200);
    }
    let list = async |key: &str, query: &str| {
        let (status, told) = trial.get(key, &format!("/v1/enforce/escalations{query}")).await;
        assert_eq!(status, 200, "{query}: {told}");
        let rows = told["escalations"].as_array().expect("rows").clone();
        assert!(
            rows.iter()
                .all(|row| row.as_object().is_some_and(|row| row.values().all(|value| !value.is_null())))
        );
        let found: Vec<usize> = rows
            .iter()
            .map(|row| ids.iter().position(|id| row["escalation_id"] == **id).expect("known"))
            .collect();
        (found, told["total"].as_u64().expect("a total"))
    };
    for (key, query, expected, total) in [
        (&keys.approver, "", &[4, 3, 2][..], 3),
        (&keys.approver, "?status=pending&per_page=2", &[4, 3], 3),
        (&keys.approver, "?status=pending&per_page=2&page=2", &[2], 3),
        (&keys.approver, "?page=9", &[], 3),
        (&keys.approver, "?status=approved", &[0], 1),
        (&keys.approver, "?status=rejected", &[1], 1),
        (&keys.approver, "?status=expired", &[], 0),
        (&keys.approver, "?status=all&agent_id=bot", &[3, 2, 1, 0], 4),
        (&keys.approver, "?status=all&agent_id=nobody", &[], 0),
        (&keys.agent, "?status=all", &[3, 2, 1, 0], 4),
        (&keys.twin, "?status=all", &[], 0),
        (&keys.foreign, "?status=all", &[], 0),
        (&keys.approver, "?status=all&per_page=999999999", &[4, 3, 2, 1, 0], 5),
    ] {
        assert_eq!(list(key, query).await, (expected.to_vec(), total), "{query}");
    }
    let (_, told) = trial.get(&keys.approver, BASE).await;
    assert_eq!(told["escalations"][0]["arguments"], json!({ "amount": 9, "to": "ann" }), "all of them");
    for query in [
        "?status=open",
        "?page=0",
        "?page=-1",
        "?per_page=1e3",
        "?per_page=",
        "?page=1&page=2",
        "?status=all&status=all",
    ] {
        let (status, told) = trial.get(&keys.approver, &format!("{BASE}{query}")).await;
        assert!((400..500).contains(&status) && told["ok"] == false, "{query}: {status} {told}");
    }
    let long = "a".repeat(4000);
    for id in ["esc_", "esc_7", "7", &ids[0][4..], "esc_00000000000000000000000000000000", "%00", &long] {
        for path in ["", "/status"] {
            let (status, told) = trial.get(&keys.approver, &format!("{BASE}/{id}{path}")).await;
            assert_eq!((status, &told["ok"]), (404, &json!(false)), "{id}{path}");
        }
        let (status, _) = trial
            .post(&keys.approver, &format!("{BASE}/{id}/resolve"), json!({ "resolution": "approved" }))
            .await;
        assert_eq!(status, 404, "{id}");
    }
    trial.stop().await;
}
