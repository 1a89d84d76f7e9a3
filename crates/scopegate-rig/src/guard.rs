//! A gate and an answer to who asks: what all seams share.

use std::sync::Arc;
use std::time::Duration;

use rig_core::tool::ToolContext;
use scopegate_adapter::{Caller, Desk, Seam, call};
use scopegate_core::{
    Disclosure, Enforcer, Notice, Permitted, Principal, Provision, ProvisionError, Reviews, Sessions,
    Stopped, ToolCall,
};

use crate::caller::Asks;
use crate::handover::Handover;

/// A gate and an answer to who asks. Cheap to clone; clones share everything but the settings that
/// are made on one of them.
#[derive(Clone)]
pub struct Guard {
    desk: Desk,
    asks: Asks,
    pub(crate) handover: Arc<Handover>,
}

/// The parent's session is named by each run's context, so there is none to open a child of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoParent;

impl std::fmt::Display for NoParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("each run's context names its own session: open its child where the run is started")
    }
}

impl std::error::Error for NoParent {}

impl Guard {
    /// Every call is made by this principal.
    pub fn new(enforcer: impl Enforcer, principal: Principal) -> Self {
        Self::of(Desk::new(enforcer), Asks::Always(Caller::One(principal)))
    }

    /// Each call is made by the [`AgentSession`](crate::AgentSession) in its run's context; without
    /// one it is refused.
    pub fn from_context(enforcer: impl Enforcer) -> Self {
        Self::of(Desk::new(enforcer), Asks::Context)
    }

    /// Calls are made by a session that is opened when the first one comes. When its time is over
    /// another is opened, unless it was revoked or its owner suspended. [`close`](Self::close) ends
    /// it; so does dropping the last clone, soon, where a tokio runtime runs.
    pub fn opening<E: Enforcer + Sessions + Clone>(enforcer: E, session: Provision) -> Self {
        let caller = Caller::opening(enforcer.clone(), session);
        Self::of(Desk::new(enforcer), Asks::Always(caller))
    }

    fn of(desk: Desk, asks: Asks) -> Self {
        Self { desk, asks, handover: Arc::default() }
    }

    /// How much of a refusal the model is told; [`Disclosure::Reason`] unless this says otherwise.
    #[must_use]
    pub fn disclose(self, disclosure: Disclosure) -> Self {
        Self { desk: self.desk.disclose(disclosure), ..self }
    }

    /// Waits for a reviewer, at most so long, instead of returning a held call at once. What is still
    /// held then comes back as held, and so does at once what the role leaves to whoever uses a client
    /// (`approval_by: client`). Needs a tokio runtime with time.
    #[must_use]
    pub fn wait_for_review(self, reviews: impl Reviews, at_most: Duration) -> Self {
        Self { desk: self.desk.wait_for_review(reviews, at_most), ..self }
    }

    /// A guard for a sub-agent: its session is opened as a child of this guard's, so that it can do
    /// at most what this one can, at every call, and ends with it. Guard the sub-agent's tools with
    /// it before [`Agent::into_tool`](rig_agent::Agent::into_tool).
    ///
    /// # Errors
    /// [`NoParent`] for a guard [from the context](Self::from_context).
    pub fn sub_agent(&self, sessions: impl Sessions, session: Provision) -> Result<Self, NoParent> {
        let Asks::Always(parent) = &self.asks else { return Err(NoParent) };
        Ok(Self::of(self.desk.another(), Asks::Always(parent.child(sessions, session))))
    }

    /// Ends the session that this guard has opened, and its children; opens none any more.
    ///
    /// # Errors
    /// [`ProvisionError`] when the session could not be ended.
    pub async fn close(&self) -> Result<(), ProvisionError> {
        match &self.asks {
            Asks::Always(caller) => caller.close().await,
            Asks::Context => Ok(()),
        }
    }

    pub(crate) fn notice(&self, tool: &str, stopped: &Stopped) -> Notice {
        self.desk.notice(tool, stopped)
    }

    /// The straight line of every tool's seam: a call that may run, and for whom, or why not.
    pub(crate) async fn admit(
        &self,
        seam: &Seam,
        context: &ToolContext,
        tool: &str,
        arguments: &str,
    ) -> Result<(Permitted<ToolCall>, Caller), Stopped> {
        let caller = self.asks.whom(context)?;
        let permitted = match self.handover.take(seam, &caller, tool, arguments) {
            Some(permitted) => permitted,
            None => self.desk.decide(&caller, call(tool, arguments)).await?,
        };
        Ok((permitted, caller))
    }

    /// The same, and always decided anew.
    pub(crate) async fn decide(
        &self,
        context: &ToolContext,
        tool: &str,
        arguments: &str,
    ) -> Result<(Permitted<ToolCall>, Caller), Stopped> {
        let caller = self.asks.whom(context)?;
        let permitted = self.desk.decide(&caller, call(tool, arguments)).await?;
        Ok((permitted, caller))
    }

    /// Whether a permit is on its way inward for this very call.
    pub(crate) fn offers(&self, context: &ToolContext, tool: &str, arguments: &str) -> bool {
        self.asks.whom(context).is_ok_and(|caller| self.handover.offers(&caller, tool, arguments))
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("desk", &self.desk).finish_non_exhaustive()
    }
}
