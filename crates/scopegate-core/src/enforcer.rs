//! The contract between whoever asks and whoever decides.
//!
//! With `gate.rs`, the only file of this crate that may say `async`.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;

use crate::decision::{Decision, Outcome};
use crate::id::{Name, PermitId, ReviewId, SessionId};
use crate::request::{AccessRequest, Principal, PrincipalRef};
use crate::review::{Review, ReviewError};
use crate::time::Timestamp;

/// Decides access requests.
#[async_trait]
pub trait Enforcer: Send + Sync + 'static {
    /// Decides without waiting, if that can be done; `Need` means that nothing was spent, opened
    /// or recorded.
    fn try_enforce(&self, request: &AccessRequest<'_>) -> Quick {
        let _ = request;
        Quick::Need(Need::Plane)
    }

    /// Decides, waiting where it must.
    ///
    /// # Errors
    /// [`EnforceError`] when there is no answer; that is never a permit.
    async fn enforce(&self, request: &AccessRequest<'_>) -> Result<Decision, EnforceError>;

    /// Reports what became of a permitted call: exactly once per permit, never blocking.
    fn complete(&self, permit: PermitId, outcome: Outcome) {
        let _ = (permit, outcome);
    }

    /// Whether [`complete`](Self::complete) does anything: if not, permits need not report.
    fn wants_outcomes(&self) -> bool {
        true
    }

    /// Which of these tools the principal could ever be permitted, for filtered listings.
    ///
    /// # Errors
    /// [`EnforceError`] when there is no answer; show nothing then.
    async fn visible(&self, principal: PrincipalRef<'_>, tools: &[&str]) -> Result<Vec<bool>, EnforceError>;

    /// The same of tools of this MCP server. An enforcer that does not know better answers as if they were
    /// called without a server, and hides what is granted at this one alone.
    ///
    /// # Errors
    /// [`EnforceError`] when there is no answer; show nothing then.
    async fn visible_at(
        &self,
        principal: PrincipalRef<'_>,
        server: &str,
        tools: &[&str],
    ) -> Result<Vec<bool>, EnforceError> {
        let _ = server;
        self.visible(principal, tools).await
    }
}

/// What the synchronous path answers.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle both")]
pub enum Quick {
    /// Final and committed.
    Decided(Decision),
    /// Not decided, and nothing happened.
    Need(Need),
}

/// What is missing for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new need must stop shells from compiling")]
pub enum Need {
    /// The arguments, which nobody has read yet.
    Args,
    /// The review of this call, if there is one.
    Review,
    /// Waiting: for room in the record queue, a disk, or the plane.
    Plane,
}

/// There is no answer. Never a permit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnforceError {
    /// No answer in time.
    #[error("no decision within {0:?}")]
    Timeout(Duration),
    /// The decider cannot be reached.
    #[error("the decider is unreachable: {0}")]
    Unreachable(String),
    /// The decider answered, and its answer is no decision.
    #[error("the decider gave no decision: {0}")]
    NoDecision(String),
    /// The state kept changing under the decision.
    #[error("the decision kept conflicting with others")]
    Conflict,
}

/// Starts and ends sessions.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Opens a session for a role.
    ///
    /// # Errors
    /// [`ProvisionError`] says what to change.
    async fn provision(&self, request: Provision) -> Result<Provisioned, ProvisionError>;

    /// Opens a session for a sub-agent: it can do at most what its parent can, at every call.
    ///
    /// # Errors
    /// [`ProvisionError`] says what to change.
    async fn child(&self, parent: &Principal, request: Provision) -> Result<Provisioned, ProvisionError>;

    /// Ends a session and all its children at once; ending it twice is fine.
    ///
    /// # Errors
    /// [`ProvisionError::UnknownSession`].
    async fn revoke(&self, session: SessionId) -> Result<(), ProvisionError>;
}

/// A session to open.
#[derive(Clone, Debug)]
pub struct Provision {
    /// The role, by name.
    pub role: Name,
    /// Who owns the session; sessions of one owner and role share `rate_scope: key` limits.
    pub owner: Name,
    /// A shorter life than the role's own.
    pub ttl: Option<Duration>,
    /// How many calls may be permitted in it and its sub-agents' sessions together; no limit when `None`.
    pub max_calls: Option<u64>,
}

impl Provision {
    /// A session for `role`, owned by `owner`, living as long as the role allows.
    pub fn new(role: impl Into<Name>, owner: impl Into<Name>) -> Self {
        Self { role: role.into(), owner: owner.into(), ttl: None, max_calls: None }
    }
}

/// An open session.
#[derive(Clone, Debug)]
pub struct Provisioned {
    /// The session's id: safe to log.
    pub session: SessionId,
    /// Who to present: holds the token.
    pub principal: Principal,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Keeps what became of it from being forgotten.
    pub handle: SessionHandle,
}

/// Held by whoever opened a session. Until the last clone is dropped, an enforcer that keeps sessions in
/// memory remembers whether the session was revoked or its time is over, however long ago.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "it is counted, and never followed")]
pub struct SessionHandle(Weak<dyn Any + Send + Sync>);

/// Tells an enforcer whether anybody holds a session's [handle](SessionHandle).
#[derive(Clone, Debug, Default)]
pub struct SessionWatch(Arc<()>);

impl SessionHandle {
    /// A handle that points at what the enforcer keeps of the session, and keeps none of it: its weak
    /// pointers are counted, so it needs no watch.
    pub fn of<T: Any + Send + Sync>(session: &Arc<T>) -> Self {
        let session: Weak<T> = Arc::downgrade(session);
        Self(session)
    }
}

/// A handle that nobody watches.
impl Default for SessionHandle {
    fn default() -> Self {
        Self(Weak::<()>::new())
    }
}

impl SessionWatch {
    /// A handle that this watches.
    pub fn handle(&self) -> SessionHandle {
        SessionHandle::of(&self.0)
    }

    /// Whether anybody holds a handle.
    pub fn is_held(&self) -> bool {
        Arc::weak_count(&self.0) > 0
    }
}

impl Provisioned {
    /// The bearer token, for the agent alone.
    pub fn token(&self) -> &str {
        match &self.principal {
            Principal::Token(token) => token,
            Principal::Session(_) => "",
        }
    }
}

/// Why a session was not opened or ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// No role of that name.
    #[error("unknown role `{0}`")]
    UnknownRole(Name),
    /// No such session, or not a live one.
    #[error("unknown or ended session")]
    UnknownSession,
    /// The owner is suspended.
    #[error("agent `{0}` is suspended")]
    Suspended(Name),
    /// The parent's role allows no further sub-agents.
    #[error("no delegation depth left: role `{0}` does not allow sub-agents this deep")]
    Depth(Name),
    /// A time to live of zero.
    #[error("a session must live for at least one second")]
    Ttl,
    /// Too many live sessions in this process.
    #[error("more than {0} sessions are open")]
    TooMany(usize),
    /// The system has no randomness, or the decider cannot be reached.
    #[error("no session could be opened: {0}")]
    Unavailable(String),
}

/// What people do with held calls.
#[async_trait]
pub trait Reviews: Send + Sync + 'static {
    /// The reviews still waiting, oldest first.
    ///
    /// # Errors
    /// [`ReviewError::Unavailable`].
    async fn pending(&self) -> Result<Vec<Review>, ReviewError>;

    /// Lets the held call run once. `reviewer` is who agreed, from a credential and never from
    /// the agent.
    ///
    /// # Errors
    /// [`ReviewError`].
    async fn approve(&self, review: ReviewId, reviewer: &str) -> Result<Review, ReviewError>;

    /// Refuses the held call until its time is over.
    ///
    /// # Errors
    /// [`ReviewError`].
    async fn reject(&self, review: ReviewId, reviewer: &str) -> Result<Review, ReviewError>;

    /// Waits until someone decides or the review expires, and returns it.
    ///
    /// # Errors
    /// [`ReviewError::Unknown`].
    async fn await_review(&self, review: ReviewId) -> Result<Review, ReviewError>;
}
