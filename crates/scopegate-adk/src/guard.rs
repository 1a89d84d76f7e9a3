//! A gate and an answer to who asks: what all seams share.

use std::sync::Arc;
use std::time::Duration;

use adk_core::ReadonlyContext;
use scopegate_adapter::{Caller, Desk, Seam, call};
use scopegate_core::{
    Disclosure, Enforcer, Permitted, Principal, Provision, ProvisionError, Reviews, Sessions, Stopped,
    ToolCall, Unready,
};

/// A gate and an answer to who asks. Cheap to clone; clones share everything but the settings that
/// are made on one of them.
#[derive(Clone)]
pub struct Guard {
    desk: Desk,
    asks: Asks,
}

type Find = dyn Fn(&dyn ReadonlyContext) -> Option<Principal> + Send + Sync;

/// Whom a guard asks the gate for.
#[derive(Clone)]
enum Asks {
    /// The same in every run.
    Always(Caller),
    /// Whoever the run's context stands for.
    Context(Arc<Find>),
}

impl Guard {
    /// Every call is made by this principal.
    pub fn new(enforcer: impl Enforcer, principal: Principal) -> Self {
        Self { desk: Desk::new(enforcer), asks: Asks::Always(Caller::One(principal)) }
    }

    /// Each call is made by whomever the host finds for its run: by the session or user of the
    /// context, in a table of the host's own. A call of nobody is refused.
    pub fn from_context(
        enforcer: impl Enforcer,
        find: impl Fn(&dyn ReadonlyContext) -> Option<Principal> + Send + Sync + 'static,
    ) -> Self {
        Self { desk: Desk::new(enforcer), asks: Asks::Context(Arc::new(find)) }
    }

    /// Calls are made by a session that is opened when it is first needed. When its time is over
    /// another is opened, unless it was revoked or its owner suspended. [`close`](Self::close) ends
    /// it; so does dropping the last clone, soon, where a tokio runtime runs.
    pub fn opening<E: Enforcer + Sessions + Clone>(enforcer: E, session: Provision) -> Self {
        let caller = Caller::opening(enforcer.clone(), session);
        Self { desk: Desk::new(enforcer), asks: Asks::Always(caller) }
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

    /// A guard for a sub-agent: its session is opened as a child of this guard's, so that it can do at
    /// most what this one can, at every call, and ends with it. `None` for a guard
    /// [from the context](Self::from_context): open the child where the run is started.
    pub fn sub_agent(&self, sessions: impl Sessions, session: Provision) -> Option<Self> {
        let Asks::Always(parent) = &self.asks else { return None };
        Some(Self { desk: self.desk.another(), asks: Asks::Always(parent.child(sessions, session)) })
    }

    /// Ends the session that this guard has opened, and its children; opens none any more.
    ///
    /// # Errors
    /// [`ProvisionError`] when the session could not be ended.
    pub async fn close(&self) -> Result<(), ProvisionError> {
        match &self.asks {
            Asks::Always(caller) => caller.close().await,
            Asks::Context(_) => Ok(()),
        }
    }

    /// A call that may run, and for whom, or why not.
    pub(crate) async fn admit(
        &self,
        seam: &Seam,
        context: &dyn ReadonlyContext,
        tool: &str,
        arguments: &str,
    ) -> Result<(Permitted<ToolCall>, Caller), Stopped> {
        let caller = self.whom(context)?;
        let permitted = self.desk.admit(seam, &caller, call(tool, arguments)).await?;
        Ok((permitted, caller))
    }

    /// Which of these tools can ever be called; `None` when nobody can tell.
    pub(crate) async fn visible(&self, context: &dyn ReadonlyContext, tools: &[&str]) -> Option<Vec<bool>> {
        let caller = self.whom(context).ok()?;
        self.desk.visible(&caller, tools).await.ok()
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    fn whom(&self, context: &dyn ReadonlyContext) -> Result<Caller, Unready> {
        match &self.asks {
            Asks::Always(caller) => Ok(caller.clone()),
            Asks::Context(find) => find(context).map(Caller::One).ok_or(Unready::NoSession),
        }
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("desk", &self.desk).finish_non_exhaustive()
    }
}
