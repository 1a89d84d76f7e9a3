//! A till that rig's tools pay into, and a model that follows a script.

use std::ops::Deref;

use rig_agent::tool::server::{ToolServer, ToolServerHandle};
use rig_agent::tool::{RegisteredTool, ToolSet};
use rig_agent::{Agent, AgentBuilder};
use rig_core::message::{AssistantContent, ToolCall, ToolFunction, ToolName};
use rig_core::test_utils::{MockCompletionModel, MockTurn};
use rig_core::tool::{Tool, ToolContext};
use scopegate_rig::{Guard, credential, guard_tools};
use scopegate_world::{Purse, Unlucky, pay_schema};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use scopegate_world::{POLICY, Payment, SECRET, pays};

/// A till, for rig.
#[derive(Clone)]
pub(crate) struct Till(scopegate_world::Till);

impl Till {
    pub(crate) fn new(policy: &str) -> Self {
        Self(scopegate_world::Till::new(policy))
    }

    /// A guard with a session of its own.
    pub(crate) fn guard(&self) -> Guard {
        Guard::opening(self.engine.clone(), scopegate_world::Till::payer())
    }

    pub(crate) fn pay(&self) -> Pay {
        Pay(self.purse())
    }

    /// A set with the tool, unguarded.
    pub(crate) fn bare(&self) -> ToolSet {
        ToolSet::from_tools(vec![self.pay()])
    }

    pub(crate) fn guarded(&self, guard: &Guard) -> ToolSet {
        guard_tools(&self.bare(), guard).expect("tools")
    }
}

impl Deref for Till {
    type Target = scopegate_world::Till;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Pays, and says so.
pub(crate) struct Pay(Purse);

#[derive(Debug, Deserialize)]
pub(crate) struct PayArgs {
    amount: u64,
}

impl Tool for Pay {
    const NAME: &'static str = "pay";
    type Args = PayArgs;
    type Output = String;
    type Error = Unlucky;

    fn description(&self) -> String {
        "Pays an amount.".to_owned()
    }

    fn parameters(&self) -> Value {
        pay_schema()
    }

    async fn call(&self, _: &mut ToolContext, args: PayArgs) -> Result<String, Unlucky> {
        let secret = credential().map(|credential| credential.expose_secret().to_owned());
        self.0.pay(args.amount, secret).await
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
