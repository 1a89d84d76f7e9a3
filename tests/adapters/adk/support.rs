//! The context that an agent gives its tools, and a till.

use std::sync::{Arc, Mutex};

use adk_core::{
    Artifacts, CallbackContext, Content, EventActions, MemoryEntry, ReadonlyContext, Result, Tool,
    ToolContext,
};
use async_trait::async_trait;
use scopegate_adk::credential;
use serde_json::{Value, json};

/// A run of this user.
pub(crate) struct Context {
    user: &'static str,
    content: Content,
    actions: Mutex<EventActions>,
}

pub(crate) fn context(user: &'static str) -> Arc<dyn ToolContext> {
    Arc::new(Context { user, content: Content::new("user"), actions: Mutex::default() })
}

impl ReadonlyContext for Context {
    fn invocation_id(&self) -> &str {
        "run-1"
    }
    fn agent_name(&self) -> &str {
        "assistant"
    }
    fn user_id(&self) -> &str {
        self.user
    }
    fn app_name(&self) -> &str {
        "app"
    }
    fn session_id(&self) -> &str {
        "conversation-1"
    }
    fn branch(&self) -> &str {
        ""
    }
    fn user_content(&self) -> &Content {
        &self.content
    }
}

impl CallbackContext for Context {
    fn artifacts(&self) -> Option<Arc<dyn Artifacts>> {
        None
    }
}

#[async_trait]
impl ToolContext for Context {
    fn function_call_id(&self) -> &str {
        "call-1"
    }
    fn actions(&self) -> EventActions {
        self.actions.lock().expect("no panic").clone()
    }
    fn set_actions(&self, actions: EventActions) {
        *self.actions.lock().expect("no panic") = actions;
    }
    async fn search_memory(&self, _: &str) -> Result<Vec<MemoryEntry>> {
        Ok(Vec::new())
    }
}

/// Pays, and says so.
#[derive(Clone, Default)]
pub(crate) struct Pay(Arc<Mutex<Vec<Payment>>>);

/// A sum, and the secret that it was paid with.
pub(crate) type Payment = (u64, Option<String>);

impl Pay {
    pub(crate) fn paid(&self) -> Vec<u64> {
        self.payments().into_iter().map(|(amount, _)| amount).collect()
    }

    pub(crate) fn payments(&self) -> Vec<Payment> {
        self.0.lock().expect("no panic").clone()
    }
}

#[async_trait]
impl Tool for Pay {
    fn name(&self) -> &str {
        "pay"
    }
    fn description(&self) -> &str {
        "Pays an amount."
    }
    fn enhanced_description(&self) -> String {
        "Pays an amount, slowly.".to_owned()
    }
    fn is_long_running(&self) -> bool {
        true
    }
    fn is_builtin(&self) -> bool {
        true
    }
    fn parameters_schema(&self) -> Option<Value> {
        Some(json!({"type": "object"}))
    }
    fn response_schema(&self) -> Option<Value> {
        Some(json!({"type": "string"}))
    }
    fn required_scopes(&self) -> &[&str] {
        &["till"]
    }
    fn is_read_only(&self) -> bool {
        true
    }
    fn is_concurrency_safe(&self) -> bool {
        true
    }
    fn is_agent_delegation(&self) -> bool {
        true
    }

    async fn execute(&self, _: Arc<dyn ToolContext>, args: Value) -> Result<Value> {
        tokio::task::yield_now().await;
        let amount = args["amount"].as_u64().ok_or_else(|| adk_core::AdkError::tool("no amount"))?;
        let secret = credential().map(|credential| credential.expose_secret().to_owned());
        self.0.lock().expect("no panic").push((amount, secret));
        Ok(json!(format!("paid {amount}")))
    }
}
