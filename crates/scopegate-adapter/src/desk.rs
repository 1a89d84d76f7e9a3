//! The straight line from a framework's call to a permit.

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{
    ApprovalBy, Consent, Disclosure, EnforceError, Enforcer, Gate, Hold, Notice, Permitted, Principal,
    Refusal, Reviews, Stopped, ToolCall, Unready,
};
use tokio::time::timeout;

use crate::caller::Caller;
use crate::seam::{Mark, Seam};

/// A gate, how much of its refusals is told, and how long it is waited for. Cheap to clone; seams of
/// clones hand permits to each other.
#[derive(Clone)]
pub struct Desk {
    gate: Gate,
    disclosure: Disclosure,
    patience: Option<(Arc<dyn Reviews>, Duration)>,
    performs: bool,
    mark: Arc<Mark>,
}

impl Desk {
    /// A desk before a gate over this enforcer.
    pub fn new(enforcer: impl Enforcer) -> Self {
        let (gate, disclosure) = (Gate::new(enforcer), Disclosure::default());
        Self { gate, disclosure, patience: None, performs: false, mark: Arc::default() }
    }

    /// The same settings for another agent, whose seams take no permits of this one.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { mark: Arc::default(), ..self.clone() }
    }

    /// How much of a refusal the model is told; [`Disclosure::Reason`] unless this says otherwise.
    #[must_use]
    pub fn disclose(self, disclosure: Disclosure) -> Self {
        Self { disclosure, ..self }
    }

    /// Waits for a reviewer, at most so long, instead of returning a held call at once. What is still
    /// held then comes back as held, and so does at once what the role leaves to whoever uses the client:
    /// they would wait for an answer before the question. Needs a tokio runtime with time.
    #[must_use]
    pub fn wait_for_review(self, reviews: impl Reviews, at_most: Duration) -> Self {
        Self { patience: Some((Arc::new(reviews), at_most)), ..self }
    }

    /// Whoever takes a permit from here performs its duties. Without this a permit that has any is refused.
    #[must_use]
    pub fn performs_duties(self) -> Self {
        Self { performs: true, ..self }
    }

    /// A call that may run, or why not. A permit that an outer seam has left to this one for it, and for
    /// this caller, is that call's.
    ///
    /// # Errors
    /// [`Stopped`] says why.
    pub async fn admit(
        &self,
        seam: &Seam,
        caller: &Caller,
        call: ToolCall,
    ) -> Result<Permitted<ToolCall>, Stopped> {
        match self.take(seam, caller, &call) {
            // Another clone may have promised more.
            Some(permitted) => self.honourable(permitted),
            None => self.decide(caller, call).await,
        }
    }

    /// The same, and always decided anew.
    ///
    /// # Errors
    /// [`Stopped`] says why.
    pub async fn decide(&self, caller: &Caller, call: ToolCall) -> Result<Permitted<ToolCall>, Stopped> {
        let permitted = match self.ask(caller, &call).await {
            Err(Stopped::Refused(Refusal::Held(hold))) if self.settles(hold).await => {
                self.ask(caller, &call).await?
            }
            answer => answer?,
        };
        self.honourable(permitted)
    }

    /// The same for a call that was held before, and that somebody other than a reviewer has agreed to.
    /// Whoever calls this has asked them about this very call, once.
    ///
    /// # Errors
    /// [`Stopped`] says why.
    pub async fn decide_agreed(
        &self,
        principal: &Principal,
        call: ToolCall,
        consent: Consent,
    ) -> Result<Permitted<ToolCall>, Stopped> {
        self.honourable(self.gate.admit_agreed(principal, call, consent).await?)
    }

    /// Which of these tools the caller could ever be permitted.
    ///
    /// # Errors
    /// [`Stopped`] when nobody can tell.
    pub async fn visible(&self, caller: &Caller, tools: &[&str]) -> Result<Vec<bool>, Stopped> {
        let who = caller.who().await?;
        let seen: Result<_, EnforceError> = self.gate.visible(who.as_ref(), tools).await;
        Ok(seen.map_err(Refusal::Undecided)?)
    }

    /// The same of tools of this MCP server.
    ///
    /// # Errors
    /// [`Stopped`] when nobody can tell.
    pub async fn visible_at(
        &self,
        caller: &Caller,
        server: &str,
        tools: &[&str],
    ) -> Result<Vec<bool>, Stopped> {
        let who = caller.who().await?;
        let seen: Result<_, EnforceError> = self.gate.visible_at(who.as_ref(), server, tools).await;
        Ok(seen.map_err(Refusal::Undecided)?)
    }

    /// What to tell a model whose call did not run.
    pub fn notice(&self, tool: &str, stopped: &Stopped) -> Notice {
        stopped.notice(tool, self.disclosure)
    }

    pub(crate) fn mark(&self) -> &Arc<Mark> {
        &self.mark
    }

    /// Asks the gate, and once more with a new session if the session's time was over.
    async fn ask(&self, caller: &Caller, call: &ToolCall) -> Result<Permitted<ToolCall>, Stopped> {
        let who = caller.who().await?;
        let denial = match self.gate.admit(&who, call.clone()).await {
            Err(Refusal::Denied(denial)) => denial,
            answer => return Ok(answer?),
        };
        match caller.anew(&who, denial.code).await? {
            Some(who) => Ok(self.gate.admit(&who, call.clone()).await?),
            None => Err(Refusal::Denied(denial).into()),
        }
    }

    /// Waits for a reviewer, if that was asked for; whether asking again makes sense.
    async fn settles(&self, hold: Hold) -> bool {
        let waits = self.patience.as_ref().filter(|_| hold.by == ApprovalBy::Reviewer);
        let Some((reviews, at_most)) = waits else { return false };
        matches!(timeout(*at_most, reviews.await_review(hold.review)).await, Ok(Ok(_)))
    }

    /// What is permitted must be possible: the judged arguments are what runs, and duties are somebody's.
    /// A permit that is given up is reported as dropped.
    fn honourable(&self, permitted: Permitted<ToolCall>) -> Result<Permitted<ToolCall>, Stopped> {
        if let Some(error) = permitted.call().args.error() {
            return Err(Unready::Arguments(error).into());
        }
        if !self.performs && !permitted.obligations().is_empty() {
            return Err(Unready::Duty.into());
        }
        Ok(permitted)
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("disclosure", &self.disclosure).finish_non_exhaustive()
    }
}
