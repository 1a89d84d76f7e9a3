//! Every call of an agent's model behind a guard: the one seam that handoffs cannot get around.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use scopegate_adapter::Seams;
use scopegate_core::Unready;
use serde::{Serialize, Serializer};
use swarms_rs::llm::completion::{AssistantContent, ToolCall};
use swarms_rs::llm::request::{CompletionRequest, CompletionResponse};
use swarms_rs::llm::{CompletionError, Model};

use crate::guard::Guard;
use crate::told::NotRun;

/// A model whose tool calls are decided before its agent sees them; [`AgentBuilder`](crate::AgentBuilder)
/// makes it.
///
/// A call that may not run is not in the answer any more: a sentence stands in its place. What the
/// role can never call is not offered to the model, as far as the enforcer can tell; where it cannot,
/// everything is offered and each call decided all the same.
#[derive(Clone)]
pub struct GuardedModel<M> {
    model: M,
    /// None where only the tools are guarded.
    guard: Option<Guard>,
    /// The agent's tools that are guarded by themselves.
    guarded: GuardedTools,
}

/// An agent's tools that take permits up. Filled while the agent is built.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuardedTools(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    names: HashSet<String>,
    seams: Seams,
}

impl GuardedTools {
    /// Tools of this name are guarded.
    pub(crate) fn insert(&self, name: String) {
        self.known().names.insert(name);
    }

    /// These seams stand around the agent's tools.
    pub(crate) fn stand(&self, seams: Seams) {
        self.known().seams.extend(seams);
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.known().names.contains(name)
    }

    fn seams(&self) -> Seams {
        self.known().seams.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Completion<'a, R> =
    Pin<Box<dyn Future<Output = Result<CompletionResponse<R>, CompletionError>> + Send + 'a>>;

impl<M> Model for GuardedModel<M>
where
    M: Model + Send + Sync,
    M::RawCompletionResponse: Send,
{
    type RawCompletionResponse = M::RawCompletionResponse;

    fn completion(&self, request: CompletionRequest) -> Completion<'_, M::RawCompletionResponse> {
        match &self.guard {
            Some(guard) => Box::pin(self.guarded(guard, request)),
            None => self.model.completion(request),
        }
    }
}

impl<M: Model + Send + Sync> GuardedModel<M> {
    pub(crate) fn new(model: M, guard: Option<Guard>, guarded: GuardedTools) -> Self {
        Self { model, guard, guarded }
    }

    async fn guarded(
        &self,
        guard: &Guard,
        mut request: CompletionRequest,
    ) -> Result<CompletionResponse<M::RawCompletionResponse>, CompletionError> {
        // All calls of the last turn have ended.
        guard.clear();
        // swarms ignores the calls of a turn that offers no tools, like the one that makes a plan.
        let calls_count = !request.tools.is_empty();
        strip(guard, &mut request).await;
        let mut response = self.model.completion(request).await?;
        let judged = response.choice.into_iter().map(|part| async move {
            match part {
                AssistantContent::ToolCall(call) if calls_count => self.judge(guard, call).await,
                AssistantContent::ToolCall(call) => AssistantContent::text(format!(
                    "`{}` was not run: no tool was offered.",
                    call.function.name
                )),
                text => text,
            }
        });
        // Together: one that waits for a person keeps no other waiting.
        response.choice = join_all(judged).await;
        Ok(response)
    }

    async fn judge(&self, guard: &Guard, call: ToolCall) -> AssistantContent {
        match self.admit(guard, &call).await {
            Ok(()) => AssistantContent::ToolCall(call),
            Err(not_run) => AssistantContent::text(not_run.notice.text),
        }
    }

    /// Decides a call, and leaves the permit for its tool.
    async fn admit(&self, guard: &Guard, call: &ToolCall) -> Result<(), NotRun> {
        let tool = &call.function.name;
        // The text that swarms will hand to the tool.
        let permitted = guard.decide(tool, &call.function.arguments.to_string()).await?;
        if let Some(credential) = permitted.credential()
            && !self.guarded.contains(tool)
        {
            let stopped = Unready::Credential(credential.name.clone()).into();
            return Err(guard.refusal(tool, stopped));
        }
        guard.leave(permitted, self.guarded.seams());
        Ok(())
    }
}

/// Takes out of a request what the role can never call.
async fn strip(guard: &Guard, request: &mut CompletionRequest) {
    let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    if let Some(visible) = guard.visible(&names).await {
        let mut visible = visible.into_iter();
        request.tools.retain(|_| visible.next().unwrap_or(false));
    }
}

/// swarms can write an agent out; of the model there is nothing to write.
impl<M> Serialize for GuardedModel<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<M> std::fmt::Debug for GuardedModel<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedModel").field("guard", &self.guard).finish_non_exhaustive()
    }
}
