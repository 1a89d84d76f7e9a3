//! Guarded tools of every kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rig_agent::bus::Bus;
use rig_agent::tool::server::ToolServer;
use rig_agent::tool::{RegisteredTool, ToolSet};
use rig_core::effect::{EffectKind, HandlerKey};
use rig_core::message::ToolName;
use rig_core::tool::{DynamicTool, ToolContext, ToolOutput};
use scopegate_core::{Event, Provision};
use scopegate_rig::{RanWith, guard_tool, guard_tools};
use serde_json::json;

use crate::support::{POLICY, Payment, SECRET, Till, agent, builder, heard, one, pays, run, script, server};

/// A secret is bound to the tool.
pub(crate) const BOUND: &str = "
version: 1
roles:
  - name: payer
    allowed_tools: [pay]
    allowed_credentials: [till-key]
    credential_mapping: {pay: till-key}
";

/// A tool that is known at run time only, and says what it ran with.
fn echo(name: &str) -> DynamicTool {
    let name = ToolName::new(name).expect("a name");
    DynamicTool::new(name, "Echoes.", json!({"type": "object"}), |args| {
        Box::pin(async move { Ok(ToolOutput::text(format!("ran with {args}"))) })
    })
}

#[tokio::test]
async fn a_dynamic_tool_runs_with_the_judged_arguments() {
    let till = Till::new(POLICY);
    let tools = guard_tools(&ToolSet::from_dynamic_tools(vec![echo("helper"), echo("other")]), &till.guard());
    let model = script([("helper", json!({"a": [1, "é"]})), ("other", json!({}))]);
    run(&agent(&model, tools.expect("tools"))).await;
    let told = heard(&model);
    assert_eq!(told[0], r#"ran with {"a":[1,"é"]}"#);
    assert!(
        told[1].starts_with("`other` was not run: the policy does not grant it (SCOPE_VIOLATION)."),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_sub_agent_can_only_narrow() {
    let till = Till::new(POLICY);
    let guard = till.guard();
    let inner_guard =
        guard.sub_agent(till.engine.clone(), Provision::new("helper", "agent-7")).expect("a parent");
    // The helper may pay 10, its parent 100: 7 passes both, 50 only the parent.
    let inner = script([pays(7), pays(50), pays(5000)]);
    let helper = builder(&inner, till.guarded(&inner_guard)).name("helper").default_max_turns(5).build();
    let helper = helper.into_tool().expect("a name");
    let tools = guard_tools(&ToolSet::from_dynamic_tools(vec![helper]), &guard).expect("tools");
    let model = script([("helper", json!({"prompt": "pay"}))]);
    run(&agent(&model, tools)).await;
    assert_eq!((till.paid(), heard(&model)), (vec![7], vec!["done".to_owned()]));
    let told = heard(&inner);
    assert!(told[1].contains("at most 10") && told[2].contains("(PARAMETER_VIOLATION)"), "{told:?}");
    assert_eq!(till.roles().await, ["helper", "helper", "helper", "payer"], "each in its own session");
    // Its session ends with its parent's.
    guard.close().await.expect("an open session");
    let mut context = ToolContext::new();
    let after = till.guarded(&inner_guard).execute("pay", r#"{"amount": 7}"#, &mut context).await;
    assert_eq!(after.refusal().and_then(|refusal| refusal.code()), Some("SESSION_REVOKED"));
}

#[tokio::test]
async fn a_tool_whose_owner_is_gone_is_not_run_and_not_asked_for() {
    let till = Till::new(POLICY);
    let live = Arc::new(AtomicBool::new(true));
    let probe = live.clone();
    let tool = echo("helper").with_liveness(move || probe.load(Ordering::Relaxed));
    let server = server(one(guard_tool(&RegisteredTool::from_dynamic(tool), &till.guard()).expect("a tool")));
    let mut context = ToolContext::new();
    assert!(server.execute("helper", "{}", &mut context).await.is_success());
    live.store(false, Ordering::Relaxed);
    let gone = server.execute("helper", "{}", &mut context).await;
    assert!(gone.is_error(), "{gone:?}");
    assert_eq!(till.events().await, [Event::Permit, Event::Ran]);
}

#[tokio::test]
async fn exposure_keys_and_definitions_stay() {
    let till = Till::new(POLICY);
    let mut tools = till.bare();
    tools.add_retrievable_tools(ToolSet::from_dynamic_tools(vec![echo("helper")]));
    let guarded = guard_tools(&tools, &till.guard()).expect("tools");
    let exposed = |set: &ToolSet| set.always_exposed_names().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(exposed(&guarded), exposed(&tools));
    for (name, tool) in tools.iter() {
        let guarded = guarded.get(name).expect("the same tools");
        assert_eq!((guarded.key(), guarded.descriptor()), (tool.key(), tool.descriptor()));
    }
    let model = script([pays(7)]);
    run(&agent(&model, guarded)).await;
    let names = model.requests()[0].tools.iter().map(|tool| tool.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names, ["pay"]);
}

/// A dynamic handler runs whatever it is asked for: judged by the name in the call, `helper` would
/// be permitted and `wire` would run.
#[tokio::test]
async fn a_call_is_judged_by_the_tool_that_would_run() {
    let till = Till::new(POLICY);
    let guarded = guard_tool(&RegisteredTool::from_dynamic(echo("wire")), &till.guard()).expect("a tool");
    let (dispatcher, registrar, driver) = Bus::channel();
    tokio::spawn(driver);
    let key = HandlerKey::from("wire");
    registrar.register_erased(key.clone(), guarded.handler().clone()).expect("an open bus");
    let misled = EffectKind::ToolCall { name: "helper".to_owned(), args: "{}".to_owned() };
    assert!(dispatcher.dispatch(&key, misled).await.is_err());
    assert!(till.events().await.is_empty());
}

#[tokio::test]
async fn a_secret_reaches_the_tool_and_nobody_else() {
    let till = Till::new(BOUND);
    let model = script([pays(7)]);
    run(&agent(&model, till.guarded(&till.guard()))).await;
    assert_eq!(till.payments(), [Payment { amount: 7, secret: Some(SECRET.to_owned()) }]);
    let mut context = ToolContext::new();
    till.guarded(&till.guard()).execute("pay", r#"{"amount": 8}"#, &mut context).await;
    for text in [serde_json::to_string(&context).expect("JSON"), format!("{:?}", model.requests())] {
        assert!(!text.contains(SECRET), "{text}");
    }
    // A tool that no secret is bound to sees none, and neither does anybody outside of a call.
    let plain = Till::new(POLICY);
    plain.guarded(&plain.guard()).execute("pay", r#"{"amount": 7}"#, &mut context).await;
    assert_eq!(plain.payments(), [Payment { amount: 7, secret: None }]);
    assert!(scopegate_rig::credential().is_none());
}

#[tokio::test]
async fn the_host_is_told_which_record_belongs_to_a_result() {
    let till = Till::new(POLICY);
    let mut context = ToolContext::new();
    let server = ToolServer::new().run();
    server.add_tools(till.guarded(&till.guard()));
    server.execute("pay", r#"{"amount": 7}"#, &mut context).await;
    let ran = context.result::<RanWith>().expect("metadata").expect("a permit");
    assert!(till.engine.flush().await);
    assert!(till.engine.records().iter().all(|line| line.record.id == ran.permit));
}
