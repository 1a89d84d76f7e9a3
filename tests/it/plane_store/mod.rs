//! What the plane keeps: the store, its writer, and the log.

mod agents;
mod crash;
mod export;
mod figures;
mod forget;
mod kept;
mod log;
mod proofs;
mod queue;
mod tampering;

use std::path::Path;

use scopegate_core::{DecisionRecord, DenyCode, Event, PermitId, Review, SessionId, Timestamp};
use scopegate_engine::Durability::Durable;
use scopegate_server::audit::{Circumstances, NoteKey, export};
use scopegate_server::store::{
    AccountRow, Change, DecisionRow, ReviewRow, SessionRow, SqliteStore, Store, TenantId, TenantRow,
};
use serde_json::json;

use crate::engine::NOON;

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).expect("a name")
}

/// The store of a plane, with one tenant `acme`.
fn store(folder: &Path) -> SqliteStore {
    let mut store = SqliteStore::open(folder).expect("a new store");
    store.commit(&[Change::Tenant(acme())], Durable).expect("a tenant");
    store
}

fn acme() -> TenantRow {
    TenantRow::new(tenant("acme"), 7 << 80, NOON)
}

/// The n-th moment: milliseconds, which is what texts carry.
fn at(n: u64) -> Timestamp {
    Timestamp::from_nanos(NOON.nanos() + n * 1_000_000)
}

fn session_id(n: u64) -> SessionId {
    SessionId::from_bits(u128::from(n) << 64 | 0xfeed)
}

/// The `number`-th decision of a session.
fn decision(session: u64, number: u64, event: Event) -> DecisionRow {
    let id = PermitId { session: session_id(session), number };
    let mut record = DecisionRecord::new(id, at(number), event);
    record.owner = Some("ann".into());
    record.role = Some(("clerk".into(), 3));
    record.tool = Some("send_payment".into());
    DecisionRow {
        tenant: tenant("acme"),
        record,
        circumstances: Circumstances { call: Some(format!("call {number}")), ..Circumstances::default() },
        accounts: vec![AccountRow {
            account: format!("{session}").into_bytes().into(),
            tat: at(number + 60_000).nanos(),
        }],
        budgets: Vec::new(),
        review: None,
        documents: Vec::new(),
        delivery: None,
    }
}

fn permit(session: u64, number: u64) -> Change {
    Change::Decision(Box::new(decision(session, number, Event::Permit)))
}

fn denial(session: u64, number: u64) -> Change {
    Change::Decision(Box::new(decision(session, number, Event::Deny(DenyCode::ScopeViolation))))
}

fn session(n: u64, parent: Option<u64>) -> SessionRow {
    SessionRow {
        tenant: tenant("acme"),
        id: session_id(n),
        key: "k1".into(),
        owner: "ann".into(),
        role_id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff".into(),
        role: "clerk".into(),
        task_type: "invoices".into(),
        framework: "python".into(),
        requested_ttl: 600,
        created_at: at(0),
        expires_at: at(600_000),
        parent: parent.map(session_id),
        end: None,
        records: 0,
        max_calls: None,
        spent: 0,
    }
}

fn review(state: &str) -> ReviewRow {
    let review: Review = serde_json::from_value(json!({
        "id": "000000000000000000000000000000aa", "digest": "ab".repeat(32), "session": session_id(1),
        "owner": "ann", "role": "clerk", "tool": "send_payment", "arguments": "{\"amount\":5}",
        "state": state, "reviewer": null, "opened_at": at(1), "expires_at": at(900_000),
    }))
    .expect("a review");
    ReviewRow {
        tenant: tenant("acme"),
        review,
        role_id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff".into(),
        role_version: 3,
        key: "k1".into(),
        call: None,
        decided_by: None,
        label: None,
        reason: None,
    }
}

/// An export of the log from record `from` on, as lines.
fn exported(store: &SqliteStore, from: u64) -> (Vec<String>, NoteKey) {
    let (archive, chain) = (store.archive().expect("an archive"), acme().chain);
    let key = store.public_key(&chain).expect("a key");
    let mut text = Vec::new();
    export(&archive, (&tenant("acme"), &chain, &key), from, &mut text, |_, _| {}).expect("an export");
    let text = String::from_utf8(text).expect("text");
    (text.lines().map(|line| format!("{line}\n")).collect(), key)
}
