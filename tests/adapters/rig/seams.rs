//! Where seams meet, a call is decided, counted and recorded once; what runs is what was judged.

use std::sync::Arc;

use rig_agent::agent::{AgentHook, DispatchAction, DispatchEvent, HookContext};
use rig_agent::tool::{RegisteredTool, ToolSet};
use rig_core::tool::ToolContext;
use scopegate_core::{DenyCode, Event, Provision};
use scopegate_rig::{Guard, Guarded, ScopeHook, guard_tools};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::{POLICY, Till, agent, builder, one, pays, run, script, server};

/// A guard, and which seams stand around the tool.
type Seams = (&'static str, fn(&Till, &Guard) -> (ToolSet, usize));

/// How many hooks beside which tools.
const SEAMS: [Seams; 8] = [
    ("guarded tools", |till, guard| (till.guarded(guard), 0)),
    ("a guarded tool", |till, guard| (typed(till, guard), 0)),
    ("a hook", |till, _| (till.bare(), 1)),
    ("two hooks", |till, _| (till.bare(), 2)),
    ("a hook and guarded tools", |till, guard| (till.guarded(guard), 1)),
    ("a hook and a guarded tool", |till, guard| (typed(till, guard), 1)),
    ("guarded tools, twice", |till, guard| (guard_tools(&till.guarded(guard), guard).expect("tools"), 0)),
    ("all of them", |till, guard| (guard_tools(&typed(till, guard), guard).expect("tools"), 2)),
];

fn typed(till: &Till, guard: &Guard) -> ToolSet {
    one(RegisteredTool::from_tool(Guarded::new(till.pay(), guard.clone())))
}

#[tokio::test]
async fn a_call_is_decided_once_through_any_seams() {
    for (name, seams) in SEAMS {
        let till = Till::new(POLICY);
        let guard = till.guard();
        let (tools, hooks) = seams(&till, &guard);
        let model = script([pays(7), pays(5000), pays(13)]);
        let agent =
            (0..hooks).fold(builder(&model, tools), |agent, _| agent.add_hook(ScopeHook::new(guard.clone())));
        run(&agent.build()).await;
        assert_eq!(till.paid(), [7], "{name}");
        let denied = Event::Deny(DenyCode::ParameterViolation);
        let expected = [Event::Permit, Event::Ran, denied, Event::Permit, Event::Failed];
        assert_eq!(till.events().await, expected, "{name}");
    }
}

#[tokio::test]
async fn guards_that_differ_each_decide() {
    let till = Till::new(POLICY);
    let (outer, inner) = (till.guard(), till.guard());
    let tools = guard_tools(&till.guarded(&inner), &outer).expect("tools");
    run(&agent(&script([pays(7)]), tools)).await;
    let events = till.events().await;
    assert_eq!(events.iter().filter(|event| **event == Event::Permit).count(), 2, "{events:?}");
    assert_eq!(events.iter().filter(|event| **event == Event::Ran).count(), 2, "{events:?}");
}

/// Rewrites what the model asked for, after whatever hooks come before.
struct Rewrites(u64);

impl AgentHook for Rewrites {
    async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
        DispatchAction::rewrite_tool_args(event.kind, json!({"amount": self.0}))
    }
}

#[tokio::test]
async fn guarded_tools_judge_what_a_later_hook_made_of_a_call() {
    for (amount, paid, last) in
        [(8, vec![8], Event::Ran), (5000, vec![], Event::Deny(DenyCode::ParameterViolation))]
    {
        let till = Till::new(POLICY);
        let guard = till.guard();
        let model = script([pays(7)]);
        let agent =
            builder(&model, till.guarded(&guard)).add_hook(ScopeHook::new(guard)).add_hook(Rewrites(amount));
        run(&agent.build()).await;
        assert_eq!(till.paid(), paid);
        let events = till.events().await;
        // The call that the hook permitted never ran, and is on record as that.
        assert_eq!(events[0], Event::Permit);
        assert!(events.contains(&Event::Dropped) && events.contains(&last), "{events:?}");
        assert_eq!(events.iter().filter(|event| **event == Event::Ran).count(), paid.len());
    }
}

#[tokio::test]
async fn direct_execution_is_guarded_too() {
    for wrap in [Till::guarded, typed] {
        let till = Till::new(POLICY);
        let set = wrap(&till, &till.guard());
        let server = server(set.clone());
        let mut context = ToolContext::new();
        assert!(server.execute("pay", r#"{"amount": 7}"#, &mut context).await.is_success());
        assert!(set.execute("pay", r#"{"amount": 8}"#, &mut context).await.is_success());
        for refused in [r#"{"amount": 5000}"#, r#"{"amount": 7, "amount": 5000}"#, "[7]", "7", "null"] {
            let result = server.execute("pay", refused, &mut context).await;
            assert!(result.is_refused(), "{refused}: {result:?}");
        }
        assert!(!server.execute("pay", "", &mut context).await.is_success());
        assert_eq!(till.paid(), [7, 8]);
    }
}

/// The tool's own type knows no `note`. Read into it first, nobody would ever have seen one.
#[tokio::test]
async fn what_a_tool_does_not_read_is_judged_too() {
    let till = Till::new(
        "{version: 1, roles: [{name: payer, allowed_tools: [pay], parameter_constraints: {
            pay: [{field: note, operator: eq, value: rent, when_absent: allow}]}}]}",
    );
    for wrap in [Till::guarded, typed] {
        let server = server(wrap(&till, &till.guard()));
        let refused =
            server.execute("pay", r#"{"amount": 8, "note": "gift"}"#, &mut ToolContext::new()).await;
        let code = refused.refusal().and_then(|refusal| refusal.code());
        assert_eq!(code, Some("PARAMETER_VIOLATION"));
        let rent = r#"{"amount": 7, "note": "rent"}"#;
        assert!(server.execute("pay", rent, &mut ToolContext::new()).await.is_success());
    }
    let model = script([("pay", json!({"amount": 8, "note": "gift"})), pays(9)]);
    run(&builder(&model, till.bare()).add_hook(ScopeHook::new(till.guard())).build()).await;
    assert_eq!(till.paid(), [7, 7, 9]);
}

/// A permit that waits for its handler is taken by nobody else, whatever the other call looks like.
#[tokio::test]
async fn a_waiting_permit_is_not_up_for_grabs() {
    struct Grabs(rig_agent::tool::server::ToolServerHandle);

    impl AgentHook for Grabs {
        async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
            // The same tool, arguments and session, while the hook's permit is on its way.
            if let Some(args) = event.tool_args() {
                let args = args.replace([' ', '\t', '\n', '\r'], "");
                assert!(self.0.execute("pay", &args, &mut ToolContext::new()).await.is_success());
            }
            DispatchAction::proceed()
        }
    }

    let till = Till::new(POLICY);
    let guard = till.guard();
    let elsewhere = server(till.guarded(&guard));
    let model = script([pays(7)]);
    let agent = builder(&model, till.bare()).add_hook(ScopeHook::new(guard)).add_hook(Grabs(elsewhere));
    run(&agent.build()).await;
    assert_eq!(till.paid(), [7, 7]);
    let permits = till.events().await.into_iter().filter(|event| *event == Event::Permit).count();
    assert_eq!(permits, 2, "one a run");
}

#[tokio::test]
async fn a_run_that_is_dropped_drops_its_permit() {
    struct Waits(Arc<Notify>);

    impl AgentHook for Waits {
        async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
            if event.tool_name().is_none() {
                return DispatchAction::proceed();
            }
            self.0.notify_one();
            std::future::pending().await
        }
    }

    let (till, reached) = (Till::new(POLICY), Arc::new(Notify::new()));
    let model = script([pays(7)]);
    let hooked = builder(&model, till.bare()).add_hook(ScopeHook::new(till.guard()));
    let agent = hooked.add_hook(Waits(reached.clone())).build();
    tokio::select! {
        answer = agent.prompt("go").max_turns(3).run() => panic!("nobody lets it go on: {answer:?}"),
        () = reached.notified() => {}
    }
    assert!(till.paid().is_empty());
    assert_eq!(till.events().await, [Event::Permit, Event::Dropped]);
}

#[tokio::test]
async fn calls_that_come_together_are_judged_one_by_one() {
    let till =
        Till::new("{version: 1, roles: [{name: payer, allowed_tools: [pay], rate_limit_per_minute: 5}]}");
    let guard = Guard::opening(till.engine.clone(), Provision::new("payer", "agent-7"));
    let model = crate::support::turns([(0..20).map(|_| pays(7)).collect()]);
    let agent = builder(&model, till.guarded(&guard)).add_hook(ScopeHook::new(guard)).build();
    let answer = agent.prompt("go").max_turns(3).tool_concurrency(8).run().await;
    assert_eq!(answer.expect("the run ends").output(), "done");
    assert_eq!(till.paid(), [7; 5]);
    let limited = Event::Deny(DenyCode::RateLimitExceeded);
    assert_eq!(till.events().await.into_iter().filter(|event| *event == limited).count(), 15);
}
