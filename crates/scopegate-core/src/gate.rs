//! The enforcement point: turns decisions into permits and refusals, and nothing else does.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::call::ToolCall;
use crate::decision::{Credential, Decision, Hold, Obligation, Outcome, Permit};
use crate::denial::Denial;
use crate::enforcer::{EnforceError, Enforcer, Need, Quick};
use crate::id::{Name, PermitId};
use crate::request::{AccessRequest, Consent, Principal, PrincipalRef};

/// The enforcement point over an [`Enforcer`]: cheap to clone, one for all callers.
#[derive(Clone)]
pub struct Gate {
    enforcer: Arc<dyn Enforcer>,
}

/// What [`Gate::try_admit`] could say without waiting.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Admission<C = ToolCall> {
    /// Run it.
    Go(Permitted<C>),
    /// Do not run it.
    Stop(Refusal),
    /// Read the arguments and ask again with this call.
    NeedArgs(C),
    /// Await this.
    Ask(Asking),
}

/// An admission that has to be waited for.
pub struct Asking(Pin<Box<dyn Future<Output = Result<Permitted<ToolCall>, Refusal>> + Send>>);

impl Future for Asking {
    type Output = Result<Permitted<ToolCall>, Refusal>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asking")
    }
}

/// What a caller sees when it may not go on.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new refusal must stop adapters from compiling")]
pub enum Refusal {
    /// The answer is no.
    Denied(Denial),
    /// A person has to agree first.
    Held(Hold),
    /// There was no answer.
    Undecided(EnforceError),
}

impl Refusal {
    /// The stable code: the denial's [`DenyCode`](crate::DenyCode), `HELD` or `UNDECIDED`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied(denial) => denial.code.as_str(),
            Self::Held(_) => "HELD",
            Self::Undecided(_) => "UNDECIDED",
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied(denial) => denial.fmt(f),
            Self::Held(hold) => {
                write!(f, "waits for a person to agree (review {}, until {})", hold.review, hold.expires_at)
            }
            Self::Undecided(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl Gate {
    /// A gate over an enforcer.
    pub fn new(enforcer: impl Enforcer) -> Self {
        Self { enforcer: Arc::new(enforcer) }
    }

    /// A gate over a shared enforcer.
    pub fn from_arc(enforcer: Arc<dyn Enforcer>) -> Self {
        Self { enforcer }
    }

    /// Which of these tools the principal could ever be permitted; see [`Enforcer::visible`].
    ///
    /// # Errors
    /// [`EnforceError`] when there is no answer.
    pub async fn visible(
        &self,
        principal: PrincipalRef<'_>,
        tools: &[&str],
    ) -> Result<Vec<bool>, EnforceError> {
        self.enforcer.visible(principal, tools).await
    }

    /// The same of tools of this MCP server; see [`Enforcer::visible_at`].
    ///
    /// # Errors
    /// [`EnforceError`] when there is no answer.
    pub async fn visible_at(
        &self,
        principal: PrincipalRef<'_>,
        server: &str,
        tools: &[&str],
    ) -> Result<Vec<bool>, EnforceError> {
        self.enforcer.visible_at(principal, server, tools).await
    }

    /// Decides without waiting where that is possible.
    pub fn try_admit(&self, principal: PrincipalRef<'_>, mut call: ToolCall) -> Admission {
        match self.try_admit_mut(principal, &mut call) {
            Admission::Go(permitted) => Admission::Go(permitted.into_owned()),
            Admission::Stop(refusal) => Admission::Stop(refusal),
            Admission::NeedArgs(call) => Admission::NeedArgs(take(call)),
            Admission::Ask(asking) => Admission::Ask(asking),
        }
    }

    /// The same for a call that stays where it is, because it is large. It is borrowed for as long as
    /// the permit lives, so what is permitted is what was judged:
    ///
    /// ```compile_fail,E0506
    /// # use scopegate_core::{Gate, PrincipalRef, ToolCall};
    /// # fn swap(gate: &Gate, principal: PrincipalRef<'_>, mut call: ToolCall) {
    /// let admission = gate.try_admit_mut(principal, &mut call);
    /// call.tool = "wire_money".into();
    /// drop(admission);
    /// # }
    /// ```
    // Inlined: the answer is then not copied on its way out either.
    #[inline]
    pub fn try_admit_mut<'c>(
        &self,
        principal: PrincipalRef<'_>,
        call: &'c mut ToolCall,
    ) -> Admission<&'c mut ToolCall> {
        match self.enforcer.try_enforce(&AccessRequest::new(principal, call)) {
            Quick::Decided(Decision::Permit(permit)) => Admission::Go(self.seal(permit, call)),
            Quick::Decided(Decision::Deny(denial)) => Admission::Stop(Refusal::Denied(denial)),
            Quick::Decided(Decision::Hold(hold)) => Admission::Stop(Refusal::Held(hold)),
            Quick::Need(Need::Args) => Admission::NeedArgs(call),
            Quick::Need(Need::Review | Need::Plane) => Admission::Ask(self.asking(principal, take(call))),
        }
    }

    #[inline(never)]
    fn asking(&self, principal: PrincipalRef<'_>, call: ToolCall) -> Asking {
        let (gate, principal) = (self.clone(), principal.to_owned());
        Asking(Box::pin(async move { gate.ask(principal, call, None).await }))
    }

    /// Decides, waiting where it must.
    ///
    /// # Errors
    /// [`Refusal`] says why the call may not run.
    pub async fn admit(&self, principal: &Principal, call: ToolCall) -> Result<Permitted<ToolCall>, Refusal> {
        match self.try_admit(principal.as_ref(), call) {
            Admission::Go(permitted) => Ok(permitted),
            Admission::Stop(refusal) => Err(refusal),
            Admission::NeedArgs(call) => self.ask(principal.clone(), call, None).await,
            Admission::Ask(asking) => asking.await,
        }
    }

    /// Decides a call that was held before, now that somebody other than a reviewer has agreed to it. The
    /// whole line is decided anew. Whoever calls this has asked them about this very call, once.
    ///
    /// # Errors
    /// [`Refusal`] says why the call may not run.
    pub async fn admit_agreed(
        &self,
        principal: &Principal,
        call: ToolCall,
        consent: Consent,
    ) -> Result<Permitted<ToolCall>, Refusal> {
        self.ask(principal.clone(), call, Some(consent)).await
    }

    async fn ask(
        &self,
        principal: Principal,
        call: ToolCall,
        consent: Option<Consent>,
    ) -> Result<Permitted<ToolCall>, Refusal> {
        let request = AccessRequest { consent, ..AccessRequest::new(principal.as_ref(), &call) };
        match self.enforcer.enforce(&request).await.map_err(Refusal::Undecided)? {
            Decision::Permit(permit) => Ok(self.seal(permit, call)),
            Decision::Deny(denial) => Err(Refusal::Denied(denial)),
            Decision::Hold(hold) => Err(Refusal::Held(hold)),
        }
    }

    #[inline(always)]
    fn seal<C>(&self, permit: Permit, call: C) -> Permitted<C> {
        let enforcer = self.enforcer.wants_outcomes().then(|| self.enforcer.clone());
        let completion = Completion { enforcer, id: permit.id };
        Permitted { call, permit, completion }
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

/// A call that may run, once, with the arguments that were judged.
///
/// Only a [`Gate`] makes one, so a tool that takes a `Permitted<ToolCall>` cannot be reached
/// without a permit:
///
/// ```compile_fail,E0451
/// # fn forge(permit: scopegate_core::Permit, completion: scopegate_core::Completion) {
/// use scopegate_core::{Permitted, ToolCall};
/// let forged = Permitted { call: ToolCall::new("wire_money"), permit, completion };
/// # }
/// ```
///
/// It cannot be used twice:
///
/// ```compile_fail,E0599
/// # fn twice(permitted: scopegate_core::Permitted<scopegate_core::ToolCall>) {
/// let again = permitted.clone();
/// # }
/// ```
///
/// And a bare call is not one:
///
/// ```compile_fail,E0308
/// use scopegate_core::{Permitted, ToolCall};
/// fn wire_money(call: Permitted<ToolCall>) {}
/// wire_money(ToolCall::new("wire_money"));
/// ```
#[derive(Debug)]
pub struct Permitted<C> {
    call: C,
    permit: Permit,
    completion: Completion,
}

impl Permitted<&mut ToolCall> {
    /// The permit with the call itself, which is taken from where it stands.
    #[inline]
    pub fn into_owned(self) -> Permitted<ToolCall> {
        Permitted { call: take(self.call), permit: self.permit, completion: self.completion }
    }
}

impl Permitted<ToolCall> {
    /// The permit with the call put in that place, and borrowed there.
    pub fn into_place(self, place: &mut ToolCall) -> Permitted<&mut ToolCall> {
        *place = self.call;
        Permitted { call: place, permit: self.permit, completion: self.completion }
    }
}

#[inline]
fn take(call: &mut ToolCall) -> ToolCall {
    std::mem::replace(call, ToolCall::new(Name::default()))
}

impl<C> Permitted<C> {
    /// The call, with the arguments that were judged.
    pub fn call(&self) -> &C {
        &self.call
    }

    /// Names the record of the decision.
    pub fn id(&self) -> PermitId {
        self.permit.id
    }

    /// What must be done to the result.
    pub fn obligations(&self) -> &[Obligation] {
        self.permit.obligations.as_deref().unwrap_or_default()
    }

    /// The secret that the policy binds to this tool.
    pub fn credential(&self) -> Option<&Credential> {
        self.permit.credential.as_deref()
    }

    /// The call, the permit, and the handle that reports what became of it.
    #[inline]
    pub fn into_parts(self) -> (C, Permit, Completion) {
        (self.call, self.permit, self.completion)
    }

    /// Reports the outcome and ends the permit.
    #[inline]
    pub fn complete(self, outcome: Outcome) {
        self.completion.complete(outcome);
    }

    /// Runs the tool with the judged call and reports what became of it.
    ///
    /// # Errors
    /// The tool's own.
    pub async fn run<T, E, F>(self, tool: impl FnOnce(C) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let result = tool(self.call).await;
        self.completion.complete(if result.is_ok() { Outcome::Ok } else { Outcome::Failed });
        result
    }
}

/// Reports what became of a permitted call, exactly once; dropped, it reports
/// [`Outcome::Dropped`].
pub struct Completion {
    enforcer: Option<Arc<dyn Enforcer>>,
    id: PermitId,
}

impl Completion {
    /// Reports the outcome.
    pub fn complete(mut self, outcome: Outcome) {
        self.report(outcome);
    }

    fn report(&mut self, outcome: Outcome) {
        if let Some(enforcer) = self.enforcer.take() {
            enforcer.complete(self.id, outcome);
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.report(Outcome::Dropped);
    }
}

impl std::fmt::Debug for Completion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Completion").field("id", &self.id).finish_non_exhaustive()
    }
}
