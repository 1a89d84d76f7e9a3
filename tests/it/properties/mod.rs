//! Properties that hold for every policy, call and text, looked for with random ones.

mod breaker;
mod constrained;
mod digests;
mod monotone;
mod panics;
mod rates;
mod records;
mod servers;
mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use scopegate_core::{Args, ClaimedSession, McpClaims, Name, ToolCall};
use scopegate_engine::{Policy, RecordsSpec};
use scopegate_reference::generate::calls::Hints;
use scopegate_reference::mcp::Claim;
use scopegate_reference::{Gen, GeneratedCall, Reference};
use serde_json::Value;

use crate::engine::{NOON, World};

/// Nothing is written into the source tree.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// An enforcer of a policy as JSON, with every credential but one, and no records.
fn world(policy: &Value) -> World {
    let mut policy: Policy = serde_json::from_value(policy.clone()).expect("a policy");
    policy.records = Some(RecordsSpec::None);
    let secrets: BTreeMap<Name, Arc<str>> =
        ["gh-token", "db-pass"].into_iter().map(|name| (name.into(), "secret".into())).collect();
    let world =
        World::with("{version: 1, allow_empty: true, records: none}", |builder| builder.credentials(secrets));
    world.engine.reload(&policy).unwrap_or_else(|error| panic!("{error}: {policy:?}"));
    world
}

fn generated_policy(random: &mut Gen) -> Value {
    serde_json::from_str(&random.policy()).expect("a generated policy is JSON")
}

fn role_names(policy: &Value) -> Vec<String> {
    let roles = policy["roles"].as_array().expect("roles");
    roles.iter().map(|role| role["name"].as_str().expect("a name").to_owned()).collect()
}

/// A call that a session of this role would mostly be permitted.
fn generated_call(random: &mut Gen, policy: &Value, role: &str) -> ToolCall {
    let mut reference = Reference::new(&policy.to_string()).expect("a generated policy");
    reference.set_credentials(&["gh-token", "db-pass"]);
    let session = reference.open(role, "ann", NOON.nanos(), 3600);
    let hints = Hints::of(&reference, session, NOON.nanos());
    let GeneratedCall { tool, action, env, resource, server, claim, via, schema, args } =
        random.call(hints.as_ref());
    let mut call = ToolCall::new(tool).with_args(Args::parse(args));
    call.action = action.map(Into::into);
    call.resource = resource.map(Into::into);
    call.env = env.map(Into::into);
    call.server = server.map(Into::into);
    call.via = (!via.is_empty()).then(|| via.into_iter().map(Into::into).collect());
    // A session that is asked for later has no id yet: a claim of it is left out.
    let session = (claim == Some(Claim::Foreign)).then_some(ClaimedSession::Foreign);
    let schema = schema.map(|text| serde_json::from_str(&text).expect("JSON"));
    if session.is_some() || schema.is_some() {
        call.mcp = Some(Box::new(McpClaims { session, schema }));
    }
    call
}

/// Numbers that I-JSON holds, in their shortest spelling.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i32>().prop_map(|n| n.to_string()),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(|n| n.to_string()),
        (any::<i16>(), 1_u16..1000)
            .prop_map(|(a, b)| serde_json::json!(f64::from(a) + f64::from(b) / 1024.0).to_string()),
        select(vec!["0", "0.1", "1e2", "1.50", "5e-324", "0.0", "9007199254740991", "1E+3"])
            .prop_map(str::to_owned),
    ]
    .prop_filter("no negative zero", |text| !text.starts_with("-0") || text.parse::<f64>() != Ok(0.0))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["a", "b", "A", "amount", "", "\u{e9}", "a/b", "\u{1f600}", "env"])
            .prop_map(str::to_owned),
        "\\PC{0,6}"
    ]
}

/// Any value that the strict reader accepts.
fn value() -> impl Strategy<Value = Value> {
    let read = |text: String| serde_json::from_str::<Value>(&text).expect("a number");
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(read),
        ".{0,8}".prop_map(Value::from),
        name().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Arguments: an object of such values.
fn arguments() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(name(), value(), 0..6).prop_map(|members| members.into_iter().collect())
}
