//! What the hook alone does, and what it does not: its documentation, tested.

use rig_agent::agent::{AgentHook, DispatchAction, DispatchEvent, HookContext};
use rig_core::test_utils::MockCompletionModel;
use rig_core::tool::ToolContext;
use scopegate_core::{DenyCode, Event};
use scopegate_rig::ScopeHook;
use serde_json::json;

use crate::support::{POLICY, Till, builder, heard, pays, run, script, server};

struct Rewrites(u64);

impl AgentHook for Rewrites {
    async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
        DispatchAction::rewrite_tool_args(event.kind, json!({"amount": self.0}))
    }
}

#[tokio::test]
async fn a_later_hook_that_rewrites_arguments_stops_the_run() {
    let till = Till::new(POLICY);
    let model = script([pays(7), pays(8)]);
    let agent =
        builder(&model, till.bare()).add_hook(ScopeHook::new(till.guard())).add_hook(Rewrites(5000)).build();
    let error = agent.prompt("go").max_turns(5).run().await.expect_err("the run is stopped").to_string();
    assert!(error.contains("a hook rewrote the arguments of `pay` after they were judged"), "{error}");
    // The gap that its documentation tells of: that call has run. No other did.
    assert_eq!((till.paid(), model.request_count()), (vec![5000], 1));
    assert_eq!(till.events().await, [Event::Permit, Event::Dropped]);
}

#[tokio::test]
async fn a_later_hook_that_changes_nothing_stops_nothing() {
    let till = Till::new(POLICY);
    let model = script([pays(7)]);
    let hook = ScopeHook::new(till.guard());
    run(&builder(&model, till.bare()).add_hook(hook).add_hook(Rewrites(7)).build()).await;
    assert_eq!((till.paid(), till.events().await), (vec![7], vec![Event::Permit, Event::Ran]));
}

#[tokio::test]
async fn the_hooks_of_two_guards_both_decide() {
    let till = Till::new(POLICY);
    let model = script([pays(7), pays(5000)]);
    let [one, other] = [till.guard(), till.guard()].map(ScopeHook::new);
    run(&builder(&model, till.bare()).add_hook(one).add_hook(other).build()).await;
    let events = till.events().await;
    let count = |wanted| events.iter().filter(|event| **event == wanted).count();
    assert_eq!((till.paid(), count(Event::Permit), count(Event::Ran)), (vec![7], 2, 2));
    assert_eq!(count(Event::Deny(DenyCode::ParameterViolation)), 1, "the first denial is the answer");
}

#[tokio::test]
async fn an_earlier_hook_that_rewrites_arguments_is_judged() {
    let till = Till::new(POLICY);
    let model = script([pays(7)]);
    run(&builder(&model, till.bare())
        .add_hook(Rewrites(5000))
        .add_hook(ScopeHook::new(till.guard()))
        .build())
    .await;
    assert!(till.paid().is_empty());
    assert!(
        heard(&model)[0].contains("`amount` must be at most 1000 (PARAMETER_VIOLATION)"),
        "{:?}",
        heard(&model)
    );
}

#[tokio::test]
async fn a_later_hook_that_denies_leaves_a_dropped_permit() {
    struct Denies;

    impl AgentHook for Denies {
        async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
            match event.tool_name() {
                Some(_) => DispatchAction::skip("not today"),
                None => DispatchAction::proceed(),
            }
        }
    }

    let till = Till::new(POLICY);
    let model = script([pays(7)]);
    run(&builder(&model, till.bare()).add_hook(ScopeHook::new(till.guard())).add_hook(Denies).build()).await;
    assert!(till.paid().is_empty());
    assert_eq!(
        (heard(&model), till.events().await),
        (vec!["not today".to_owned()], vec![Event::Permit, Event::Dropped])
    );
}

#[tokio::test]
async fn direct_execution_passes_it_by() {
    let till = Till::new(POLICY);
    let model = MockCompletionModel::text("done");
    let agent = builder(&model, till.bare()).add_hook(ScopeHook::new(till.guard())).build();
    let result =
        agent.tool_server_handle().execute("pay", r#"{"amount": 5000}"#, &mut ToolContext::new()).await;
    assert!(result.is_success());
    assert_eq!((till.paid(), till.events().await.len()), (vec![5000], 0));
}

#[tokio::test]
async fn a_sub_agent_has_hooks_of_its_own() {
    let till = Till::new(POLICY);
    let inner = script([pays(5000)]);
    let helper = builder(&inner, till.bare()).name("helper").default_max_turns(5).build();
    let helper = helper.into_tool().expect("a name");
    let model = script([("helper", json!({"prompt": "pay"}))]);
    let tools = rig_agent::tool::ToolSet::from_dynamic_tools(vec![helper]);
    run(&builder(&model, tools).add_hook(ScopeHook::new(till.guard())).build()).await;
    // The helper was permitted, what it did was nobody's business: guard its tools.
    assert_eq!((till.paid(), till.events().await), (vec![5000], vec![Event::Permit, Event::Ran]));
}

#[tokio::test]
async fn a_secret_cannot_be_handed_over_by_a_hook() {
    let till = Till::new(crate::tools::BOUND);
    let model = script([pays(7)]);
    run(&builder(&model, till.bare()).add_hook(ScopeHook::new(till.guard())).build()).await;
    assert!(till.paid().is_empty());
    let told = heard(&model);
    assert!(told[0].contains("(CREDENTIAL_NOT_DELIVERED)") && !told[0].contains("till-key"), "{told:?}");
    assert_eq!(till.events().await, [Event::Permit, Event::Dropped]);
    // The tools themselves are another matter.
    assert!(
        server(till.guarded(&till.guard()))
            .execute("pay", r#"{"amount": 7}"#, &mut ToolContext::new())
            .await
            .is_success()
    );
}
