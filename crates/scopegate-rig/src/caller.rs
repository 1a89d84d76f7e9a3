//! Who asks.

use rig_core::tool::{ContextValue, ToolContext};
use scopegate_adapter::Caller;
use scopegate_core::{Principal, SessionId, Unready};
use serde::{Deserialize, Serialize};

/// The session of a run, in its [`ToolContext`]: `context.insert(AgentSession(id))`.
///
/// A context is data: it can be serialised, and sub-agents inherit it. So it holds the session's id
/// and never its token, and whoever can write the context decides who asks. Keep stored contexts
/// where only the host can write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "hosts make one")]
pub struct AgentSession(pub SessionId);

impl ContextValue for AgentSession {
    const KEY: &'static str = "scopegate.session";
}

/// Whom a guard asks the gate for.
#[derive(Clone)]
pub(crate) enum Asks {
    /// The same in every run.
    Always(Caller),
    /// Whoever the run's context names.
    Context,
}

impl Asks {
    pub(crate) fn whom(&self, context: &ToolContext) -> Result<Caller, Unready> {
        match self {
            Self::Always(caller) => Ok(caller.clone()),
            Self::Context => match context.get::<AgentSession>() {
                Ok(Some(AgentSession(session))) => Ok(Caller::One(Principal::Session(session))),
                // A slot that holds something else names nobody either.
                Ok(None) | Err(_) => Err(Unready::NoSession),
            },
        }
    }
}
