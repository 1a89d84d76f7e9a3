//! A tool that runs an agent: what that agent calls is decided by itself, also when it is the very call
//! that its tool was permitted for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use rig_agent::agent::{AgentHook, DispatchAction, DispatchEvent, HookContext};
use rig_agent::tool::server::ToolServerHandle;
use rig_agent::tool::{RegisteredTool, ToolSet};
use rig_core::tool::{Tool, ToolContext};
use scopegate_core::{DenyCode, Event, Provision};
use scopegate_rig::{AgentSession, Guard, Guarded, RawArgs, ScopeHook, guard_tools};
use scopegate_world::{Purse, Unlucky, pay_schema};
use serde_json::Value;

use crate::support::{Till, agent, builder, one, pays, run, script, server};

const ONE_A_MINUTE: &str =
    "{version: 1, roles: [{name: payer, allowed_tools: [pay], rate_limit_per_minute: 1}]}";
const ANY: &str =
    "{version: 1, roles: [{name: payer, allowed_tools: [pay]}, {name: reader, allowed_tools: [read]}]}";
const LIMITED: Event = Event::Deny(DenyCode::RateLimitExceeded);

/// A tool whose body has an agent make its own call once more, so many times.
#[derive(Clone)]
struct Nests {
    purse: Purse,
    agent: Arc<OnceLock<(ToolSet, Option<Guard>)>>,
    left: Arc<AtomicUsize>,
}

impl Nests {
    fn new(till: &Till, times: usize) -> Self {
        Self { purse: till.purse(), agent: Arc::default(), left: Arc::new(AtomicUsize::new(times)) }
    }

    /// The tools of its agent, and the guard of its hook.
    fn has(&self, tools: ToolSet, hook: Option<&Guard>) {
        assert!(self.agent.set((tools, hook.cloned())).is_ok());
    }

    async fn nest(&self, amount: u64) {
        let again = self.left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let (Ok(_), Some((tools, hook))) = (again, self.agent.get()) else { return };
        let model = script([pays(amount)]);
        let agent = builder(&model, tools.clone());
        let agent = match hook {
            Some(guard) => agent.add_hook(ScopeHook::new(guard.clone())).build(),
            None => agent.build(),
        };
        Box::pin(async move { run(&agent).await }).await;
    }
}

impl Tool for Nests {
    const NAME: &'static str = "pay";
    type Args = Value;
    type Output = String;
    type Error = Unlucky;

    fn description(&self) -> String {
        "Pays, and has somebody pay.".to_owned()
    }

    fn parameters(&self) -> Value {
        pay_schema()
    }

    async fn call(&self, _: &mut ToolContext, args: Value) -> Result<String, Unlucky> {
        let amount = args["amount"].as_u64().unwrap_or_default();
        let paid = self.purse.pay(amount, None).await;
        self.nest(amount).await;
        paid
    }
}

/// Which seams stand around the tool, and around the agent inside it.
type Shape = (&'static str, fn(&Nests, &Guard) -> (ToolSet, Option<Guard>));

const SHAPES: [Shape; 5] = [
    ("guarded tools", |tool, guard| (set(tool, guard), None)),
    ("a guarded tool", |tool, guard| (typed(tool, guard), None)),
    ("guarded tools around a guarded tool", |tool, guard| {
        (guard_tools(&typed(tool, guard), guard).expect("tools"), None)
    }),
    ("a hook", |tool, guard| (ToolSet::from_tools(vec![tool.clone()]), Some(guard.clone()))),
    ("a hook and guarded tools", |tool, guard| (set(tool, guard), Some(guard.clone()))),
];

fn set(tool: &Nests, guard: &Guard) -> ToolSet {
    guard_tools(&ToolSet::from_tools(vec![tool.clone()]), guard).expect("tools")
}

fn typed(tool: &Nests, guard: &Guard) -> ToolSet {
    one(RegisteredTool::from_tool(Guarded::new(tool.clone(), guard.clone())))
}

async fn pay(tools: ToolSet, hook: Option<Guard>) {
    let model = script([pays(7)]);
    let agent = builder(&model, tools);
    match hook {
        Some(guard) => run(&agent.add_hook(ScopeHook::new(guard)).build()).await,
        None => run(&agent.build()).await,
    }
}

#[tokio::test]
async fn an_agent_inside_a_tool_spends_by_itself() {
    for (outer, around) in SHAPES {
        for (inner, inside) in SHAPES {
            let till = Till::new(ONE_A_MINUTE);
            let (guard, tool) = (till.guard(), Nests::new(&till, 9));
            let (tools, hook) = inside(&tool, &guard);
            tool.has(tools, hook.as_ref());
            let (tools, hook) = around(&tool, &guard);
            pay(tools, hook).await;
            assert_eq!(till.paid(), [7], "{inner} inside {outer}");
            let events = till.events().await;
            assert_eq!(events, [Event::Permit, LIMITED, Event::Ran], "{inner} inside {outer}");
        }
    }
}

#[tokio::test]
async fn however_deep_every_call_is_on_record() {
    for (name, seams) in SHAPES {
        let till = Till::new(ANY);
        let (guard, tool) = (till.guard(), Nests::new(&till, 3));
        // One set for all of them: the very same seams, each time.
        let (tools, hook) = seams(&tool, &guard);
        tool.has(tools.clone(), hook.as_ref());
        pay(tools, hook).await;
        assert_eq!(till.paid(), [7; 4], "{name}");
        let expected = [[Event::Permit; 4], [Event::Ran; 4]].concat();
        assert_eq!(till.events().await, expected, "{name}");
    }
}

/// A tool that hands the very text of its arguments on to the tool of its name.
#[derive(Clone)]
struct HandsOn(Purse, Arc<OnceLock<ToolServerHandle>>);

impl Tool for HandsOn {
    const NAME: &'static str = "pay";
    type Args = RawArgs;
    type Output = String;
    type Error = Unlucky;

    fn description(&self) -> String {
        "Pays, and has somebody pay.".to_owned()
    }

    fn parameters(&self) -> Value {
        pay_schema()
    }

    async fn call(&self, context: &mut ToolContext, args: RawArgs) -> Result<String, Unlucky> {
        let paid = self.0.pay(7, None).await;
        if let Some(server) = self.1.get() {
            let _ = server.execute("pay", args.get(), context).await;
        }
        paid
    }
}

#[tokio::test]
async fn a_tool_that_hands_its_text_on_hands_no_permit_on() {
    let till = Till::new(ONE_A_MINUTE);
    let (guard, tool) = (till.guard(), HandsOn(till.purse(), Arc::default()));
    let tools = guard_tools(&ToolSet::from_tools(vec![tool.clone()]), &guard).expect("tools");
    assert!(tool.1.set(server(tools.clone())).is_ok());
    run(&agent(&script([pays(7)]), tools)).await;
    assert_eq!(till.paid(), [7]);
    assert_eq!(till.events().await, [Event::Permit, LIMITED, Event::Ran]);
}

/// A call that carries the mark of another session's permit.
#[tokio::test]
async fn a_permit_is_of_no_use_to_another_session() {
    struct Grabs(ToolServerHandle, AgentSession, Mutex<Option<String>>);

    impl AgentHook for Grabs {
        async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
            if let Some(args) = event.tool_args() {
                let mut context = ToolContext::new();
                context.insert(self.1).expect("plain data");
                let result = self.0.execute("pay", args, &mut context).await;
                let code = result.refusal().and_then(|refusal| refusal.code()).map(str::to_owned);
                *self.2.lock().expect("no panic") = code;
            }
            DispatchAction::proceed()
        }
    }

    let till = Till::new(ANY);
    let session = |role: &str, owner: &str| {
        AgentSession(till.engine.open(Provision::new(role, owner)).expect("a session").session)
    };
    let (ann, bob) = (session("payer", "ann"), session("reader", "bob"));
    let guard = Guard::from_context(till.engine.clone());
    let tools = till.guarded(&guard);
    let grabs = Arc::new(Grabs(server(tools.clone()), bob, Mutex::default()));
    let agent = builder(&script([pays(7)]), tools).add_hook(ScopeHook::new(guard));
    let agent = agent.add_hook(Shared(grabs.clone())).build();
    let mut context = ToolContext::new();
    context.insert(ann).expect("plain data");
    let answer = agent.prompt("go").tool_context(context).max_turns(3).run().await;
    assert_eq!(answer.expect("the run ends").output(), "done");
    assert_eq!(grabs.2.lock().expect("no panic").as_deref(), Some("SCOPE_VIOLATION"));
    assert_eq!(till.paid(), [7], "ann's, with ann's permit");
    let events = till.events().await;
    assert_eq!(events.iter().filter(|event| **event == Event::Permit).count(), 1, "{events:?}");

    struct Shared(Arc<Grabs>);

    impl AgentHook for Shared {
        async fn on_dispatch(&self, run: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
            self.0.on_dispatch(run, event).await
        }
    }
}
