//! A gate and an answer to who asks: what all seams share.

use std::sync::Arc;
use std::time::Duration;

use scopegate_adapter::{Caller, Desk, Seam, Seams, call};
use scopegate_core::{
    Disclosure, Enforcer, Permitted, Principal, Provision, ProvisionError, Reviews, Sessions, Stopped,
    ToolCall,
};

use crate::told::NotRun;

/// A gate and an answer to who asks, for one agent. Cheap to clone; clones share everything but the
/// settings that are made on one of them.
#[derive(Clone)]
pub struct Guard {
    desk: Desk,
    caller: Caller,
    host: Option<Arc<Hear>>,
}

type Hear = dyn Fn(&NotRun) + Send + Sync;

impl Guard {
    /// Every call is made by this principal.
    pub fn new(enforcer: impl Enforcer, principal: Principal) -> Self {
        Self::of(Desk::new(enforcer), Caller::One(principal))
    }

    /// Calls are made by a session that is opened when it is first needed. When its time is over
    /// another is opened, unless it was revoked or its owner suspended. [`close`](Self::close) ends
    /// it; so does dropping the last clone, soon, where a tokio runtime runs.
    pub fn opening<E: Enforcer + Sessions + Clone>(enforcer: E, session: Provision) -> Self {
        Self::of(Desk::new(enforcer.clone()), Caller::opening(enforcer, session))
    }

    fn of(desk: Desk, caller: Caller) -> Self {
        Self { desk, caller, host: None }
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

    /// Tells the host of every call that did not run, beside what the model is told. Called in the
    /// agent's own task: it must not block.
    #[must_use]
    pub fn tell(self, host: impl Fn(&NotRun) + Send + Sync + 'static) -> Self {
        Self { host: Some(Arc::new(host)), ..self }
    }

    /// A guard for a sub-agent, or for an agent that a task is handed off to: its session is opened
    /// as a child of this guard's, so that it can do at most what this one can, at every call, and
    /// ends with it.
    #[must_use]
    pub fn sub_agent(&self, sessions: impl Sessions, session: Provision) -> Self {
        let child = Self::of(self.desk.another(), self.caller.child(sessions, session));
        Self { host: self.host.clone(), ..child }
    }

    /// Ends the session that this guard has opened, and its children; opens none any more.
    ///
    /// # Errors
    /// [`ProvisionError`] when the session could not be ended.
    pub async fn close(&self) -> Result<(), ProvisionError> {
        self.caller.close().await
    }

    /// A call that may run, or why not. A permit that was left to this seam for it in this run is that
    /// call's.
    pub(crate) async fn admit(
        &self,
        seam: &Seam,
        tool: &str,
        arguments: &str,
    ) -> Result<Permitted<ToolCall>, NotRun> {
        let admitted = self.desk.admit(seam, &self.caller, call(tool, arguments)).await;
        admitted.map_err(|stopped| self.refusal(tool, stopped))
    }

    /// The same, and always decided anew.
    pub(crate) async fn decide(&self, tool: &str, arguments: &str) -> Result<Permitted<ToolCall>, NotRun> {
        let decided = self.desk.decide(&self.caller, call(tool, arguments)).await;
        decided.map_err(|stopped| self.refusal(tool, stopped))
    }

    /// Which of these tools can ever be called; `None` when nobody can tell.
    pub(crate) async fn visible(&self, tools: &[&str]) -> Option<Vec<bool>> {
        self.desk.visible(&self.caller, tools).await.ok()
    }

    pub(crate) fn refusal(&self, tool: &str, stopped: Stopped) -> NotRun {
        let notice = self.desk.notice(tool, &stopped);
        let not_run = NotRun { tool: tool.to_owned(), notice, stopped };
        if let Some(host) = &self.host {
            host(&not_run);
        }
        not_run
    }

    /// Runs a permitted tool. Of what it calls, these seams take the permit up, and nothing else.
    pub(crate) async fn run<A, E>(
        &self,
        permitted: Permitted<ToolCall>,
        seams: Seams,
        tool: impl Future<Output = Result<A, E>>,
    ) -> Result<A, E> {
        self.desk.run(permitted, &self.caller, seams, tool).await
    }

    /// Leaves a permit to one of these seams, which will be given its call in this run.
    pub(crate) fn leave(&self, permitted: Permitted<ToolCall>, seams: Seams) {
        self.desk.leave(permitted, &self.caller, seams);
    }

    /// Gives up what was left and not taken.
    pub(crate) fn clear(&self) {
        self.desk.clear();
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("desk", &self.desk).finish_non_exhaustive()
    }
}
