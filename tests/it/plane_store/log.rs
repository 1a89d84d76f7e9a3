//! The log as it is written: numbers, times, hashes, checkpoints.

use scopegate_core::{Event, Timestamp};
use scopegate_engine::Durability::{Buffered, Durable};
use scopegate_server::audit::{Checkpoint, merkle, notes, origin};
use scopegate_server::store::{Archive, Change, SqliteStore, Store, StoreError};

use super::{acme, at, decision, permit, store, tenant};

/// A permit that was decided at this moment.
fn decided(number: u64, moment: u64) -> Change {
    let mut row = decision(1, number, Event::Permit);
    row.record.at = at(moment);
    Change::Decision(Box::new(row))
}

#[test]
fn numbers_have_no_gaps_and_time_never_runs_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    // Two threads may hand over what they decided in another order than their clocks say.
    let batches: [&[(u64, u64)]; 4] = [&[(1, 5), (2, 3), (3, 9)], &[(4, 1)], &[(5, 12), (6, 12)], &[(7, 2)]];
    for (index, batch) in batches.into_iter().enumerate() {
        if index == 2 {
            drop(plane);
            plane = SqliteStore::open(folder.path()).expect("the store");
        }
        let batch: Vec<_> = batch.iter().map(|(number, moment)| decided(*number, *moment)).collect();
        plane.commit(&batch, Durable).expect("a commit");
    }
    let archive = plane.archive().expect("an archive");
    let records = archive.records(&tenant("acme"), 0, 99).expect("records");
    assert!(records.iter().map(|record| record.seq).eq(0..7));
    let times: Vec<_> = records.iter().map(|record| record.at).collect();
    assert_eq!(times, [5, 5, 9, 9, 12, 12, 12].map(at));
    for record in &records {
        let body: serde_json::Value = serde_json::from_str(&record.body).expect("a body");
        assert_eq!(body["at"], record.at.to_string(), "the column and the text say the same");
        assert_eq!(body["id"]["number"], record.seq + 1);
        assert_eq!(body["plane"]["call"], format!("call {}", record.seq + 1));
    }
    for (since, first) in [(0, 0), (5, 0), (6, 2), (9, 2), (10, 4), (12, 4), (13, 7)] {
        assert_eq!(archive.first_since(&tenant("acme"), at(since)).expect("a look"), first, "since {since}");
    }
    let middle = archive.records(&tenant("acme"), 3, 2).expect("records");
    assert_eq!(middle, records[3..5]);
    assert_eq!(archive.records(&tenant("acme"), 7, 2).expect("records"), []);
}

#[test]
fn what_was_decided_before_a_checkpoint_may_be_kept_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    plane.commit(&[decided(1, 5)], Durable).expect("a commit");
    plane.checkpoint(at(10)).expect("a checkpoint");
    plane.commit(&[decided(2, 7)], Durable).expect("a commit");
    drop(plane);
    let mut plane = SqliteStore::open(folder.path()).expect("the store");
    plane.load().expect("a log that goes on");
    plane.commit(&[decided(3, 6)], Durable).expect("a commit");
    let records = plane.archive().expect("an archive").records(&tenant("acme"), 0, 9).expect("records");
    assert_eq!(records.iter().map(|record| record.at).collect::<Vec<_>>(), [5, 7, 7].map(at));
}

#[test]
fn every_tenant_has_its_own_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let other = scopegate_server::store::TenantRow::new(tenant("other"), 8 << 80, at(0));
    plane.commit(&[Change::Tenant(other)], Durable).expect("a tenant");
    let batch: Vec<_> = (1..=9)
        .map(|n| {
            let mut row = decision(1, n, Event::Permit);
            row.tenant = tenant(if n % 3 == 0 { "other" } else { "acme" });
            Change::Decision(Box::new(row))
        })
        .collect();
    plane.commit(&batch, Durable).expect("a commit");
    let archive = plane.archive().expect("an archive");
    for (name, count) in [("acme", 6), ("other", 3)] {
        let records = archive.records(&tenant(name), 0, 99).expect("records");
        assert!(records.iter().map(|record| record.seq).eq(0..count), "{name}");
        assert_eq!(archive.count(&tenant(name)).expect("a count"), count);
    }
    assert!(matches!(archive.count(&tenant("nobody")), Err(StoreError::UnknownTenant(_))));
}

#[test]
fn checkpoints_come_each_second_or_each_1024_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    let sizes = |plane: &SqliteStore| -> Vec<u64> {
        let archive = plane.archive().expect("an archive");
        let signed = archive.checkpoints(&tenant("acme"), 0, 99).expect("checkpoints");
        signed.iter().map(|checkpoint| checkpoint.size).collect()
    };
    plane.commit(&[decided(1, 0)], Durable).expect("a commit");
    assert_eq!(sizes(&plane), [1], "nothing was ever signed");
    plane.commit(&[decided(2, 999)], Durable).expect("a commit");
    assert_eq!(sizes(&plane), [1]);
    plane.commit(&[decided(3, 1000)], Durable).expect("a commit");
    assert_eq!(sizes(&plane), [1, 3]);
    let many: Vec<_> = (4..=1026).map(|n| decided(n, 1001)).collect();
    plane.commit(&many, Durable).expect("a commit");
    assert_eq!(sizes(&plane), [1, 3]);
    plane.commit(&[decided(1027, 1001)], Durable).expect("a commit");
    assert_eq!(sizes(&plane), [1, 3, 1027]);
    plane.checkpoint(at(5000)).expect("nothing to sign");
    assert_eq!(sizes(&plane), [1, 3, 1027]);
    // Buffered records are signed once they are on disk.
    plane.commit(&[decided(1028, 9000)], Buffered).expect("a commit");
    assert_eq!(sizes(&plane), [1, 3, 1027]);
    plane.checkpoint(at(9000)).expect("a checkpoint");
    assert_eq!(sizes(&plane), [1, 3, 1027, 1028]);

    // The second file has the same ones, and each is what the records say.
    let text = std::fs::read_to_string(folder.path().join("checkpoints/acme.txt")).expect("the file");
    let archive = plane.archive().expect("an archive");
    let signed = archive.checkpoints(&tenant("acme"), 0, 99).expect("checkpoints");
    assert_eq!(notes(&text), signed.iter().map(|row| row.note.clone()).collect::<Vec<_>>());
    let records = archive.records(&tenant("acme"), 0, 2000).expect("records");
    let leaves: Vec<_> = records.iter().map(|record| merkle::leaf(&record.hash)).collect();
    let chain = acme().chain;
    let key = plane.public_key(&chain).expect("a key");
    for row in signed {
        let checkpoint = Checkpoint::open(&row.note, &key).expect("a checkpoint");
        assert_eq!((checkpoint.origin, checkpoint.size), (origin(&chain), row.size));
        assert_eq!(checkpoint.root, merkle::root(&leaves[..row.size as usize]));
    }
}

#[test]
fn a_torn_checkpoint_file_loses_what_was_torn() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    for n in 1..=3 {
        plane.commit(&[permit(1, n)], Durable).expect("a commit");
        plane.checkpoint(at(n)).expect("a checkpoint");
    }
    let file = folder.path().join("checkpoints/acme.txt");
    let text = std::fs::read_to_string(&file).expect("the file");
    let whole = notes(&text);
    assert_eq!(whole.len(), 3);
    let second = whole[0].len() + 1;
    for cut in second..second + whole[1].len() {
        let Some(torn) = text.get(..cut) else { continue }; // inside the dash
        // What the next process appends after the tear.
        let found = notes(&format!("{torn}\n{}", whole[2]));
        assert_eq!((&found[0], found.last()), (&whole[0], Some(&whole[2])), "cut at {cut}");
    }
}

#[test]
fn a_plane_does_not_go_on_where_its_log_was_changed() {
    let damage = [
        ("a record changed", "UPDATE records SET body = replace(body, 'ann', 'bob') WHERE id % 10 = 5"),
        ("a record's time changed", "UPDATE records SET at = 0 WHERE id % 10 = 5"),
        ("a record dropped", "DELETE FROM records WHERE id % 10 = 4"),
        ("the last signed record dropped", "DELETE FROM records WHERE id % 10 = 2"),
        ("a signed hash changed", "UPDATE records SET hash = zeroblob(32) WHERE id % 10 = 2"),
        ("a checkpoint changed", "UPDATE checkpoints SET note = replace(note, '7', '8')"),
        ("subtrees changed", "UPDATE checkpoints SET subtrees = zeroblob(length(subtrees))"),
        ("subtrees cut", "UPDATE checkpoints SET subtrees = zeroblob(length(subtrees) - 32)"),
        (
            "all records after the checkpoint dropped, and it too",
            "DELETE FROM records; DELETE FROM checkpoints",
        ),
    ];
    for (what, sql) in damage {
        let folder = tempfile::tempdir().expect("a folder");
        let mut plane = store(folder.path());
        // Numbers of the table: the tenant's times 2^40 (which ends in 6), plus 0 to 9.
        let batch: Vec<_> = (1..=7).map(|n| permit(1, n)).collect();
        plane.commit(&batch, Durable).expect("a commit");
        plane.commit(&[permit(1, 8), permit(1, 9), permit(1, 10)], Durable).expect("a commit");
        drop(plane);
        let db = rusqlite::Connection::open(folder.path().join("scopegate.db")).expect("the file");
        db.execute_batch(sql).expect(what);
        drop(db);
        let seen = SqliteStore::open(folder.path()).expect("the store").load();
        assert!(matches!(seen, Err(StoreError::Damaged(_))), "{what}: {seen:?}");
    }
}

#[test]
fn the_high_water_is_that_of_the_last_record_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plane = store(folder.path());
    assert_eq!(plane.load().expect("its state").latest, Timestamp::default());
    plane.commit(&[Change::HighWater(at(4)), Change::HighWater(at(2))], Durable).expect("a commit");
    assert_eq!(plane.load().expect("its state").latest, at(4));
    plane.commit(&[decided(1, 70)], Durable).expect("a commit");
    drop(plane);
    let mut plane = SqliteStore::open(folder.path()).expect("the store");
    assert_eq!(plane.load().expect("its state").latest, at(70));
}
