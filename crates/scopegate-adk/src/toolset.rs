//! A toolset whose every tool is behind a guard.

use std::sync::Arc;

use adk_core::{LlmRequest, ReadonlyContext, Result, Tool, Toolset};
use async_trait::async_trait;

use crate::guard::Guard;
use crate::tool::Guarded;

/// A toolset whose every tool runs only with a permit. What the role can never call it does not offer,
/// as far as the enforcer can tell; where it cannot, everything is offered and each call decided.
#[derive(Clone)]
pub struct GuardedToolset {
    tools: Arc<dyn Toolset>,
    guard: Guard,
}

impl GuardedToolset {
    /// A toolset behind a guard.
    pub fn new(tools: Arc<dyn Toolset>, guard: Guard) -> Self {
        Self { tools, guard }
    }
}

#[async_trait]
impl Toolset for GuardedToolset {
    fn name(&self) -> &str {
        self.tools.name()
    }

    async fn tools(&self, context: Arc<dyn ReadonlyContext>) -> Result<Vec<Arc<dyn Tool>>> {
        let tools = self.tools.tools(context.clone()).await?;
        let names: Vec<&str> = tools.iter().map(|tool| tool.name()).collect();
        let visible = self.guard.visible(&*context, &names).await;
        let guarded = tools.into_iter().enumerate().filter(|(place, _)| match &visible {
            Some(visible) => visible.get(*place).copied().unwrap_or(false),
            None => true,
        });
        let guarded = guarded.map(|(_, tool)| Guarded::new(tool, self.guard.clone()));
        Ok(guarded.map(|tool| Arc::new(tool) as Arc<dyn Tool>).collect())
    }

    async fn process_llm_request(
        &self,
        context: Arc<dyn ReadonlyContext>,
        request: &mut LlmRequest,
    ) -> Result<()> {
        self.tools.process_llm_request(context, request).await
    }
}

impl std::fmt::Debug for GuardedToolset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedToolset").field("tools", &self.tools.name()).finish_non_exhaustive()
    }
}
