//! One tool behind a guard.

use std::sync::Arc;

use adk_core::{Result, Tool, ToolContext};
use async_trait::async_trait;
use scopegate_adapter::{Seam, Seams};
use serde_json::{Value, json};

use crate::guard::Guard;

/// A tool that runs only with a permit.
#[derive(Clone)]
pub struct Guarded {
    tool: Arc<dyn Tool>,
    guard: Guard,
    seam: Seam,
}

impl Guarded {
    /// A tool behind a guard.
    pub fn new(tool: Arc<dyn Tool>, guard: Guard) -> Self {
        Self { tool, guard, seam: Seam::default() }
    }
}

#[async_trait]
impl Tool for Guarded {
    async fn execute(&self, context: Arc<dyn ToolContext>, args: Value) -> Result<Value> {
        // A call without arguments may say `null`.
        let args = if args.is_null() { json!({}) } else { args };
        let asked: Arc<dyn ToolContext> = context.clone();
        let (name, further_in) = Seams::asked(|| self.tool.name());
        match self.guard.admit(&self.seam, &*asked, name, &args.to_string()).await {
            Ok((permitted, caller)) => {
                // The value whose text was judged.
                let tool = self.tool.execute(context, args);
                self.guard.desk().run(permitted, &caller, further_in, tool).await
            }
            Err(stopped) => Err(self.guard.refusal(name, stopped)),
        }
    }

    fn name(&self) -> &str {
        self.seam.present();
        self.tool.name()
    }

    fn description(&self) -> &str {
        self.tool.description()
    }

    fn declaration(&self) -> Value {
        self.tool.declaration()
    }

    fn enhanced_description(&self) -> String {
        self.tool.enhanced_description()
    }

    fn is_long_running(&self) -> bool {
        self.tool.is_long_running()
    }

    fn is_builtin(&self) -> bool {
        self.tool.is_builtin()
    }

    fn parameters_schema(&self) -> Option<Value> {
        self.tool.parameters_schema()
    }

    fn response_schema(&self) -> Option<Value> {
        self.tool.response_schema()
    }

    fn required_scopes(&self) -> &[&str] {
        self.tool.required_scopes()
    }

    fn is_read_only(&self) -> bool {
        self.tool.is_read_only()
    }

    fn is_concurrency_safe(&self) -> bool {
        self.tool.is_concurrency_safe()
    }

    fn is_agent_delegation(&self) -> bool {
        self.tool.is_agent_delegation()
    }
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded").field("tool", &self.tool.name()).finish_non_exhaustive()
    }
}
