//! The secret that a policy binds to a tool, for as long as the tool runs.

use scopegate_core::Credential;

tokio::task_local! {
    // Not in a framework's context, which is serialised and inherited by sub-agents.
    static BOUND: Option<Credential>;
}

/// The secret that the policy binds to the tool whose body asks; `None` where there is none, and
/// outside of a guarded call.
///
/// It belongs to the call, not to the task: read it in the tool's own body, before spawning
/// anything. It is in no context and no log, and the model never sees it.
pub fn credential() -> Option<Credential> {
    BOUND.try_with(Clone::clone).ok().flatten()
}

/// Runs a tool with its secret, or without one, whatever the call around it has.
pub async fn with_credential<F: Future>(credential: Option<Credential>, tool: F) -> F::Output {
    BOUND.scope(credential, tool).await
}
