//! Agents that an agent reaches: sub-agents, whose sessions can only narrow, and handoffs, which only
//! the model's seam can stop.

use std::pin::Pin;

use scopegate_core::{DenyCode, Event, Provision};
use scopegate_swarms::{BuildError, GuardedAgent, GuardedDyn};
use serde_json::{Value, json};
use swarms_rs::Agent;
use swarms_rs::agent::SwarmsAgentBuilder;
use swarms_rs::llm::request::ToolDefinition;
use swarms_rs::structs::tool::{ToolDyn, ToolError};

use crate::support::{END, POLICY, Script, Till, builder, named, pays, run, script, tools_only};

/// The same roles; nobody may hand off or delegate.
fn alone() -> Till {
    Till::new(&POLICY.replace(", delegate_to_helper, transfer_to_helper", ""))
}

fn transfer() -> (&'static str, Value) {
    ("transfer_to_helper", json!({"task": "pay"}))
}

fn helper(till: &Till, model: &Script, guard: &scopegate_swarms::Guard) -> GuardedAgent<Script> {
    let builder = named("helper", scopegate_swarms::AgentBuilder::new(model.clone(), guard.clone()));
    builder.add_tool(till.pay()).build().expect("an agent")
}

#[tokio::test]
async fn a_handoff_that_is_not_granted_does_not_happen() {
    let till = alone();
    let guard = till.guard();
    let (boss, helped) = (script([transfer(), pays(7)]), script([pays(8)]));
    let target = helper(&till, &helped, &guard.sub_agent(till.engine.clone(), Provision::new("helper", "h")));
    let agent = builder(&boss, &guard).add_tool(till.pay()).add_handoff(target).build().expect("an agent");
    run(&agent).await;
    assert_eq!(helped.asked(), 0, "the other agent never heard of it");
    assert_eq!(till.paid(), [7], "and this one goes on");
    assert_eq!(boss.offered(), ["pay"], "it was not even offered");
    assert_eq!(till.events().await[0], Event::Deny(DenyCode::ScopeViolation));
}

/// Why that needs the model: swarms looks at the name of the call alone.
#[tokio::test]
async fn a_guarded_tool_does_not_stop_a_handoff() {
    struct Transfers;

    impl ToolDyn for Transfers {
        fn name(&self) -> String {
            "transfer_to_helper".to_owned()
        }

        fn definition(&self) -> ToolDefinition {
            let parameters = json!({"type": "object"});
            ToolDefinition { name: self.name(), description: String::new(), parameters }
        }

        fn call(&self, _: String) -> Pin<Box<dyn Future<Output = Result<String, ToolError>> + Send + '_>> {
            Box::pin(async { Ok("never".to_owned()) })
        }
    }

    let till = alone();
    let helped = script([]);
    let target = helper(&till, &helped, &till.guard());
    let swarms = SwarmsAgentBuilder::new_with_model(script([transfer()])).agent_name("boss").max_loops(1);
    let agent = swarms.add_stop_word(END).add_handoff(target).build();
    let agent = agent.tool(GuardedDyn::new(Transfers, till.guard()));
    agent.run("go".to_owned()).await.expect("the run ends");
    assert_eq!(helped.asked(), 1, "swarms has changed: a denied handoff stops now");
    assert_eq!(till.events().await, [Event::Deny(DenyCode::ScopeViolation)]);

    // So an agent of ours is not built that way.
    let till = alone();
    let guard = till.guard();
    let target = helper(&till, &helped, &guard);
    let built = tools_only(&script([]), &guard).add_tool(till.pay()).add_handoff(target.clone()).build();
    assert_eq!(built.err(), Some(BuildError::Handoff("helper".to_owned())));
    // Nor behind the builder's back, also under the name of a guarded tool.
    let behind = tools_only(&script([]), &guard).settings(|swarms| swarms.add_handoff(target.clone()));
    assert_eq!(behind.build().err(), Some(BuildError::Handoff("transfer_to_helper".to_owned())));
    let behind = tools_only(&script([]), &guard).settings(|swarms| swarms.add_handoff(target));
    let disguised = behind.add_dyn_tool(Transfers).build();
    assert_eq!(disguised.err(), Some(BuildError::Handoff("transfer_to_helper".to_owned())));
    let delegates = tools_only(&script([]), &guard).add_sub_agent(helper(&till, &helped, &guard)).build();
    assert_eq!(delegates.err(), Some(BuildError::Unguarded("delegate_to_helper".to_owned())));
}

#[tokio::test]
async fn a_handoff_that_is_granted_happens_in_a_narrower_session() {
    let till = Till::new(POLICY);
    let guard = till.guard();
    let (boss, helped) = (script([transfer()]), script([pays(50), pays(5)]));
    let target = helper(&till, &helped, &guard.sub_agent(till.engine.clone(), Provision::new("helper", "h")));
    let agent = builder(&boss, &guard).add_tool(till.pay()).add_handoff(target).build().expect("an agent");
    run(&agent).await;
    assert_eq!(till.paid(), [5], "what the boss may pay is too much for the helper");
    assert!(helped.heard().concat().contains("must be at most 10 "), "{:?}", helped.heard());
    assert_eq!(boss.asked(), 1, "the other agent has taken over");
    assert!(till.roles().await.iter().any(|role| *role == "helper"));
}

#[tokio::test]
async fn a_sub_agent_acts_in_a_session_that_can_only_narrow() {
    let till = Till::new(POLICY);
    let guard = till.guard();
    let boss = script([]);
    // The helper's own role, and one that is wider than the boss allows.
    for (role, pays_first) in [("helper", 50), ("payer", 5000)] {
        boss.again([("delegate_to_helper", json!({"task": "pay"}))]);
        let helped = script([pays(pays_first), pays(5)]);
        let child = guard.sub_agent(till.engine.clone(), Provision::new(role, "h"));
        let helper = helper(&till, &helped, &child);
        let agent =
            builder(&boss, &guard).add_tool(till.pay()).add_sub_agent(helper).build().expect("an agent");
        run(&agent).await;
        assert_eq!(helped.asked(), 3, "{role}");
    }
    assert_eq!(till.paid(), [5, 5]);
    guard.close().await.expect("a session");
    let late = script([pays(1)]);
    let child = guard.sub_agent(till.engine.clone(), Provision::new("helper", "h"));
    run(&helper(&till, &late, &child)).await;
    assert_eq!(till.paid().len(), 2, "no child of a session that is closed");
}

#[tokio::test]
async fn a_sub_agent_that_is_not_granted_does_not_run() {
    let till = alone();
    let guard = till.guard();
    let (boss, helped) = (script([("delegate_to_helper", json!({"task": "pay"}))]), script([pays(5)]));
    let helper = helper(&till, &helped, &guard.sub_agent(till.engine.clone(), Provision::new("helper", "h")));
    let agent = builder(&boss, &guard).add_sub_agent(helper).build().expect("an agent");
    run(&agent).await;
    assert_eq!((helped.asked(), till.paid().len()), (0, 0));
}
