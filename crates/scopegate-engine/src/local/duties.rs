//! Output rules on their way: from roles to the duties of a permit, and from an outcome to a record.

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, Event, Obligation, Outcome, Permit, Principal, Provision,
    ToolCall,
};

use crate::{LocalEnforcer, Policy};

const POLICY: &str = "\
version: 1
roles:
  - name: base
    allowed_tools: [count]
    redact_output: {count: [{pattern: 'secret'}], read: [{max_bytes: 100}]}
  - name: reader
    parent_role_id: base
    allowed_tools: [read, plain]
    redact_output: {read: [{path: iban}]}
    max_delegation_depth: 1
  - name: helper
    allowed_tools: [read, plain, count]
    redact_output: {read: [{path: card}], plain: [{max_bytes: 5}]}
";

async fn permit(engine: &LocalEnforcer, who: &Principal, tool: &str) -> Permit {
    let call = ToolCall::new(tool).with_args(Args::none());
    let request = AccessRequest::new(who.as_ref(), &call);
    match engine.enforce(&request).await.unwrap() {
        Decision::Permit(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn duties(permit: &Permit) -> Vec<String> {
    let duties = permit.obligations.as_deref().unwrap_or_default();
    duties.iter().map(|Obligation::Redact(rule)| rule.to_string()).collect()
}

#[tokio::test]
async fn rules_of_parents_and_of_all_sessions_above_apply_together() {
    let engine = LocalEnforcer::new(Policy::from_text(POLICY, "p").unwrap()).unwrap();
    let reader = engine.open(Provision::new("reader", "ann")).unwrap().principal;
    for (tool, expected) in [
        ("read", &["without `iban`", "at most 100 bytes"][..]),
        ("count", &["without what matches `secret`"]),
        ("plain", &[]),
    ] {
        assert_eq!(duties(&permit(&engine, &reader, tool).await), expected, "{tool}");
    }
    let helper = engine.open_child(&reader, Provision::new("helper", "ignored")).unwrap().principal;
    for (tool, expected) in [
        ("read", &["without `card`", "without `iban`", "at most 100 bytes"][..]),
        ("count", &["without what matches `secret`"]),
        ("plain", &["at most 5 bytes"]),
    ] {
        assert_eq!(duties(&permit(&engine, &helper, tool).await), expected, "{tool}");
    }
}

#[tokio::test]
async fn a_record_says_how_much_was_not_shown_and_nothing_of_it() {
    let engine = LocalEnforcer::new(Policy::from_text(POLICY, "p").unwrap()).unwrap();
    let reader = engine.open(Provision::new("reader", "ann")).unwrap().principal;
    for outcome in [
        Outcome::Redacted { failed: false, parts: 3 },
        Outcome::Redacted { failed: true, parts: 1 },
        Outcome::Ok,
    ] {
        let permit = permit(&engine, &reader, "read").await;
        engine.complete(permit.id, outcome);
    }
    assert!(engine.flush().await);
    let records = engine.records();
    let outcomes = records.iter().map(|line| &line.record).filter(|record| record.event != Event::Permit);
    let mut told: Vec<_> = outcomes.map(|record| (record.id.number, record.event, record.redacted)).collect();
    told.sort_by_key(|(number, ..)| *number);
    let told: Vec<_> = told.into_iter().map(|(_, event, redacted)| (event, redacted)).collect();
    assert_eq!(told, [(Event::Ran, Some(3)), (Event::Failed, Some(1)), (Event::Ran, None)]);
    let mut head = scopegate_core::ChainHead::new(records[0].chain.clone());
    for record in &records {
        head.follow(&serde_json::to_value(record).unwrap()).unwrap();
    }
}

#[test]
fn a_wrong_rule_is_refused_with_its_place() {
    for (rules, place, message) in [
        ("{read: [{path: a, max_bytes: 1}]}", "roles[0].redact_output.read[0]", "exactly one of"),
        ("{read: [{path: a}, {pattern: '('}]}", "roles[0].redact_output.read[1]", "pattern refused"),
        ("{'read*': [{path: a}]}", "roles[0].redact_output.read*", "wildcard"),
        ("{read: [{field: a}]}", "", "unknown field `field`"),
        ("{read: [{max_bytes: -1}]}", "", "a whole number of at least 0"),
        ("{read: }", "", "has no value"),
        ("{read: [{path: }]}", "", "has no value"),
    ] {
        let text =
            format!("{{version: 1, roles: [{{name: r, allowed_tools: [read], redact_output: {rules}}}]}}");
        let error = Policy::from_text(&text, "p").unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(message), "{rules}: {error}");
    }
}
