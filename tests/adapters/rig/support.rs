//! An engine, a till that its tools put money into, and a model that follows a script.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rig_agent::tool::server::{ToolServer, ToolServerHandle};
use rig_agent::tool::{RegisteredTool, ToolSet};
use rig_agent::{Agent, AgentBuilder};
use rig_core::message::{AssistantContent, ToolCall, ToolFunction, ToolName};
use rig_core::test_utils::{MockCompletionModel, MockTurn};
use rig_core::tool::{Tool, ToolContext};
use scopegate_core::{Event, Name, Provision, Timestamp};
use scopegate_engine::{CredentialSource, LocalEnforcer, ManualClock, Policy};
use scopegate_rig::{Guard, credential, guard_tools};
use serde::Deserialize;
use serde_json::{Value, json};

/// A Monday at noon, UTC.
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

/// Small sums pass, large ones need a person, and nothing else is granted.
pub(crate) const POLICY: &str = "
version: 1
roles:
  - name: payer
    allowed_tools: [pay, helper]
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

    /// A set with the tool, unguarded.
    pub(crate) fn bare(&self) -> ToolSet {
        ToolSet::from_tools(vec![self.pay()])
    }

    pub(crate) fn guarded(&self, guard: &Guard) -> ToolSet {
        guard_tools(&self.bare(), guard).expect("tools")
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

    fn description(&self) -> String {
        "Pays an amount.".to_owned()
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]})
    }

    async fn call(&self, _: &mut ToolContext, args: PayArgs) -> Result<String, Unlucky> {
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

/// A model that makes one call a turn, then says that it is done.
pub(crate) fn script(calls: impl IntoIterator<Item = (&'static str, Value)>) -> MockCompletionModel {
    turns(calls.into_iter().map(|call| vec![call]))
}

/// A model that makes these calls in these turns, then says that it is done.
pub(crate) fn turns<T: AsRef<str>>(calls: impl IntoIterator<Item = Vec<(T, Value)>>) -> MockCompletionModel {
    let mut number = 0;
    let mut call = |(tool, args): (T, Value)| {
        number += 1;
        let name = ToolName::new(tool.as_ref()).expect("a name");
        AssistantContent::ToolCall(ToolCall::from_wire(
            format!("call-{number}"),
            ToolFunction::new(name, args),
        ))
    };
    let mut turns: Vec<MockTurn> = Vec::new();
    for turn in calls {
        turns.push(MockTurn::from_contents(turn.into_iter().map(&mut call).collect::<Vec<_>>()));
    }
    turns.push(MockTurn::text("done"));
    MockCompletionModel::from_turns(turns)
}

pub(crate) fn pays(amount: u64) -> (&'static str, Value) {
    ("pay", json!({"amount": amount}))
}

pub(crate) fn server(tools: ToolSet) -> ToolServerHandle {
    let server = ToolServer::new().run();
    server.add_tools(tools);
    server
}

pub(crate) fn agent(model: &MockCompletionModel, tools: ToolSet) -> Agent {
    builder(model, tools).build()
}

pub(crate) fn builder(
    model: &MockCompletionModel,
    tools: ToolSet,
) -> AgentBuilder<rig_agent::agent::WithToolServerHandle> {
    AgentBuilder::new(model.clone()).tool_server_handle(server(tools))
}

/// A set with one tool.
pub(crate) fn one(tool: RegisteredTool) -> ToolSet {
    let mut set = ToolSet::default();
    set.add_registered_tool(tool);
    set
}

/// Runs the agent to its end.
pub(crate) async fn run(agent: &Agent) {
    let answer = agent.prompt("go").max_turns(20).run().await;
    assert_eq!(answer.expect("the run ends").output(), "done");
}

/// What the tools' results told the model, over the whole run.
pub(crate) fn heard(model: &MockCompletionModel) -> Vec<String> {
    let requests = model.requests();
    let history = &requests.last().expect("a request").chat_history;
    let mut texts = Vec::new();
    collect(&serde_json::to_value(history).expect("JSON"), &mut texts);
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    if value["type"] == "toolresult" {
        for part in value["content"].as_array().into_iter().flatten() {
            texts.push(part["text"].as_str().map_or_else(|| part["value"].to_string(), str::to_owned));
        }
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        _ => {}
    }
}
