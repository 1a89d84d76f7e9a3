//! What the model hears, and what the host can read beside it.

use rig_agent::tool::ToolSet;
use rig_core::tool::ToolContext;
use scopegate_core::{Disclosure, Event, Provision, Stopped};
use scopegate_rig::{Guard, NotRun, ScopeHook};
use serde_json::json;

use crate::support::{POLICY, Till, agent, builder, heard, pays, run, script, server, turns};

#[tokio::test]
async fn every_seam_tells_the_same_and_never_more_than_it_may() {
    for (level, told) in [
        (Disclosure::Code, "`wire` was not run (SCOPE_VIOLATION)."),
        (Disclosure::Reason, "`wire` was not run: the policy does not grant it (SCOPE_VIOLATION)."),
        (Disclosure::Detail, "`wire` was not run: role `payer` does not allow this tool (SCOPE_VIOLATION)."),
    ] {
        let till = Till::new(POLICY);
        let guard = till.guard().disclose(level);
        let model = script([("wire", json!({}))]);
        let wire = crate::loops::tools_named(&["wire"]);
        let guarded = scopegate_rig::guard_tools(&wire, &guard).expect("tools");
        run(&agent(&model, guarded)).await;
        let by_tools = heard(&model);
        let model = script([("wire", json!({}))]);
        run(&builder(&model, wire).add_hook(ScopeHook::new(guard)).build()).await;
        assert!(by_tools[0].starts_with(told), "{by_tools:?}");
        assert_eq!(by_tools, heard(&model));
    }
}

#[tokio::test]
async fn a_model_that_is_denied_can_do_better() {
    let till = Till::new(POLICY);
    let model = script([pays(5000), pays(50)]);
    run(&agent(&model, till.guarded(&till.guard()))).await;
    let told = heard(&model);
    let expected = "`pay` was not run: `amount` must be at most 1000 (PARAMETER_VIOLATION). \
                    Correct the arguments and call it again.";
    assert_eq!(told, [expected, "paid 50"]);
}

#[tokio::test]
async fn the_host_reads_the_code_and_when_to_come_back() {
    let till =
        Till::new("{version: 1, roles: [{name: payer, allowed_tools: [pay], rate_limit_per_minute: 1}]}");
    let server = server(till.guarded(&till.guard()));
    let mut context = ToolContext::new();
    assert!(server.execute("pay", r#"{"amount": 7}"#, &mut context).await.is_success());
    let limited = server.execute("pay", r#"{"amount": 7}"#, &mut context).await;
    let refusal = limited.refusal().expect("a refusal");
    assert_eq!((refusal.code(), refusal.retryable()), (Some("RATE_LIMIT_EXCEEDED"), Some(true)));
    assert!(matches!(refusal.downcast_ref::<Stopped>(), Some(Stopped::Refused(_))));
    let beside = context.result::<NotRun>().expect("metadata").expect("a refusal");
    assert_eq!((beside.code.as_str(), beside.guidance.as_str()), ("RATE_LIMIT_EXCEEDED", "retry_later"));
    assert!(beside.until.is_some() && beside.review.is_none());
}

#[tokio::test]
async fn a_tool_that_does_not_exist_is_rigs_own_affair() {
    let till = Till::new(POLICY);
    let guard = till.guard();
    let model = turns([vec![("pay_everybody", json!({"amount": 7}))], vec![pays(7)]]);
    let agent = builder(&model, till.guarded(&guard)).add_hook(ScopeHook::new(guard)).build();
    let answer = agent.prompt("go").max_turns(5).run().await;
    // rig fails the run unless a hook repairs the call; either way nothing ran and nobody was asked.
    assert!(answer.is_err() && till.paid().is_empty(), "{answer:?}");
    assert!(till.events().await.is_empty());
}

#[tokio::test]
async fn arguments_that_no_rule_reads_are_still_read_strictly() {
    let till = Till::new("{version: 1, roles: [{name: payer, allowed_tools: [pay]}]}");
    let server = server(till.guarded(&till.guard()));
    for arguments in [r#"{"amount": 7, "amount": 8}"#, r#"{"amount": 1e400}"#, r#"["amount"]"#] {
        let result = server.execute("pay", arguments, &mut ToolContext::new()).await;
        assert_eq!(
            result.refusal().and_then(|refusal| refusal.code()),
            Some("INVALID_ARGUMENTS"),
            "{arguments}"
        );
    }
    assert!(till.paid().is_empty());
    // The gate said yes, and the permit was not used.
    assert!(till.events().await.chunks(2).all(|pair| pair == [Event::Permit, Event::Dropped]));
}

/// Nobody here takes anything out of an answer, so nothing is run whose answer must not be seen whole.
#[tokio::test]
async fn a_permit_with_duties_is_not_used() {
    let redacted = "{version: 1, roles: [{name: payer, allowed_tools: [pay],
        redact_output: {pay: [{pattern: 'paid'}]}}]}";
    let till = Till::new(redacted);
    for seam in [till.guarded(&till.guard()), guarded_twice(&till)] {
        let result = seam.execute("pay", r#"{"amount": 7}"#, &mut ToolContext::new()).await;
        assert_eq!(result.refusal().and_then(|refusal| refusal.code()), Some("DUTY_NOT_PERFORMED"));
    }
    assert!(till.paid().is_empty());
    assert!(till.events().await.chunks(2).all(|pair| pair == [Event::Permit, Event::Dropped]));
}

fn guarded_twice(till: &Till) -> ToolSet {
    let guard = till.guard();
    scopegate_rig::guard_tools(&till.guarded(&guard), &guard).expect("tools")
}

#[tokio::test]
async fn without_a_session_in_the_context_nobody_asks() {
    let till = Till::new(POLICY);
    let guard = Guard::from_context(till.engine.clone());
    let mut context = ToolContext::new();
    let result = till.guarded(&guard).execute("pay", r#"{"amount": 7}"#, &mut context).await;
    assert_eq!(result.refusal().and_then(|refusal| refusal.code()), Some("NO_SESSION"));
    assert!(till.paid().is_empty() && till.events().await.is_empty());
    assert!(guard.sub_agent(till.engine.clone(), Provision::new("helper", "agent-7")).is_err());
}
