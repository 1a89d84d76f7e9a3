//! swarms' own builder, with every tool behind a guard.

use scopegate_adapter::Seams;
use serde_json::Value;
use swarms_rs::agent::{SwarmsAgent, SwarmsAgentBuilder};
use swarms_rs::llm::Model;
use swarms_rs::structs::agent::Agent;
use swarms_rs::structs::tool::{Tool, ToolDyn};

use crate::agent::GuardedAgent;
use crate::guard::Guard;
use crate::guarded::{Guarded, GuardedDyn};
use crate::model::{GuardedModel, GuardedTools};

/// Builds an agent behind a guard.
pub struct AgentBuilder<M>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    swarms: SwarmsAgentBuilder<GuardedModel<M>>,
    guard: Guard,
    reach: Reach,
    /// Added last, so that no other registration takes a guarded tool's place.
    tools: Vec<AddTool<M>>,
    guarded: GuardedTools,
    handoffs: Vec<String>,
}

type AddTool<M> = Box<dyn FnOnce(SwarmsAgent<GuardedModel<M>>) -> SwarmsAgent<GuardedModel<M>> + Send>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    Everything,
    Tools,
}

/// Why an agent is not built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Guarded tools do not stop handoffs.
    #[error(
        "the agent can hand its task to `{0}`, which no guarded tool can stop: \
         build it with `AgentBuilder::new`, which guards the model"
    )]
    Handoff(String),
    /// The agent has a tool that is not guarded.
    #[error(
        "the agent's tool `{0}` is not guarded: add it with `add_tool` or `add_dyn_tool`, \
         or build the agent with `AgentBuilder::new`, which guards the model"
    )]
    Unguarded(String),
    /// swarms does not tell which tools the agent has.
    #[error("the agent's tools are not known, so nobody can tell whether they are guarded")]
    Unknown,
}

impl<M> AgentBuilder<M>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    /// An agent whose every call is guarded, by way of its model, and whose tools are guarded too.
    pub fn new(model: M, guard: Guard) -> Self {
        Self::reaching(Reach::Everything, model, guard)
    }

    /// An agent of which only the tools are guarded, so that refusals are their results. It can have
    /// no handoffs, no sub-agents and no MCP servers but as guarded tools: [`build`](Self::build) says
    /// so.
    pub fn tools_only(model: M, guard: Guard) -> Self {
        Self::reaching(Reach::Tools, model, guard)
    }

    fn reaching(reach: Reach, model: M, guard: Guard) -> Self {
        let guarded = GuardedTools::default();
        let by_model = (reach == Reach::Everything).then(|| guard.clone());
        let model = GuardedModel::new(model, by_model, guarded.clone());
        let swarms = SwarmsAgentBuilder::new_with_model(model);
        Self { swarms, guard, reach, tools: Vec::new(), guarded, handoffs: Vec::new() }
    }

    /// Whatever else swarms' builder can set: names, prompts, loops. What is added to the agent this
    /// way is guarded by its model, or not built.
    #[must_use]
    pub fn settings(
        self,
        set: impl FnOnce(SwarmsAgentBuilder<GuardedModel<M>>) -> SwarmsAgentBuilder<GuardedModel<M>>,
    ) -> Self {
        // swarms asks each tool for its definition.
        let (swarms, seams) = Seams::asked(|| set(self.swarms));
        self.guarded.stand(seams);
        Self { swarms, ..self }
    }

    /// A tool, guarded.
    #[must_use]
    pub fn add_tool<T: Tool + 'static>(self, tool: T) -> Self {
        let tool = Guarded::new(tool, self.guard.clone());
        self.add_guarded(tool)
    }

    /// A tool whose type is not known, guarded.
    #[must_use]
    pub fn add_dyn_tool(self, tool: impl ToolDyn + 'static) -> Self {
        let tool = GuardedDyn::new(tool, self.guard.clone());
        self.add_guarded(tool)
    }

    fn add_guarded(mut self, tool: impl ToolDyn + 'static) -> Self {
        let (name, seams) = Seams::asked(|| tool.name());
        self.guarded.insert(name);
        self.guarded.stand(seams);
        self.tools.push(Box::new(|agent| agent.tool(tool)));
        self
    }

    /// A sub-agent that the model can delegate to, as `delegate_to_<name>`. What it does itself is
    /// guarded by its own guard: [`Guard::sub_agent`].
    #[must_use]
    pub fn add_sub_agent(self, agent: impl Agent + 'static) -> Self {
        Self { swarms: self.swarms.add_sub_agent(agent), ..self }
    }

    /// An agent that the model can hand its task to for good, as `transfer_to_<name>`. What it does
    /// itself is guarded by its own guard: [`Guard::sub_agent`].
    #[must_use]
    pub fn add_handoff(mut self, agent: impl Agent + 'static) -> Self {
        self.handoffs.push(agent.name());
        Self { swarms: self.swarms.add_handoff(agent), ..self }
    }

    /// The tools of an MCP server that is started as a process. Like swarms' own, it panics when the
    /// server does not start.
    pub async fn add_stdio_mcp_server<I, S>(self, command: S, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        Self { swarms: self.swarms.add_stdio_mcp_server(command, args).await, ..self }
    }

    /// The agent.
    ///
    /// # Errors
    /// [`BuildError`] when the model is not guarded and the agent can reach what its tools do not
    /// guard.
    pub fn build(self) -> Result<GuardedAgent<M>, BuildError> {
        let agent = self.swarms.build();
        let agent = self.tools.into_iter().fold(agent, |agent, add| add(agent));
        if self.reach == Reach::Tools {
            covered(&agent, &self.handoffs, &self.guarded)?;
        }
        Ok(GuardedAgent::new(agent))
    }
}

/// Whether an agent's guarded tools are all that it has.
fn covered<M>(
    agent: &SwarmsAgent<GuardedModel<M>>,
    handoffs: &[String],
    guarded: &GuardedTools,
) -> Result<(), BuildError>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    if let Some(target) = handoffs.first() {
        return Err(BuildError::Handoff(target.clone()));
    }
    // The agent's members are private; what it writes out holds the tools that it offers.
    let written = serde_json::to_value(agent).map_err(|_| BuildError::Unknown)?;
    let evaluator = written.pointer("/config/task_evaluator_tool_enabled").and_then(Value::as_bool);
    let tools = written.get("tools").and_then(Value::as_array).ok_or(BuildError::Unknown)?;
    for tool in tools {
        let name = tool.get("name").and_then(Value::as_str).ok_or(BuildError::Unknown)?;
        // By that name swarms would hand off, whatever stands behind it.
        if name.starts_with("transfer_to_") {
            return Err(BuildError::Handoff(name.to_owned()));
        }
        // swarms' own, which does nothing but end the run.
        let builtin = name == "task_evaluator" && evaluator == Some(true);
        if !builtin && !guarded.contains(name) {
            return Err(BuildError::Unguarded(name.to_owned()));
        }
    }
    Ok(())
}

impl<M> std::fmt::Debug for AgentBuilder<M>
where
    M: Model + Clone + Send + Sync + 'static,
    M::RawCompletionResponse: Clone + Send + Sync,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentBuilder").field("reach", &self.reach).finish_non_exhaustive()
    }
}
