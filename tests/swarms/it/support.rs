//! An engine, a till that its tools put money into, and a model that follows a script.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scopegate_core::{Event, Name, Provision, Timestamp};
use scopegate_engine::{CredentialSource, LocalEnforcer, ManualClock, Policy};
use scopegate_swarms::{AgentBuilder, Guard, GuardedAgent, credential};
use serde::Deserialize;
use serde_json::{Value, json};
use swarms_rs::Agent;
use swarms_rs::llm::completion::{AssistantContent, Message};
use swarms_rs::llm::request::{CompletionRequest, CompletionResponse, ToolDefinition};
use swarms_rs::llm::{CompletionError, Model};
use swarms_rs::structs::tool::Tool;

/// A Monday at noon, UTC.
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

/// Small sums pass, large ones need a person, and nothing else is granted.
pub(crate) const POLICY: &str = "
version: 1
roles:
  - name: payer
    allowed_tools: [pay, delegate_to_helper, transfer_to_helper]
    default_ttl_seconds: 600
    max_delegation_depth: 2
    parameter_constraints:
      pay: [{field: amount, operator: lte, value: 1000}]
    approval_unless:
      pay: [{field: amount, operator: lte, value: 100}]
  - name: helper
    allowed_tools: [pay]
    parameter_constraints:
      pay: [{field: amount, operator: lte, value: 10}]
";

/// What ends a run.
pub(crate) const END: &str = "<END>";

/// An engine, its clock, and what was paid.
#[derive(Clone)]
pub(crate) struct Till {
    pub(crate) engine: LocalEnforcer,
    pub(crate) clock: Arc<ManualClock>,
    paid: Arc<Mutex<Vec<Payment>>>,
}

/// What the tool ran with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Payment {
    pub(crate) amount: u64,
    pub(crate) secret: Option<String>,
}

impl Till {
    pub(crate) fn new(policy: &str) -> Self {
        let policy = Policy::from_text(policy, "policy").unwrap_or_else(|error| panic!("{error}"));
        let clock = Arc::new(ManualClock::new(NOON));
        let engine = LocalEnforcer::builder(policy).clock(clock.clone());
        let engine = engine.credentials(Vault);
        Self { engine: engine.build().expect("a checked policy"), clock, paid: Arc::default() }
    }

    /// A guard with a session of its own.
    pub(crate) fn guard(&self) -> Guard {
        Guard::opening(self.engine.clone(), Provision::new("payer", "agent-7"))
    }

    pub(crate) fn pay(&self) -> Pay {
        Pay(self.paid.clone())
    }

    /// The sums that were paid, in order.
    pub(crate) fn paid(&self) -> Vec<u64> {
        self.payments().into_iter().map(|payment| payment.amount).collect()
    }

    pub(crate) fn payments(&self) -> Vec<Payment> {
        self.paid.lock().expect("no panic").clone()
    }

    /// What has been recorded: events in order, outcomes too.
    pub(crate) async fn events(&self) -> Vec<Event> {
        assert!(self.engine.flush().await, "{:?}", self.engine.record_failure());
        self.engine.records().iter().map(|line| line.record.event).collect()
    }

    /// Whose calls were decided, by name: sessions of different owners are not recorded in order.
    pub(crate) async fn roles(&self) -> Vec<Name> {
        assert!(self.engine.flush().await, "{:?}", self.engine.record_failure());
        let records = self.engine.records();
        let mut roles: Vec<_> =
            records.iter().filter_map(|line| line.record.role.clone()).map(|(role, _)| role).collect();
        roles.sort();
        roles
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// What the policy calls `till-key`.
pub(crate) const SECRET: &str = "open sesame";

struct Vault;

impl CredentialSource for Vault {
    fn find(&self, name: &str) -> Option<Arc<str>> {
        (name == "till-key").then(|| SECRET.into())
    }
}

/// Pays, and says so.
pub(crate) struct Pay(Arc<Mutex<Vec<Payment>>>);

#[derive(Debug, Deserialize)]
pub(crate) struct PayArgs {
    amount: u64,
}

/// The till does not take that.
#[derive(Debug, thiserror::Error)]
#[error("nobody pays {0}")]
pub(crate) struct Unlucky(u64);

impl Tool for Pay {
    const NAME: &'static str = "pay";
    type Args = PayArgs;
    type Output = String;
    type Error = Unlucky;

    fn definition(&self) -> ToolDefinition {
        let amount = json!({"amount": {"type": "integer"}});
        ToolDefinition {
            name: "pay".to_owned(),
            description: "Pays an amount.".to_owned(),
            parameters: json!({"type": "object", "properties": amount, "required": ["amount"]}),
        }
    }

    async fn call(&self, args: PayArgs) -> Result<String, Unlucky> {
        // Others get a turn, as with a tool that waits for a network.
        tokio::task::yield_now().await;
        if args.amount == 13 {
            return Err(Unlucky(args.amount));
        }
        let secret = credential().map(|credential| credential.expose_secret().to_owned());
        self.0.lock().expect("no panic").push(Payment { amount: args.amount, secret });
        Ok(format!("paid {}", args.amount))
    }
}

/// A model that follows a script and remembers what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    turns: VecDeque<Vec<AssistantContent>>,
    asked: Vec<CompletionRequest>,
}

impl Script {
    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.lock().expect("no panic").asked.len()
    }

    /// Goes on with these, one a turn.
    pub(crate) fn again(&self, calls: impl IntoIterator<Item = (&'static str, Value)>) {
        let more = script(calls);
        let turns = std::mem::take(&mut more.0.lock().expect("no panic").turns);
        self.0.lock().expect("no panic").turns.extend(turns);
    }

    /// The tools that it was offered when it was asked last.
    pub(crate) fn offered(&self) -> Vec<String> {
        let inner = self.0.lock().expect("no panic");
        inner.asked.last().expect("a request").tools.iter().map(|tool| tool.name.clone()).collect()
    }

    /// What it had said and heard when it was asked last: sentences, and the results of tools.
    pub(crate) fn heard(&self) -> Vec<String> {
        let inner = self.0.lock().expect("no panic");
        let history = &inner.asked.last().expect("a request").chat_history;
        history.iter().flat_map(texts).collect()
    }
}

fn texts(message: &Message) -> Vec<String> {
    let Message::Assistant { content } = message else { return Vec::new() };
    let text = |part: &AssistantContent| match part {
        AssistantContent::Text(text) => text.text.clone(),
        AssistantContent::ToolCall(call) => call.function.name.clone(),
    };
    content.iter().map(text).collect()
}

impl Model for Script {
    type RawCompletionResponse = ();

    fn completion(
        &self,
        request: CompletionRequest,
    ) -> Pin<Box<dyn Future<Output = Result<CompletionResponse<()>, CompletionError>> + Send + '_>> {
        let mut inner = self.0.lock().expect("no panic");
        inner.asked.push(request);
        let choice = inner.turns.pop_front().unwrap_or_else(|| vec![AssistantContent::text(END)]);
        Box::pin(async move { Ok(CompletionResponse { choice, raw_response: () }) })
    }
}

/// A model that makes one call a turn, then says that it is done.
pub(crate) fn script(calls: impl IntoIterator<Item = (&'static str, Value)>) -> Script {
    turns(calls.into_iter().map(|call| vec![call]))
}

/// A model that makes these calls in these turns, then says that it is done.
pub(crate) fn turns<T: AsRef<str>>(calls: impl IntoIterator<Item = Vec<(T, Value)>>) -> Script {
    let mut number = 0;
    let mut call = |(tool, args): (T, Value)| {
        number += 1;
        AssistantContent::tool_call(format!("call-{number}"), tool.as_ref(), args)
    };
    let turns = calls.into_iter().map(|turn| turn.into_iter().map(&mut call).collect()).collect();
    Script(Arc::new(Mutex::new(Inner { turns, asked: Vec::new() })))
}

pub(crate) fn pays(amount: u64) -> (&'static str, Value) {
    ("pay", json!({"amount": amount}))
}

/// An agent whose every call is guarded.
pub(crate) fn builder(model: &Script, guard: &Guard) -> AgentBuilder<Script> {
    named("boss", AgentBuilder::new(model.clone(), guard.clone()))
}

/// An agent whose tools are guarded, and nothing else.
pub(crate) fn tools_only(model: &Script, guard: &Guard) -> AgentBuilder<Script> {
    named("boss", AgentBuilder::tools_only(model.clone(), guard.clone()))
}

pub(crate) fn named(name: &str, builder: AgentBuilder<Script>) -> AgentBuilder<Script> {
    builder.settings(|swarms| {
        let swarms = swarms.agent_name(name).user_name("ann").max_loops(60).retry_attempts(1);
        swarms.disable_task_complete_tool().add_stop_word(END)
    })
}

/// Runs the agent to its end.
pub(crate) async fn run(agent: &GuardedAgent<Script>) -> String {
    agent.run("go".to_owned()).await.expect("the run ends")
}
