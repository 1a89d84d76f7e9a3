//! What is long over is forgotten, a slice at a time; the log never is.

use std::time::Duration;

use scopegate_core::{Event, Timestamp};
use scopegate_engine::Durability::Durable;
use scopegate_server::audit::{Known, verify_export};
use scopegate_server::store::DeliveryState::{Delivered, Waiting};
use scopegate_server::store::{Archive, Change, SqliteStore, Store};

use super::kept::delivery;
use super::{at, decision, exported, permit, review, session, session_id, store, tenant};

/// More than fits into one slice.
const SESSIONS: u64 = 1_200;

/// All of it begins at noon; this many days later it has been over for at least so many, less an hour.
fn days(n: u64) -> Timestamp {
    at(0).after(Duration::from_secs(n * 24 * 3600))
}

fn written(plane: &mut SqliteStore) {
    let mut batch: Vec<Change> = (1..=SESSIONS).map(|n| Change::Session(session(n, None))).collect();
    batch.extend((1..=20).map(|n| permit(n, 1)));
    batch.push(Change::Review(Box::new(review("approved"))));
    let mut announced = decision(1, 2, Event::Permit);
    announced.delivery = Some(delivery(Delivered));
    batch.push(Change::Decision(Box::new(announced)));
    let mut waits = delivery(Waiting);
    waits.id = "msg_2".into();
    batch.push(Change::Delivery(waits));
    plane.commit(&batch, Durable).expect("a commit");
}

#[test]
fn what_was_over_for_a_month_is_gone_and_its_records_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    written(&mut plane);
    plane.load().expect("its state");
    let archive = plane.archive().expect("an archive");
    let known = |n| archive.session(&tenant("acme"), session_id(n)).expect("a look").is_some();
    let deliveries = || archive.deliveries(&tenant("acme"), 10).expect("a look").len();
    let reviewed =
        || archive.review(&tenant("acme"), review("approved").review.id).expect("a look").is_some();

    assert!(!plane.forget(days(30)).expect("nothing to do"), "half a day is missing");
    assert!(known(1) && known(SESSIONS) && reviewed());
    assert_eq!(deliveries(), 2);

    let mut slices = 1;
    while plane.forget(days(31)).expect("a slice") {
        slices += 1;
    }
    assert_eq!(slices, 3, "a slice has 500 rows");
    assert!((1..=SESSIONS).all(|n| !known(n)) && !reviewed());
    assert_eq!(deliveries(), 1, "what waits is not over");
    let state = plane.load().expect("its state");
    assert_eq!((state.tenants[0].sessions.len(), state.tenants[0].accounts.len()), (0, 0));

    assert_eq!(archive.count(&tenant("acme")).expect("a count"), 21);
    plane.checkpoint(days(31)).expect("a checkpoint");
    let (lines, key) = exported(&plane, 0);
    let mut by_whom = Known::default();
    by_whom.key = Some(key);
    let report = verify_export(lines.concat().as_bytes(), &by_whom).expect("it verifies");
    assert_eq!(report.records, 21);
}

#[test]
fn only_the_plane_itself_forgets() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    written(&mut plane);
    let mut beside = SqliteStore::beside(folder.path()).expect("the store beside its plane");
    assert!(!beside.forget(days(31)).expect("nothing to do"));
    let archive = plane.archive().expect("an archive");
    assert!(archive.session(&tenant("acme"), session_id(1)).expect("a look").is_some());
}
