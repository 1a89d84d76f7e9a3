//! What was committed is there at the next start, all of it, and only by whoever may.

use scopegate_core::{Event, ReviewState};
use scopegate_engine::Durability::{Buffered, Durable};
use scopegate_server::store::{
    Archive, CatalogueRow, Change, DeliveryRow, DeliveryState, DocumentKind, DocumentRow, Epoch, KeyRow,
    RoleRow, SessionEnd, SessionRow, SigningKeyRow, SqliteStore, Store, StoreError, TenantRow,
};

use super::{acme, at, decision, permit, review, session, session_id, store, tenant};

fn key(id: &str) -> KeyRow {
    KeyRow {
        tenant: tenant("acme"),
        id: id.into(),
        kind: "agent".into(),
        owner: "ann".into(),
        name: Some("laptop".to_owned()),
        hash: [9; 32],
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
    }
}

fn role(version: u64, ended: bool) -> RoleRow {
    RoleRow {
        tenant: tenant("acme"),
        id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff".into(),
        name: "clerk".into(),
        version,
        document: format!(r#"{{"name":"clerk","nobody_knows_this":[1.50,{version}]}}"#),
        created_at: at(0),
        updated_at: at(version),
        ended,
    }
}

pub(super) fn delivery(state: DeliveryState) -> DeliveryRow {
    DeliveryRow {
        tenant: tenant("acme"),
        id: "msg_1".into(),
        event: "deny".into(),
        url: "https://example.com/hook".to_owned(),
        role_id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff".into(),
        body: "{\"event\":\"deny\"}".to_owned(),
        created_at: at(5),
        state,
        attempts: 0,
        at: at(5),
        last: None,
    }
}

#[test]
fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let catalogue = CatalogueRow {
        tenant: tenant("acme"),
        server: "files".into(),
        document: "{\"tools\":[]}".to_owned(),
        updated_at: at(0),
    };
    let signing = SigningKeyRow {
        id: "t1".into(),
        seed: [3; 32],
        created_at: at(0),
        signs_from: at(1),
        retired_at: None,
    };
    let end = SessionEnd { at: at(8), revoked: true, reason: "MANUAL".to_owned() };
    let mut used = decision(1, 2, Event::Permit);
    used.review = Some(review("consumed"));
    used.budgets = vec![(session_id(1), 4), (session_id(3), 9)];
    used.delivery = Some(delivery(DeliveryState::Waiting));
    used.documents = vec![document("b", Some("[2]"))];
    let batch = [
        Change::Key(key("k1")),
        Change::SigningKey(signing.clone()),
        Change::Role(role(1, false)),
        Change::Role(role(2, false)),
        // The child is written first: the start puts parents before children.
        Change::Session(session(2, Some(3))),
        Change::Session(session(3, Some(1))),
        Change::Session(SessionRow { max_calls: Some(10), ..session(1, None) }),
        Change::Suspended { tenant: tenant("acme"), owner: "bob".into(), on: true },
        Change::Suspended { tenant: tenant("acme"), owner: "eve".into(), on: true },
        Change::Suspended { tenant: tenant("acme"), owner: "eve".into(), on: false },
        Change::Review(Box::new(review("approved"))),
        Change::Catalogue(CatalogueRow { server: "gone".into(), ..catalogue.clone() }),
        Change::Catalogue(CatalogueRow { document: "{}".to_owned(), ..catalogue.clone() }),
        Change::Catalogue(catalogue.clone()),
        Change::CatalogueEnded { tenant: tenant("acme"), server: "gone".into() },
        Change::Document(document("b", Some("[1]"))),
        Change::Document(document("a", Some("[]"))),
        Change::Document(document("gone", Some("[]"))),
        Change::Document(document("gone", None)),
        permit(1, 1),
        Change::Decision(Box::new(used)),
        Change::SessionEnded { tenant: tenant("acme"), session: session_id(3), end: end.clone() },
        Change::Epoch { tenant: tenant("acme"), epoch: Epoch { counter: 4, ..acme().epoch } },
        Change::HighWater(at(50)),
    ];
    plane.commit(&batch, Durable).expect("a commit");
    drop(plane);

    let state = SqliteStore::open(folder.path()).expect("the store").load().expect("its state");
    assert_eq!(state.latest, at(50));
    assert_eq!(state.signing_keys, [signing]);
    let [kept] = state.tenants.as_slice() else { panic!("{state:?}") };
    assert_eq!(kept.tenant, TenantRow { epoch: Epoch { counter: 4, ..acme().epoch }, ..acme() });
    assert_eq!(kept.keys, [key("k1")]);
    assert_eq!(kept.roles, [role(2, false)]);
    let mut sessions = [session(1, None), session(3, Some(1)), session(2, Some(3))];
    (sessions[0].records, sessions[0].max_calls, sessions[0].spent) = (2, Some(10), 4);
    sessions[1].spent = 9;
    sessions[1].end = Some(end);
    assert_eq!(kept.sessions, sessions);
    assert_eq!(kept.suspended, ["bob"]);
    assert_eq!(kept.reviews, [review("consumed")]);
    assert_eq!(kept.reviews[0].review.state, ReviewState::Consumed);
    // The last word of the batch.
    assert_eq!(kept.accounts, decision(1, 2, Event::Permit).accounts);
    assert_eq!(kept.catalogues, [catalogue]);
    assert_eq!(kept.documents, [document("b", Some("[2]")), document("a", Some("[]"))], "as first written");
    assert_eq!(kept.documents[0].read::<Vec<u8>>().expect("what it says"), Some(vec![2]));
    assert!(kept.documents[0].read::<String>().is_err(), "it says something else");
    assert_eq!(kept.deliveries, [delivery(DeliveryState::Waiting)]);
}

fn document(id: &str, body: Option<&str>) -> DocumentRow {
    let body = body.map(str::to_owned);
    DocumentRow { tenant: tenant("acme"), kind: DocumentKind::Policy, id: id.into(), body }
}

#[test]
fn what_is_over_is_not_loaded_but_can_be_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let batch = [
        Change::Role(role(1, false)),
        Change::Role(role(2, true)),
        Change::Session(session(1, None)),
        permit(1, 1),
        Change::Review(Box::new(review("rejected"))),
        Change::Delivery(delivery(DeliveryState::Waiting)),
        Change::Delivery(delivery(DeliveryState::Parked)),
        Change::HighWater(at(24 * 3_600_000)),
    ];
    plane.commit(&batch, Durable).expect("a commit");
    drop(plane);
    let mut plane = SqliteStore::open(folder.path()).expect("the store");
    let state = plane.load().expect("its state");
    let kept = &state.tenants[0];
    let counts = (kept.roles.len(), kept.sessions.len(), kept.reviews.len());
    assert_eq!((counts, kept.accounts.len(), kept.deliveries.len()), ((0, 0, 0), 0, 0));
    let archive = plane.archive().expect("an archive");
    let found = archive.session(&tenant("acme"), session_id(1)).expect("a look").expect("the session");
    assert_eq!((found.task_type.as_str(), found.records), ("invoices", 1));
    let found = archive.review(&tenant("acme"), review("rejected").review.id).expect("a look");
    assert_eq!(found, Some(review("rejected")));
    assert_eq!(archive.deliveries(&tenant("acme"), 9).expect("a look"), [delivery(DeliveryState::Parked)]);
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    plane.commit(&[Change::Role(role(1, false)), permit(1, 1)], Durable).expect("a commit");
    let before = plane.load().expect("its state");
    for (what, bad) in [
        ("a version that was skipped", Change::Role(role(3, false))),
        ("a version that is there", Change::Role(role(1, false))),
        ("a tenant that is there", Change::Tenant(acme())),
        ("the key of nobody", Change::Key(KeyRow { tenant: tenant("other"), ..key("k2") })),
        (
            "the end of no session",
            Change::SessionEnded {
                tenant: tenant("acme"),
                session: session_id(9),
                end: SessionEnd { at: at(1), revoked: true, reason: String::new() },
            },
        ),
    ] {
        let batch = [Change::Key(key("k1")), permit(1, 2), bad, permit(1, 3)];
        let error = plane.commit(&batch, Durable).expect_err(what);
        assert!(matches!(error, StoreError::Conflict(_) | StoreError::UnknownTenant(_)), "{what}: {error}");
        assert_eq!(plane.load().expect("its state"), before, "{what}");
        assert_eq!(
            plane.archive().expect("an archive").count(&tenant("acme")).expect("a count"),
            1,
            "{what}"
        );
    }
    // The chain goes on where it was.
    plane.commit(&[permit(1, 2)], Durable).expect("a commit");
    assert_eq!(plane.archive().expect("an archive").count(&tenant("acme")).expect("a count"), 2);
}

#[test]
fn one_plane_has_a_folder_and_keys_are_made_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let second = SqliteStore::open(folder.path());
    assert!(matches!(second, Err(StoreError::InUse(_))), "{second:?}");
    assert!(!plane.changed_elsewhere().expect("a look"));
    plane.commit(&[Change::Key(key("k1"))], Durable).expect("a commit");
    assert!(!plane.changed_elsewhere().expect("a look"), "its own commit is no news");

    let mut beside = SqliteStore::beside(folder.path()).expect("the command line");
    let theirs = TenantRow::new(tenant("other"), 8 << 80, at(0));
    let batch =
        [Change::Tenant(theirs.clone()), Change::Key(KeyRow { tenant: tenant("other"), ..key("k2") })];
    beside.commit(&batch, Durable).expect("a commit beside the plane");
    let recorded = beside.commit(&[permit(1, 1)], Durable);
    assert!(matches!(recorded, Err(StoreError::Conflict(_))), "only the plane records: {recorded:?}");
    let stolen = beside.commit(&[Change::Key(KeyRow { tenant: tenant("other"), ..key("k1") })], Durable);
    assert!(matches!(stolen, Err(StoreError::Conflict(_))), "{stolen:?}");

    assert!(plane.changed_elsewhere().expect("a look"));
    assert!(!plane.changed_elsewhere().expect("a look"), "told once");
    let archive = plane.archive().expect("an archive");
    assert_eq!(archive.access().expect("a look").tenants, [acme(), theirs]);
    assert_eq!(archive.key("k2").expect("a look").expect("the key").tenant, tenant("other"));
    assert_eq!(archive.key("k3").expect("a look"), None);
    // The plane records for a tenant that it did not know at its start.
    let mut first = decision(1, 1, Event::Permit);
    first.tenant = tenant("other");
    plane.commit(&[Change::Decision(Box::new(first))], Durable).expect("a commit");
    assert_eq!(archive.count(&tenant("other")).expect("a count"), 1);
    drop(plane);
    SqliteStore::open(folder.path()).expect("the lock goes with the plane");
}

#[test]
fn an_epoch_never_goes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let mut after = |epoch| {
        plane.commit(&[Change::Epoch { tenant: tenant("acme"), epoch }], Durable).expect("a commit");
        plane.load().expect("its state").tenants[0].tenant.epoch
    };
    let Epoch { incarnation, .. } = acme().epoch;
    assert_eq!(after(Epoch { incarnation, counter: 5 }).counter, 5);
    assert_eq!(after(Epoch { incarnation, counter: 3 }).counter, 5);
    let fresh = Epoch { incarnation: incarnation + 1, counter: 0 };
    assert_eq!(after(fresh), fresh, "another incarnation begins anew");
}

#[test]
fn a_file_of_a_newer_or_another_program_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(folder.path()));
    let file = folder.path().join("scopegate.db");
    let db = rusqlite::Connection::open(&file).expect("the file");
    let ours: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    db.pragma_update(None, "user_version", ours + 1).expect("a version");
    let error = SqliteStore::open(folder.path()).expect_err("newer").to_string();
    let said = [format!("version {}", ours + 1), format!("up to {ours}")];
    assert!(said.iter().all(|said| error.contains(said)), "{error}");
    db.pragma_update(None, "user_version", ours).expect("a version");
    SqliteStore::open(folder.path()).expect("as it was");
    db.pragma_update(None, "application_id", 1).expect("a mark");
    assert!(matches!(SqliteStore::open(folder.path()), Err(StoreError::Foreign(_))));
    drop(db);

    let other = tempfile::tempdir().expect("a folder");
    std::fs::write(other.path().join("scopegate.db"), "this is a text, and no database at all")
        .expect("a file");
    assert!(matches!(SqliteStore::open(other.path()), Err(StoreError::Foreign(_))));
}

#[test]
fn an_older_copy_of_the_database_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    plane.commit(&[permit(1, 1)], Durable).expect("a commit");
    plane.checkpoint(at(1)).expect("a checkpoint");
    drop(plane);
    let file = folder.path().join("scopegate.db");
    let older = std::fs::read(&file).expect("a backup");
    let mut plane = SqliteStore::open(folder.path()).expect("the store");
    plane.commit(&[permit(1, 2)], Buffered).expect("a commit");
    plane.checkpoint(at(2)).expect("a checkpoint");
    drop(plane);
    std::fs::write(&file, older).expect("the backup put back");
    let error = SqliteStore::open(folder.path()).expect("the store").load().expect_err("older").to_string();
    assert!(error.contains("older copy"), "{error}");
}

#[test]
fn a_lost_key_does_not_become_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(folder.path()));
    let file = folder.path().join("checkpoint.key");
    let key = std::fs::read(&file).expect("the key");
    std::fs::remove_file(&file).expect("a loss");
    assert!(matches!(SqliteStore::open(folder.path()), Err(StoreError::Damaged(_))));
    std::fs::write(&file, "00".repeat(32)).expect("another key");
    assert!(matches!(SqliteStore::open(folder.path()), Err(StoreError::Damaged(_))));
    std::fs::write(&file, key).expect("the key");
    SqliteStore::open(folder.path()).expect("as it was");
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("data");
    let mut plane = store(&folder);
    plane.commit(&[permit(1, 1)], Durable).expect("a commit");
    let mode = |path: &std::path::Path| path.metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    files.extend(
        std::fs::read_dir(folder.join("checkpoints"))
            .expect("a folder")
            .map(|file| file.expect("a file").path()),
    );
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), if file.is_dir() { 0o700 } else { 0o600 }, "{}", file.display());
    }
}
