//! One tool behind a guard.

use std::pin::Pin;

use scopegate_adapter::{RawArgs, Seam, Seams};
use swarms_rs::llm::request::ToolDefinition;
use swarms_rs::structs::tool::{Tool, ToolDyn, ToolError};

use crate::guard::Guard;
use crate::told::NotRun;

/// A tool that runs only with a permit.
///
/// The arguments are judged as they were written, then `T::Args` is read from the judged ones: a
/// decision after reading could not see what the model sent.
///
/// It stops its own calls and nothing else. **It does not stop a handoff**: swarms hands a task off by
/// the name of a call, whatever its tool answers. [`AgentBuilder`](crate::AgentBuilder) guards the
/// model too.
#[derive(Clone, Debug)]
pub struct Guarded<T> {
    tool: T,
    guard: Guard,
    seam: Seam,
}

/// [`Guarded`] for a tool whose type is not known: `SwarmsAgent::tool` takes it.
pub struct GuardedDyn {
    tool: Box<dyn ToolDyn>,
    guard: Guard,
    seam: Seam,
}

/// Why a guarded tool gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardedError<E: std::error::Error + 'static> {
    /// It did not run.
    #[error(transparent)]
    NotRun(NotRun),
    /// It cannot read its arguments.
    #[error("failed to parse tool arguments: {0}")]
    Arguments(serde_json::Error),
    /// It ran and failed.
    #[error(transparent)]
    Tool(E),
}

impl<T> Guarded<T> {
    /// A tool behind a guard.
    pub fn new(tool: T, guard: Guard) -> Self {
        Self { tool, guard, seam: Seam::default() }
    }
}

impl<T: Tool> Tool for Guarded<T> {
    type Error = GuardedError<T::Error>;
    type Args = RawArgs;
    type Output = T::Output;

    const NAME: &'static str = T::NAME;

    /// The name that is judged, whatever the tool's own definition says.
    fn name(&self) -> String {
        self.seam.present();
        self.tool.name()
    }

    fn definition(&self) -> ToolDefinition {
        self.seam.present();
        ToolDefinition { name: self.tool.name(), ..self.tool.definition() }
    }

    async fn call(&self, arguments: RawArgs) -> Result<T::Output, Self::Error> {
        let (name, further_in) = Seams::asked(|| self.tool.name());
        let admitted = self.guard.admit(&self.seam, &name, arguments.get()).await;
        let permitted = admitted.map_err(GuardedError::NotRun)?;
        let judged = permitted.call().args.to_json().unwrap_or_default();
        // A permit for arguments that the tool cannot read is dropped: nothing ran.
        let args = serde_json::from_str::<T::Args>(&judged).map_err(GuardedError::Arguments)?;
        self.guard.run(permitted, further_in, self.tool.call(args)).await.map_err(GuardedError::Tool)
    }
}

impl GuardedDyn {
    /// A tool behind a guard.
    pub fn new(tool: impl ToolDyn + 'static, guard: Guard) -> Self {
        Self { tool: Box::new(tool), guard, seam: Seam::default() }
    }
}

impl ToolDyn for GuardedDyn {
    fn name(&self) -> String {
        self.seam.present();
        self.tool.name()
    }

    fn definition(&self) -> ToolDefinition {
        self.seam.present();
        ToolDefinition { name: self.tool.name(), ..self.tool.definition() }
    }

    fn call(
        &self,
        arguments: String,
    ) -> Pin<Box<dyn Future<Output = Result<String, ToolError>> + Send + '_>> {
        Box::pin(async move {
            let (name, further_in) = Seams::asked(|| self.tool.name());
            let admitted = self.guard.admit(&self.seam, &name, &arguments).await;
            let permitted = admitted.map_err(|not_run| ToolError::ToolCallError(Box::new(not_run)))?;
            let judged = permitted.call().args.to_json().unwrap_or_default();
            self.guard.run(permitted, further_in, self.tool.call(judged)).await
        })
    }
}

impl std::fmt::Debug for GuardedDyn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedDyn").field("tool", &self.tool.name()).finish_non_exhaustive()
    }
}
