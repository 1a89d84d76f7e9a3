//! A tool that runs an agent: what that agent calls is decided by itself, also when it is the very call
//! that its tool was permitted for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use adk_core::{ReadonlyContext, Result, Tool, ToolContext, Toolset};
use async_trait::async_trait;
use scopegate_adk::{Guard, Guarded, GuardedToolset};
use scopegate_core::{DenyCode, Event, Principal, Provision, SessionId};
use scopegate_engine::{LocalEnforcer, Policy};
use serde_json::{Value, json};

use crate::support::context;

fn engine(limit: &str) -> LocalEnforcer {
    let policy = format!(
        "{{version: 1, roles: [
            {{name: payer, allowed_tools: [pay]{limit}}},
            {{name: reader, allowed_tools: [read]}}]}}"
    );
    LocalEnforcer::new(policy.parse::<Policy>().expect("a policy")).expect("a checked policy")
}

const ONE_A_MINUTE: &str = ", rate_limit_per_minute: 1";

/// A tool whose body has an agent make its own call once more, so many times, for this user.
#[derive(Clone, Default)]
struct Nests(Arc<Body>);

#[derive(Default)]
struct Body {
    agents: OnceLock<Vec<Arc<dyn Tool>>>,
    user: &'static str,
    ran: AtomicUsize,
    deepest: usize,
    heard: std::sync::Mutex<Vec<&'static str>>,
}

impl Nests {
    fn new(deepest: usize, user: &'static str) -> Self {
        Self(Arc::new(Body { user, deepest, ..Body::default() }))
    }

    /// What its agent calls.
    fn calls(&self, tools: Vec<Arc<dyn Tool>>) {
        assert!(self.0.agents.set(tools).is_ok());
    }

    fn ran(&self) -> usize {
        self.0.ran.load(Ordering::Relaxed)
    }

    fn heard(&self) -> Vec<&'static str> {
        self.0.heard.lock().expect("no panic").clone()
    }
}

#[async_trait]
impl Tool for Nests {
    fn name(&self) -> &str {
        "pay"
    }
    fn description(&self) -> &str {
        "Pays, and has somebody pay."
    }
    async fn execute(&self, _: Arc<dyn ToolContext>, args: Value) -> Result<Value> {
        if self.0.ran.fetch_add(1, Ordering::Relaxed) < self.0.deepest {
            for tool in self.0.agents.get().into_iter().flatten() {
                if let Err(error) = tool.execute(context(self.0.user), args.clone()).await {
                    self.0.heard.lock().expect("no panic").push(error.code);
                }
            }
        }
        Ok(json!("paid"))
    }
}

/// Passes a call on to the tool it stands for, so many times.
struct Passes {
    to: Arc<dyn Tool>,
    times: usize,
    user: &'static str,
}

#[async_trait]
impl Tool for Passes {
    fn name(&self) -> &str {
        self.to.name()
    }
    fn description(&self) -> &str {
        self.to.description()
    }
    async fn execute(&self, _: Arc<dyn ToolContext>, args: Value) -> Result<Value> {
        let mut answer = Ok(json!(null));
        for _ in 0..self.times {
            answer = self.to.execute(context(self.user), args.clone()).await;
        }
        answer
    }
}

struct Set(Vec<Arc<dyn Tool>>);

#[async_trait]
impl Toolset for Set {
    fn name(&self) -> &str {
        "set"
    }
    async fn tools(&self, _: Arc<dyn ReadonlyContext>) -> Result<Vec<Arc<dyn Tool>>> {
        Ok(self.0.clone())
    }
}

fn guarded(tool: impl Tool + 'static, guard: &Guard) -> Arc<dyn Tool> {
    Arc::new(Guarded::new(Arc::new(tool), guard.clone()))
}

fn opening(engine: &LocalEnforcer) -> Guard {
    Guard::opening(engine.clone(), Provision::new("payer", "agent-7"))
}

fn open(engine: &LocalEnforcer, role: &str, owner: &str) -> SessionId {
    engine.open(Provision::new(role, owner)).expect("a session").session
}

async fn pay(tool: &Arc<dyn Tool>) -> Result<Value> {
    tool.execute(context("ann"), json!({"amount": 7})).await
}

async fn events(engine: &LocalEnforcer) -> Vec<Event> {
    assert!(engine.flush().await);
    engine.records().iter().map(|line| line.record.event).collect()
}

const LIMITED: Event = Event::Deny(DenyCode::RateLimitExceeded);

#[tokio::test]
async fn an_agent_inside_a_tool_spends_by_itself() {
    type Agents = fn(&Arc<dyn Tool>, &Nests, &Guard) -> Vec<Arc<dyn Tool>>;
    let shapes: [(&str, Agents); 3] = [
        ("the same guarded tool", |outer, _, _| vec![outer.clone()]),
        ("a guarded tool of its own", |_, tool, guard| vec![guarded(tool.clone(), guard)]),
        ("behind another wrapper", |outer, _, _| {
            vec![Arc::new(Passes { to: outer.clone(), times: 1, user: "ann" })]
        }),
    ];
    for (name, agents) in shapes {
        let (engine, tool) = (engine(ONE_A_MINUTE), Nests::new(9, "ann"));
        let guard = opening(&engine);
        let outer = guarded(tool.clone(), &guard);
        tool.calls(agents(&outer, &tool, &guard));
        pay(&outer).await.expect("permitted");
        assert_eq!((tool.ran(), tool.heard()), (1, vec!["RATE_LIMIT_EXCEEDED"]), "{name}");
        assert_eq!(events(&engine).await, [Event::Permit, LIMITED, Event::Ran], "{name}");
    }
}

#[tokio::test]
async fn however_deep_every_call_is_on_record() {
    let (engine, tool) = (engine(""), Nests::new(3, "ann"));
    let guard = opening(&engine);
    let twice = Arc::new(Guarded::new(guarded(tool.clone(), &guard), guard.clone()));
    tool.calls(vec![twice.clone()]);
    let outer: Arc<dyn Tool> = twice;
    pay(&outer).await.expect("permitted");
    assert_eq!(tool.ran(), 4);
    let expected = [[Event::Permit; 4], [Event::Ran; 4]].concat();
    assert_eq!(events(&engine).await, expected, "two seams each time, one record");
}

#[tokio::test]
async fn seams_of_one_call_decide_it_once() {
    let (engine, tool) = (engine(ONE_A_MINUTE), Nests::default());
    let guard = opening(&engine);
    let inner = guarded(tool.clone(), &guard);
    let passes = Passes { to: inner, times: 1, user: "ann" };
    let set: Arc<dyn Toolset> = Arc::new(Set(vec![guarded(passes, &guard)]));
    let set = GuardedToolset::new(Arc::new(GuardedToolset::new(set, guard.clone())), guard);
    let offered = set.tools(context("ann")).await.expect("tools");
    pay(&offered[0]).await.expect("permitted, through four seams and a wrapper");
    assert_eq!((tool.ran(), events(&engine).await), (1, vec![Event::Permit, Event::Ran]));
}

#[tokio::test]
async fn a_wrapper_between_two_seams_has_one_permit_and_no_more() {
    let (engine, tool) = (engine(ONE_A_MINUTE), Nests::default());
    let guard = opening(&engine);
    let passes = Passes { to: guarded(tool.clone(), &guard), times: 3, user: "ann" };
    let error = pay(&guarded(passes, &guard)).await.expect_err("the second is one too many");
    assert_eq!((error.code, tool.ran()), ("RATE_LIMIT_EXCEEDED", 1));
    assert_eq!(events(&engine).await, [Event::Permit, Event::Ran, LIMITED, LIMITED]);
}

/// The inner seam is asked for the same call on the same way, and by somebody else.
#[tokio::test]
async fn a_permit_is_of_no_use_to_another_principal() {
    for role in ["reader", "payer"] {
        let (engine, tool) = (engine(""), Nests::new(1, "bob"));
        let (ann, bob) = (open(&engine, "payer", "ann"), open(&engine, role, "bob"));
        let guard = Guard::from_context(engine.clone(), move |run| match run.user_id() {
            "ann" => Some(Principal::Session(ann)),
            "bob" => Some(Principal::Session(bob)),
            _ => None,
        });
        let inner = guarded(tool.clone(), &guard);
        let outer = guarded(Passes { to: inner.clone(), times: 1, user: "bob" }, &guard);
        tool.calls(vec![inner]);
        let answer = pay(&outer).await;
        assert!(engine.flush().await);
        let of = |session: SessionId| -> Vec<Event> {
            let records = engine.records();
            let own = records.iter().filter(|line| line.record.id.session == session);
            own.map(|line| line.record.event).collect()
        };
        if role == "payer" {
            assert_eq!((answer.expect("both may"), tool.ran()), (json!("paid"), 2));
            assert_eq!(of(ann), [Event::Permit, Event::Ran]);
            assert_eq!(of(bob), [Event::Permit, Event::Permit, Event::Ran, Event::Ran]);
        } else {
            assert_eq!((answer.expect_err("bob may not").code, tool.ran()), ("SCOPE_VIOLATION", 0));
            assert_eq!(of(bob), [Event::Deny(DenyCode::ScopeViolation)]);
        }
    }
}
