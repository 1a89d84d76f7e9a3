//! Who asks.

use std::sync::Arc;

use rig_core::tool::{ContextValue, ToolContext};
use scopegate_core::{DenyCode, Principal, ProvisionError, SessionId, Unready};
use serde::{Deserialize, Serialize};

use crate::keeper::Keeper;

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
pub(crate) enum Caller {
    /// Always the same.
    One(Principal),
    /// Whoever the run's context names.
    Context,
    /// A session of the guard's own.
    Kept(Arc<Keeper>),
}

impl Caller {
    pub(crate) async fn who(&self, context: &ToolContext) -> Result<Principal, Unready> {
        match self {
            Self::One(principal) => Ok(principal.clone()),
            Self::Context => match context.get::<AgentSession>() {
                Ok(Some(AgentSession(session))) => Ok(Principal::Session(session)),
                // A slot that holds something else names nobody either.
                Ok(None) | Err(_) => Err(Unready::NoSession),
            },
            Self::Kept(keeper) => keeper.who().await,
        }
    }

    /// After a denial: who may ask once more, if anybody.
    pub(crate) async fn anew(&self, asked: &Principal, code: DenyCode) -> Result<Option<Principal>, Unready> {
        match self {
            Self::One(_) | Self::Context => Ok(None),
            Self::Kept(keeper) => keeper.anew(asked, code).await,
        }
    }

    pub(crate) async fn close(&self) -> Result<(), ProvisionError> {
        match self {
            Self::One(_) | Self::Context => Ok(()),
            Self::Kept(keeper) => keeper.close().await,
        }
    }
}
