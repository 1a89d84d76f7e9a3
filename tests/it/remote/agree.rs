//! The same roles and calls through the local enforcer, the remote one deciding here, and the plane.

use scopegate_core::{AccessRequest, Args, Enforcer, Provision, Quick, Role, ToolCall};
use scopegate_engine::{LocalEnforcer, Policy};
use serde_json::{Value, json};

use super::client::{Agent, PAST, word};
use super::plane::Home;

/// Roles in the fields that all three read alike, one of them with a parent.
fn roles() -> Vec<Value> {
    vec![
        json!({ "name": "base", "allowed_tools": ["list", "drop_table"], "denied_actions": ["drop_*"],
            "allowed_envs": ["dev", "prod"], "env_optional": true, "rows_optional": true,
            "parameter_constraints": { "pay": [{ "field": "memo", "operator": "max_length", "value": 4,
                "when_absent": "allow" }] } }),
        json!({ "name": "clerk", "allowed_tools": ["read", "pay"], "parent_role_id": "base", "max_rows": 10,
            "env_optional": true, "rows_optional": true, "approval_required": ["pay"],
            "parameter_constraints": { "pay": [
                { "field": "amount", "operator": "lte", "value": 100 },
                { "field": "to.country", "operator": "in", "value": ["DE", "FR"] }] } }),
        json!({ "name": "reader", "allowed_tools": ["read"], "env_optional": true, "rows_optional": true,
            "parameter_constraints": { "read": [
                { "field": "path", "operator": "path_within", "value": "/data" },
                { "field": "id", "operator": "regex", "value": "[A-Z]{2}-[0-9]+" }] } }),
    ]
}

const TOOLS: [&str; 6] = ["read", "pay", "list", "drop_table", "write", "Read"];

const ARGUMENTS: [&str; 20] = [
    "{}",
    r#"{"amount":100,"to":{"country":"DE"}}"#,
    r#"{"amount":100.5,"to":{"country":"DE"}}"#,
    r#"{"amount":"100","to":{"country":"DE"}}"#,
    r#"{"amount":1,"to":{"country":"US"}}"#,
    r#"{"amount":1,"to":"DE"}"#,
    r#"{"amount":1,"to":{"country":"FR"},"memo":"12345"}"#,
    r#"{"Amount":1,"to":{"country":"FR"}}"#,
    r#"{"amount":1,"amount":2}"#,
    r#"{"amount":1e400}"#,
    r#"{"amount":-0}"#,
    r#"{"limit":10}"#,
    r#"{"limit":11}"#,
    r#"{"limit":"11"}"#,
    r#"{"env":"dev"}"#,
    r#"{"env":"lab"}"#,
    r#"{"env":null}"#,
    r#"{"path":"/data/a","id":"AB-1"}"#,
    r#"{"path":"/data/../etc","id":"AB-1"}"#,
    r#"{"path":"/data/a","id":"AB-1\n"}"#,
];

#[tokio::test]
async fn one_call_has_one_answer_wherever_it_is_decided() {
    let home = Home::new();
    let plane = home.serve().await;
    for role in roles() {
        plane.role(&home.dev, role).await;
    }
    let policy: Vec<Role> =
        roles().into_iter().map(|role| serde_json::from_value(role).expect("a role")).collect();
    let local = LocalEnforcer::new(Policy::new(policy)).expect("an enforcer");
    let (here, there) = (Agent::new(&plane.url, &home.agent), Agent::new(&plane.url, &home.other_agent));
    let mut seen = std::collections::BTreeSet::new();
    for role in ["clerk", "reader", "base"] {
        let session = local.open(Provision::new(role, "ann")).expect("a session");
        let (near, far) = (here.session(role).await, there.session(role).await);
        there.clocks.advance(PAST); // nothing is lent to it any more
        for tool in TOOLS {
            for args in ARGUMENTS {
                let call = ToolCall::new(tool).with_args(Args::parse(args));
                let request = AccessRequest::new(session.principal.as_ref(), &call);
                let expected = word(&local.enforce(&request).await.expect("a decision"));
                let by_lease = match here.at_once(&near, tool, args) {
                    Some(word) => word,
                    None => here.word(&near, tool, args).await, // held calls are the plane's
                };
                let by_plane = match there.enforcer.try_enforce(&AccessRequest::new(far.as_ref(), &call)) {
                    Quick::Decided(decision) => panic!("decided here: {decision:?}"),
                    Quick::Need(_) => there.word(&far, tool, args).await,
                };
                assert_eq!(by_lease, expected, "{role} {tool} {args}");
                // What cannot be read is denied before anything else is looked at there.
                let there = if call.args.error().is_some() { "INVALID_ARGUMENTS" } else { expected };
                assert_eq!(by_plane, there, "{role} {tool} {args}");
                seen.insert(expected);
            }
        }
    }
    assert!(here.enforcer.counts().here > 100, "most were decided in the client");
    let met = [
        "ACTION_FORBIDDEN",
        "DATA_LIMIT_EXCEEDED",
        "ENV_VIOLATION",
        "HOLD",
        "INVALID_ARGUMENTS",
        "PARAMETER_VIOLATION",
        "PERMIT",
        "SCOPE_VIOLATION",
    ];
    assert!(seen.into_iter().eq(met), "every kind of answer was met");
    plane.stop().await;
}
