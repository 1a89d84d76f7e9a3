//! An agent whose model or tools are guarded.

use std::pin::Pin;

use futures_util::future::join_all;
use scopegate_adapter::in_run;
use swarms_rs::agent::{ChatResponse, SwarmsAgent};
use swarms_rs::llm::Model;
use swarms_rs::llm::completion::Message;
use swarms_rs::structs::agent::{Agent, AgentError};
use swarms_rs::structs::conversation::AgentConversation;

use crate::model::GuardedModel;

/// A `SwarmsAgent` behind a guard: an `Agent` like any other, for workflows, sub-agents and handoffs.
///
/// It takes no tools after it was built: they would not be guarded.
#[derive(Clone)]
pub struct GuardedAgent<M>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    agent: SwarmsAgent<GuardedModel<M>>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, AgentError>> + Send + 'a>>;

impl<M> GuardedAgent<M>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    pub(crate) fn new(agent: SwarmsAgent<GuardedModel<M>>) -> Self {
        Self { agent }
    }

    /// One turn: the model's answer, or what its calls came to.
    ///
    /// # Errors
    /// What the agent says.
    pub async fn chat(
        &self,
        prompt: impl Into<String>,
        chat_history: impl Into<Vec<Message>>,
    ) -> Result<ChatResponse, AgentError> {
        in_run(self.agent.chat(prompt, chat_history)).await
    }

    /// One answer, without tools.
    ///
    /// # Errors
    /// What the agent says.
    pub async fn prompt(&self, prompt: impl Into<String>) -> Result<String, AgentError> {
        in_run(self.agent.prompt(prompt)).await
    }

    /// What was said about a task.
    pub fn conversation(&self, task: &str) -> Option<AgentConversation> {
        self.agent.conversation(task)
    }
}

impl<M> Agent for GuardedAgent<M>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    fn run(&self, task: String) -> Answer<'_, String> {
        Box::pin(in_run(self.agent.run(task)))
    }

    /// All at once, like swarms: the answers of those that came to an end, in the order of the tasks.
    fn run_multiple_tasks(&mut self, tasks: Vec<String>) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            let answers = join_all(tasks.into_iter().map(|task| self.run(task))).await;
            Ok(answers.into_iter().filter_map(Result::ok).collect())
        })
    }

    fn plan(&self, task: String) -> Answer<'_, ()> {
        Box::pin(in_run(self.agent.plan(task)))
    }

    fn query_long_term_memory(&self, task: String) -> Answer<'_, ()> {
        self.agent.query_long_term_memory(task)
    }

    fn save_task_state(&self, task: String) -> Answer<'_, ()> {
        self.agent.save_task_state(task)
    }

    fn is_response_complete(&self, response: String) -> bool {
        self.agent.is_response_complete(response)
    }

    fn id(&self) -> String {
        self.agent.id()
    }

    fn name(&self) -> String {
        self.agent.name()
    }

    fn description(&self) -> String {
        self.agent.description()
    }

    fn clone_box(&self) -> Box<dyn Agent> {
        Box::new(self.clone())
    }
}

impl<M> std::fmt::Debug for GuardedAgent<M>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedAgent").field("name", &self.name()).finish_non_exhaustive()
    }
}
