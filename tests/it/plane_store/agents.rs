//! Agents, their credentials and used assertions: kept, counted, forgotten.

use scopegate_core::{DenyCode, Event, Name, Timestamp};
use scopegate_engine::Durability::Durable;
use scopegate_server::store::{
    AgentRow, Archive, AssertionRow, Change, CredentialRow, DecisionRow, Permissions, SqliteStore, Store,
};

use super::{at, decision, store, tenant};

const DAY: u64 = 24 * 3_600_000;

fn agent(id: &str) -> AgentRow {
    AgentRow {
        tenant: tenant("acme"),
        id: id.into(),
        name: format!("bot {id}").into(),
        framework: "custom".into(),
        description: None,
        capabilities: vec!["pay".to_owned()],
        scopes: Vec::new(),
        delegation_policy: serde_json::Map::new(),
        permissions: Permissions { allowed: vec!["pay*".into()], denied: Vec::new() },
        roles: vec!["r1".into()],
        created_at: at(0),
        updated_at: at(1),
        deactivated_at: None,
    }
}

fn credential(id: &str, days: u64) -> CredentialRow {
    CredentialRow {
        tenant: tenant("acme"),
        id: id.into(),
        agent: "ann".into(),
        public_key: [5; 32],
        created_at: at(0),
        expires_at: at(days * DAY),
        retires_at: None,
        revoked_at: None,
        reason: None,
    }
}

fn used(name: u8, until: Timestamp) -> AssertionRow {
    AssertionRow { agent: "ann".into(), name: [name; 32], until }
}

fn assertion(name: u8, until: Timestamp) -> Change {
    Change::Assertion { tenant: tenant("acme"), assertion: used(name, until) }
}

fn decided(number: u64, owner: &str, event: Event, count: Option<u64>) -> Change {
    let mut row: DecisionRow = decision(1, number, event);
    row.record.owner = Some(owner.into());
    row.circumstances.count = count;
    Change::Decision(Box::new(row))
}

#[test]
fn a_restart_keeps_agents_what_proves_them_and_what_they_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let changed = AgentRow { deactivated_at: Some(at(9)), ..agent("ann") };
    let revoked = CredentialRow {
        revoked_at: Some(at(3)),
        reason: Some("leaked".to_owned()),
        ..credential("cred_1", 90)
    };
    let batch = [
        Change::Agent(Box::new(agent("zoe"))),
        Change::Agent(Box::new(agent("ann"))),
        Change::Agent(Box::new(changed.clone())),
        Change::Credential(Box::new(credential("cred_1", 90))),
        Change::Credential(Box::new(revoked.clone())),
        assertion(1, at(300_000)),
        assertion(2, at(40)),
        assertion(1, at(300_000)),
        Change::HighWater(at(50)),
    ];
    plane.commit(&batch, Durable).expect("a commit");
    drop(plane);
    let state = SqliteStore::open(folder.path()).expect("the store").load().expect("its state");
    let kept = &state.tenants[0];
    assert_eq!(kept.agents, [agent("zoe"), changed], "in the order they were registered");
    assert_eq!(kept.credentials, [revoked]);
    assert_eq!(kept.assertions, [used(1, at(300_000))], "the other is too old to be used again");
}

#[test]
fn what_was_decided_is_counted_for_agents_and_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    plane.commit(&[Change::Agent(Box::new(agent("ann")))], Durable).expect("a commit");
    let denied = Event::Deny(DenyCode::ScopeViolation);
    let first = [
        decided(1, "ann", Event::Permit, None),
        decided(2, "bob", Event::Permit, None),
        decided(3, "ann", denied, Some(40)),
        decided(1, "ann", Event::Ran, None),
    ];
    let second = [decided(4, "ann", Event::Hold, None), decided(5, "ann", Event::Permit, None)];
    for batch in [first.as_slice(), second.as_slice()] {
        plane.commit(batch, Durable).expect("a commit");
    }
    let archive = plane.archive().expect("an archive");
    let acme = tenant("acme");
    let agents: [Name; 2] = ["ann".into(), "bob".into()];
    let counts = archive.agent_counts(&acme, &agents).expect("counts");
    let ann = counts[0];
    assert_eq!((ann.permits, ann.denials, ann.holds, ann.records), (2, 40, 1, 4));
    assert_eq!(ann.last_seen, Some(at(5)));
    assert_eq!((counts[1].permits, counts[1].last_seen), (0, None), "nobody has registered bob");

    let found = |skip, most| -> Vec<u64> {
        let rows = archive.agent_records(&acme, "ann", skip, most).expect("records");
        rows.iter().map(|row| row.seq).collect()
    };
    assert_eq!(found(0, 9), [5, 4, 2, 0], "newest first, and outcomes are no decisions");
    assert_eq!((found(1, 2), found(4, 9)), (vec![4, 2], vec![]));
    assert_eq!(archive.agent_records(&acme, "bob", 0, 9).expect("records"), []);
    let whole = archive.records(&acme, 4, 1).expect("records").remove(0);
    assert_eq!(archive.agent_records(&acme, "ann", 1, 1).expect("records")[0].hash, whole.hash);
}

#[test]
fn nobody_takes_the_credential_of_another_tenants_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let other = scopegate_server::store::TenantRow::new(tenant("other"), 9 << 80, at(0));
    plane.commit(&[Change::Tenant(other)], Durable).expect("a tenant");
    plane.commit(&[Change::Credential(Box::new(credential("cred_1", 90)))], Durable).expect("a commit");
    let theirs = CredentialRow { tenant: tenant("other"), ..credential("cred_1", 90) };
    assert!(plane.commit(&[Change::Credential(Box::new(theirs))], Durable).is_err());
}

#[test]
fn what_nothing_can_be_proved_with_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let batch = [
        Change::Agent(Box::new(agent("ann"))),
        Change::Credential(Box::new(credential("cred_1", 1))),
        Change::Credential(Box::new(credential("cred_2", 90))),
        assertion(1, at(300_000)),
        assertion(2, at(40 * DAY)),
    ];
    plane.commit(&batch, Durable).expect("a commit");
    plane.load().expect("its state");
    assert!(!plane.forget(at(32 * DAY)).expect("a slice"));
    let kept = plane.load().expect("its state").tenants.remove(0);
    assert_eq!(kept.credentials, [credential("cred_2", 90)], "the other was over for a month");
    assert_eq!(kept.assertions, [used(2, at(40 * DAY))]);
    assert_eq!(kept.agents, [agent("ann")], "agents stay");
}

/// How many denials a client counted is the client's word, and must not stop the store.
#[test]
fn counts_stay_within_what_can_be_kept() {
    const MOST: u64 = (1 << 53) - 1;
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    plane.commit(&[Change::Agent(Box::new(agent("ann")))], Durable).expect("a commit");
    let deny = Event::Deny(DenyCode::ScopeViolation);
    for number in [1, 3, 5] {
        let huge =
            [decided(number, "ann", deny, Some(u64::MAX)), decided(number + 1, "ann", deny, Some(MOST))];
        plane.commit(&huge, Durable).expect("a commit");
    }
    plane.commit(&[decided(9, "ann", Event::Permit, None)], Durable).expect("a commit");
    let archive = plane.archive().expect("an archive");
    let counts = archive.agent_counts(&tenant("acme"), &["ann".into()]).expect("counts");
    assert_eq!((counts[0].denials, counts[0].permits), (MOST, 1));
}
