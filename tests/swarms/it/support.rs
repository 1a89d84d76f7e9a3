//! A till that swarms' tools pay into, and a model that follows a script.

use std::collections::VecDeque;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use scopegate_swarms::{AgentBuilder, Guard, GuardedAgent, credential};
use scopegate_world::{Purse, Unlucky, pay_schema};
use serde::Deserialize;
use serde_json::Value;
use swarms_rs::Agent;
use swarms_rs::llm::completion::{AssistantContent, Message};
use swarms_rs::llm::request::{CompletionRequest, CompletionResponse, ToolDefinition};
use swarms_rs::llm::{CompletionError, Model};
use swarms_rs::structs::tool::Tool;

pub(crate) use scopegate_world::{POLICY, SECRET, pays};

/// What ends a run.
pub(crate) const END: &str = "<END>";

/// A till, for swarms.
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

    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "pay".to_owned(),
            description: "Pays an amount.".to_owned(),
            parameters: pay_schema(),
        }
    }

    async fn call(&self, args: PayArgs) -> Result<String, Unlucky> {
        let secret = credential().map(|credential| credential.expose_secret().to_owned());
        self.0.pay(args.amount, secret).await
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
