//! One typed tool behind a guard.

use rig_core::tool::{IntoToolOutput, Tool, ToolContext, ToolExecutionError, ToolOutput};
use scopegate_adapter::{RawArgs, Seam, with_credential};
use scopegate_core::{Outcome, Permitted, ToolCall};
use serde_json::Value;

use crate::guard::Guard;
use crate::told::RanWith;

/// A tool that runs only with a permit.
///
/// The arguments are judged as they were written, then `T::Args` is read from the judged ones: a
/// decision after reading could not see what the model sent.
#[derive(Clone, Debug)]
pub struct Guarded<T> {
    tool: T,
    guard: Guard,
    seam: Seam,
}

impl<T> Guarded<T> {
    /// A tool behind a guard.
    pub fn new(tool: T, guard: Guard) -> Self {
        Self { tool, guard, seam: Seam::default() }
    }
}

impl<T: Tool> Tool for Guarded<T> {
    const NAME: &'static str = T::NAME;
    type Args = RawArgs;
    type Output = ToolOutput;
    type Error = ToolExecutionError;

    fn description(&self) -> String {
        self.seam.present();
        self.tool.description()
    }

    fn parameters(&self) -> Value {
        self.tool.parameters()
    }

    async fn call(
        &self,
        context: &mut ToolContext,
        arguments: RawArgs,
    ) -> Result<ToolOutput, ToolExecutionError> {
        match self.guard.admit(&self.seam, context, T::NAME, arguments.get()).await {
            Ok((permitted, _)) => self.run(context, permitted).await,
            Err(stopped) => Err(self.guard.refusal(T::NAME, stopped, context)),
        }
    }
}

impl<T: Tool> Guarded<T> {
    async fn run(
        &self,
        context: &mut ToolContext,
        permitted: Permitted<ToolCall>,
    ) -> Result<ToolOutput, ToolExecutionError> {
        let judged = permitted.call().args.to_json().unwrap_or_default();
        // A permit for arguments that the tool cannot read is dropped: nothing ran.
        let args = serde_json::from_str::<T::Args>(&judged).map_err(|error| {
            ToolExecutionError::invalid_args(format!("failed to parse tool arguments: {error}"))
                .with_source(error)
        })?;
        let secret = permitted.credential().cloned();
        let result = with_credential(secret, self.tool.call(context, args)).await;
        RanWith::note(permitted.id(), context);
        permitted.complete(if result.is_ok() { Outcome::Ok } else { Outcome::Failed });
        result.map_err(|error| self.tool.map_error(error))?.into_tool_output()
    }
}
