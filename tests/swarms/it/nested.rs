//! A tool that runs an agent: what that agent calls is decided by itself, also when it is the very call
//! that its tool was permitted for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use scopegate_core::{DenyCode, Event};
use scopegate_swarms::{AgentBuilder, Guard, Guarded};
use scopegate_world::{Purse, Unlucky, pay_schema};
use serde_json::Value;
use swarms_rs::Agent;
use swarms_rs::agent::SwarmsAgentBuilder;
use swarms_rs::llm::request::ToolDefinition;
use swarms_rs::structs::tool::{Tool, ToolDyn};

use crate::support::{END, Script, Till, builder, pays, run, script, tools_only};

const ONE_A_MINUTE: &str =
    "{version: 1, roles: [{name: payer, allowed_tools: [pay], rate_limit_per_minute: 1}]}";
const ANY: &str = "{version: 1, roles: [{name: payer, allowed_tools: [pay]}]}";
const LIMITED: Event = Event::Deny(DenyCode::RateLimitExceeded);

/// A tool whose body has an agent make its own call once more, so many times.
#[derive(Clone)]
struct Nests {
    purse: Purse,
    agent: Arc<OnceLock<Box<dyn Agent>>>,
    model: Script,
    left: Arc<AtomicUsize>,
}

impl Nests {
    fn new(till: &Till, times: usize) -> Self {
        let left = Arc::new(AtomicUsize::new(times));
        Self { purse: till.purse(), agent: Arc::default(), model: script([]), left }
    }

    /// Its agent: one that knows no guard, but whose tool does.
    fn has(&self, tool: impl Tool + 'static) {
        let agent = SwarmsAgentBuilder::new_with_model(self.model.clone()).agent_name("inner");
        let agent = agent.user_name("ann").max_loops(3).retry_attempts(1).disable_task_complete_tool();
        let agent = agent.add_stop_word(END).add_tool(tool).build();
        assert!(self.agent.set(Box::new(agent)).is_ok());
    }
}

impl Tool for Nests {
    const NAME: &'static str = "pay";
    type Args = Value;
    type Output = String;
    type Error = Unlucky;

    fn definition(&self) -> ToolDefinition {
        let description = "Pays, and has somebody pay.".to_owned();
        ToolDefinition { name: "pay".to_owned(), description, parameters: pay_schema() }
    }

    async fn call(&self, args: Value) -> Result<String, Unlucky> {
        let amount = args["amount"].as_u64().unwrap_or_default();
        let paid = self.purse.pay(amount, None).await;
        let again = self.left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if let (Ok(_), Some(agent)) = (again, self.agent.get()) {
            self.model.again([pays(amount)]);
            agent.run(format!("go {}", self.left.load(Ordering::Relaxed))).await.expect("the run ends");
        }
        paid
    }
}

type Build = fn(&Nests, &Guarded<Nests>, &Guard, &Script) -> AgentBuilder<Script>;

/// Which seams stand around the tool.
const SHAPES: [(&str, Build); 5] = [
    ("the model and the tool", |tool, _, guard, model| builder(model, guard).add_tool(tool.clone())),
    ("the tool", |tool, _, guard, model| tools_only(model, guard).add_tool(tool.clone())),
    ("the tool, twice", |_, guarded, guard, model| tools_only(model, guard).add_tool(guarded.clone())),
    ("the model and the tool, by swarms' own builder", |_, guarded, guard, model| {
        let guarded = guarded.clone();
        builder(model, guard).settings(|swarms| swarms.add_tool(guarded))
    }),
    ("the model alone", |tool, _, guard, model| {
        let tool = tool.clone();
        builder(model, guard).settings(|swarms| swarms.add_tool(tool))
    }),
];

#[tokio::test]
async fn an_agent_inside_a_tool_spends_by_itself() {
    for (name, build) in SHAPES {
        for of_its_own in [false, true] {
            let till = Till::new(ONE_A_MINUTE);
            let (guard, tool) = (till.guard(), Nests::new(&till, 9));
            let guarded = Guarded::new(tool.clone(), guard.clone());
            match of_its_own {
                true => tool.has(Guarded::new(tool.clone(), guard.clone())),
                false => tool.has(guarded.clone()),
            }
            run(&build(&tool, &guarded, &guard, &script([pays(7)])).build().expect("an agent")).await;
            assert_eq!(till.paid(), [7], "{name}");
            // What became of a tool that is not guarded itself, nobody knows.
            let end = if name == "the model alone" { Event::Dropped } else { Event::Ran };
            assert_eq!(till.events().await, [Event::Permit, LIMITED, end], "{name}");
        }
    }
}

#[tokio::test]
async fn however_deep_every_call_is_on_record() {
    let till = Till::new(ANY);
    let (guard, tool) = (till.guard(), Nests::new(&till, 3));
    let guarded = Guarded::new(tool.clone(), guard.clone());
    let twice = Guarded::new(guarded, guard.clone());
    tool.has(twice.clone());
    assert!(ToolDyn::call(&twice, r#"{"amount": 7}"#.to_owned()).await.is_ok());
    assert_eq!(till.paid(), [7; 4]);
    let expected = [[Event::Permit; 4], [Event::Ran; 4]].concat();
    assert_eq!(till.events().await, expected);
}

/// A guard of another session of the same kind: another principal.
#[tokio::test]
async fn a_permit_is_of_no_use_to_another_session() {
    let till = Till::new(ANY);
    let (guard, tool) = (till.guard(), Nests::new(&till, 1));
    tool.has(Guarded::new(tool.clone(), till.guard()));
    run(&builder(&script([pays(7)]), &guard).add_tool(tool).build().expect("an agent")).await;
    let permits = till.events().await.into_iter().filter(|event| *event == Event::Permit).count();
    let mut sessions: Vec<_> = till.engine.records().iter().map(|line| line.record.id.session).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!((till.paid(), sessions.len(), permits), (vec![7; 2], 2, 2));
}
