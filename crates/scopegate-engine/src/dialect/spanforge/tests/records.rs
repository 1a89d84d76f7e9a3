//! Signed records: the published vector, chains, files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::record::Envelope;
use super::*;

fn payload(changes: &[(&str, Option<Value>)]) -> BTreeMap<String, Value> {
    let mut payload: BTreeMap<String, Value> = [
        ("scope_id", json!("01JZ0000000000000000000001")),
        ("trace_id", json!("trace-1")),
        ("agent_id", json!("claims-agent")),
        ("resource", json!("claims")),
        ("action_name", json!("read")),
        ("allowed", json!(true)),
        ("outcome", json!("allow")),
        ("reason", json!("agent 'claims-agent' is permitted for capability 'claim.read' on claims:read")),
        ("checked_at", json!("2026-01-02T03:04:05Z")),
        ("capability", json!("claim.read")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (name, value) in changes {
        match value {
            Some(value) => payload.insert((*name).to_owned(), value.clone()),
            None => payload.remove(*name),
        };
    }
    payload
}

fn envelope(id: &str, timestamp: &str) -> Envelope<'static> {
    Envelope { record_id: id.to_owned(), project_id: "", timestamp: timestamp.to_owned() }
}

fn two() -> [SignedRecord; 2] {
    let first = envelope("11111111-1111-4111-8111-111111111111", "2026-01-02T03:04:05.000000Z");
    let first = SignedRecord::sign(&key(), &Head::default(), first, payload(&[]));
    let denied = payload(&[
        ("scope_id", Some(json!("01JZ0000000000000000000002"))),
        ("action_name", Some(json!("delete"))),
        ("allowed", Some(json!(false))),
        ("outcome", Some(json!("escalate"))),
        ("capability", None),
        (
            "reason",
            Some(json!(
                "agent 'claims-agent' cannot perform action 'delete' on resource 'claims' — déni\u{2028}x"
            )),
        ),
    ]);
    let second = envelope("22222222-2222-4222-8222-222222222222", "2026-01-02T03:04:05.000001Z");
    let second = SignedRecord::sign(&key(), &first.head(), second, denied);
    [first, second]
}

#[test]
fn the_published_vector() {
    let [first, second] = two();
    assert_eq!(first.hmac(), "hmac-sha256:305d4832776d35704eef1580fbd369cbd62bfc09feefc62bf42b52ea8d33bcc2");
    assert_eq!(second.hmac(), "hmac-sha256:fef9ef3eb7a0bb581ceda68f726d678a22df6e461a2488f89576b96592a7ba21");
    assert!(!second.to_line().contains('\u{2028}'), "no reader may end the line there");
    assert_eq!(SignedRecord::parse(&second.to_line()), Some(second));
}

#[test]
fn every_change_is_noticed() {
    let lines = two().map(|record| record.to_line());
    let verify = |lines: &[&str]| verify_records(&key(), lines.iter().copied(), None);
    let [first, second] = [lines[0].as_str(), lines[1].as_str()];
    let head = verify(&[first, second]).unwrap();
    assert_eq!(head.records, 2);
    let value: BTreeMap<String, Value> = serde_json::from_str(second).unwrap();
    for (name, old) in &value {
        let new = match old {
            Value::Bool(flag) => json!(!flag),
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            other => json!(format!("{}x", other.as_str().unwrap())),
        };
        let changed = BTreeMap::from_iter(value.clone().into_iter().chain([(name.clone(), new)]));
        let changed = serde_json::to_string(&changed).unwrap();
        assert_eq!(verify(&[first, &changed]).unwrap_err().at, 1, "{name}");
        let without: BTreeMap<_, _> = value.iter().filter(|(other, _)| *other != name).collect();
        assert!(verify(&[first, &serde_json::to_string(&without).unwrap()]).is_err(), "{name}");
    }
    assert!(
        verify(&[second]).is_err() && verify(&[second, first]).is_err() && verify(&[first, first]).is_err()
    );
    assert!(verify(&[first, "{}"]).is_err() && verify(&[first, "nonsense"]).is_err());
    let repeated = second.replacen('{', "{\"allowed\":false,", 1);
    assert!(verify(&[first, &repeated]).is_err(), "a member twice");
    // A cut at the end shows where the end was noted.
    assert_eq!(verify(&[first]).unwrap().records, 1);
    let kept = |lines: &[&str], end: &str| verify_records(&key(), lines.iter().copied(), Some(end));
    assert!(kept(&[first], &head.hmac).is_err() && kept(&[], &head.hmac).is_err());
    assert!(kept(&[first, second], &head.hmac).is_ok());
    let other = SigningKey::new("another key of thirty-two characters").unwrap();
    assert_eq!(verify_records(&other, [first], None).unwrap_err().at, 0);
}

#[test]
fn keys_that_are_none_are_refused() {
    for (text, error) in [
        ("", KeyError::Empty),
        ("short", KeyError::Short(5)),
        (&"é".repeat(31), KeyError::Short(31)),
        (&"x".repeat(64), KeyError::Guessable),
        ("spanforge-audit-local-insecure-dev-key", KeyError::Guessable),
    ] {
        assert_eq!(SigningKey::new(text).unwrap_err(), error, "{text}");
    }
    assert_eq!(format!("{:?}", key()), "SigningKey(…)");
}

#[test]
fn each_answer_has_its_record_before_it_is_given() {
    let sink = MemoryScopeSink::new();
    let scope = ScopeEnforcer::builder(enforcer(), key(), sink.clone()).project_id("p").build().unwrap();
    for (index, action) in ["read", "drop", "read"].into_iter().enumerate() {
        let answer = scope.evaluate(&question("a", "claims", action)).unwrap();
        let records = sink.records();
        assert_eq!(records.len(), index + 1);
        let record = &records[index];
        let fields = record.fields();
        assert_eq!(fields["allowed"], json!(answer.allowed));
        assert_eq!((record.text("reason"), record.text("project_id")), (Some(&*answer.reason), Some("p")));
        assert_eq!(fields["seq"], json!(index));
        assert!(
            !fields.contains_key("capability") && !fields.contains_key("policy_id"),
            "absent, never null"
        );
        assert_eq!(record.text("timestamp").map(str::len), Some("2026-01-02T03:04:05.000000Z".len()));
    }
}

#[test]
fn a_file_is_continued_by_whoever_has_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scope.jsonl");
    let ask = |count: usize| {
        let sink = FileScopeSink::open(&path, &key(), true)?;
        let scope = ScopeEnforcer::builder(enforcer(), key(), sink).build().unwrap();
        (0..count).for_each(|_| assert!(scope.evaluate(&question("a", "claims", "read")).unwrap().allowed));
        Ok::<_, io::Error>(scope.head())
    };
    assert_eq!(ask(2).unwrap().records, 2);
    // The process ended in the middle of a line, before anybody was answered.
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{{\"half\":")).unwrap();
    let head = ask(1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&whole));
    assert_eq!(verify_records(&key(), text.lines(), Some(&head.hmac)).unwrap().records, 3);
    let other = SigningKey::new("another key of thirty-two characters").unwrap();
    assert!(FileScopeSink::open(&path, &other, false).is_err(), "another key would break the chain");
    std::fs::write(&path, text.replacen("true", "false", 1)).unwrap();
    assert!(ask(1).is_err(), "it was tampered with");
    let one = FileScopeSink::open(folder.path().join("new"), &key(), false).unwrap();
    assert!(FileScopeSink::open(folder.path().join("new"), &key(), false).is_err(), "one writer at a time");
    drop(one);
}

#[test]
fn two_threads_make_one_chain() {
    let sink = MemoryScopeSink::new();
    let scope = ScopeEnforcer::builder(enforcer(), key(), sink.clone()).build().unwrap();
    let named = question("a", "claims", "read").with_scope_id("once");
    std::thread::scope(|threads| {
        let run = || {
            let once = scope.evaluate(&named).is_ok();
            (0..50).for_each(|_| drop(scope.evaluate(&question("a", "claims", "read")).unwrap()));
            usize::from(once)
        };
        let running: Vec<_> = (0..4).map(|_| threads.spawn(run)).collect();
        let once: usize = running.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(once, 1, "a name is used once");
    });
    let lines: Vec<_> = sink.records().iter().map(SignedRecord::to_line).collect();
    assert_eq!(verify_records(&key(), lines.iter().map(String::as_str), None).unwrap().records, 201);
}
