//! A gate and an answer to who asks: what all seams share.

use std::sync::Arc;
use std::time::Duration;

use rig_core::tool::ToolContext;
use scopegate_core::{
    Args, Disclosure, Enforcer, Gate, Hold, Permitted, Principal, Provision, ProvisionError, Refusal,
    Reviews, Sessions, Stopped, ToolCall, Unready,
};
use tokio::time::timeout;

use crate::caller::Caller;
use crate::handover::Handover;
use crate::keeper::Keeper;

/// A gate and an answer to who asks. Cheap to clone; clones share everything but the settings that
/// are made on one of them.
#[derive(Clone)]
pub struct Guard {
    gate: Gate,
    caller: Caller,
    disclosure: Disclosure,
    patience: Option<(Arc<dyn Reviews>, Duration)>,
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
        Self::of(Gate::new(enforcer), Caller::One(principal))
    }

    /// Each call is made by the [`AgentSession`](crate::AgentSession) in its run's context; without
    /// one it is refused.
    pub fn from_context(enforcer: impl Enforcer) -> Self {
        Self::of(Gate::new(enforcer), Caller::Context)
    }

    /// Calls are made by a session that is opened when the first one comes. When its time is over
    /// another is opened, unless it was revoked or its owner suspended. [`close`](Self::close) ends
    /// it; so does dropping the last clone, soon, where a tokio runtime runs.
    pub fn opening<E: Enforcer + Sessions + Clone>(enforcer: E, session: Provision) -> Self {
        let keeper = Keeper::new(Arc::new(enforcer.clone()), session, None);
        Self::of(Gate::new(enforcer), Caller::Kept(Arc::new(keeper)))
    }

    fn of(gate: Gate, caller: Caller) -> Self {
        let handover = Arc::default();
        Self { gate, caller, disclosure: Disclosure::default(), patience: None, handover }
    }

    /// How much of a refusal the model is told; [`Disclosure::Reason`] unless this says otherwise.
    #[must_use]
    pub fn disclose(self, disclosure: Disclosure) -> Self {
        Self { disclosure, ..self }
    }

    /// Waits for a person, at most so long, instead of returning a held call at once. What is still
    /// held then comes back as held. Needs a tokio runtime with time.
    #[must_use]
    pub fn wait_for_review(self, reviews: impl Reviews, at_most: Duration) -> Self {
        Self { patience: Some((Arc::new(reviews), at_most)), ..self }
    }

    /// A guard for a sub-agent: its session is opened as a child of this guard's, so that it can do
    /// at most what this one can, at every call, and ends with it. Guard the sub-agent's tools with
    /// it before [`Agent::into_tool`](rig_agent::Agent::into_tool).
    ///
    /// # Errors
    /// [`NoParent`] for a guard [from the context](Self::from_context).
    pub fn sub_agent(&self, sessions: impl Sessions, session: Provision) -> Result<Self, NoParent> {
        if matches!(self.caller, Caller::Context) {
            return Err(NoParent);
        }
        let keeper = Keeper::new(Arc::new(sessions), session, Some(self.caller.clone()));
        Ok(Self { caller: Caller::Kept(Arc::new(keeper)), handover: Arc::default(), ..self.clone() })
    }

    /// Ends the session that this guard has opened, and its children; opens none any more.
    ///
    /// # Errors
    /// [`ProvisionError`] when the session could not be ended.
    pub async fn close(&self) -> Result<(), ProvisionError> {
        self.caller.close().await
    }

    pub(crate) fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// The straight line of every seam: a call that may run, or why not.
    pub(crate) async fn admit(
        &self,
        context: &ToolContext,
        tool: &str,
        arguments: &str,
    ) -> Result<Permitted<ToolCall>, Stopped> {
        if let Some(permitted) = self.handover.take(tool, arguments) {
            return Ok(permitted);
        }
        let call = ToolCall::new(tool).with_args(read(arguments));
        let permitted = match self.ask(context, &call).await {
            Err(Stopped::Refused(Refusal::Held(hold))) if self.settles(hold).await => {
                self.ask(context, &call).await?
            }
            answer => answer?,
        };
        honourable(permitted)
    }

    /// Asks the gate, and once more with a new session if the session's time was over.
    async fn ask(&self, context: &ToolContext, call: &ToolCall) -> Result<Permitted<ToolCall>, Stopped> {
        let caller = self.caller.who(context).await?;
        let denial = match self.gate.admit(&caller, call.clone()).await {
            Err(Refusal::Denied(denial)) => denial,
            answer => return Ok(answer?),
        };
        match self.caller.anew(&caller, denial.code).await? {
            Some(caller) => Ok(self.gate.admit(&caller, call.clone()).await?),
            None => Err(Refusal::Denied(denial).into()),
        }
    }

    /// Waits for a person, if that was asked for; whether asking again makes sense.
    async fn settles(&self, hold: Hold) -> bool {
        let Some((reviews, at_most)) = &self.patience else { return false };
        matches!(timeout(*at_most, reviews.await_review(hold.review)).await, Ok(Ok(_)))
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("disclosure", &self.disclosure).finish_non_exhaustive()
    }
}

/// A call without arguments may say `null`, in rig as here.
pub(crate) fn read(arguments: &str) -> Args {
    match arguments.trim() {
        "null" => Args::none(),
        _ => Args::parse(arguments.to_owned()),
    }
}

/// What is permitted must be possible: the judged arguments are what runs, and nobody here performs
/// duties. A permit that is given up is reported as dropped.
fn honourable(permitted: Permitted<ToolCall>) -> Result<Permitted<ToolCall>, Stopped> {
    if let Some(error) = permitted.call().args.error() {
        return Err(Unready::Arguments(error).into());
    }
    if !permitted.obligations().is_empty() {
        return Err(Unready::Duty.into());
    }
    Ok(permitted)
}
