//! Opening and ending sessions.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use scopegate_core::{
    Name, Principal, PrincipalRef, Provision, ProvisionError, Provisioned, SessionHandle, SessionId,
    Sessions, Timestamp,
};

use super::{Inner, LocalEnforcer};
use crate::lent::{Lender, LentSession};
use crate::session::{Budget, Opening, Session};

impl LocalEnforcer {
    /// Opens a session for a role, without waiting.
    ///
    /// # Errors
    /// [`ProvisionError`] says what to change.
    pub fn open(&self, request: Provision) -> Result<Provisioned, ProvisionError> {
        self.inner.open(request, None)
    }

    /// Opens a session for a sub-agent, without waiting. Its owner is the parent's.
    ///
    /// # Errors
    /// [`ProvisionError`] says what to change.
    pub fn open_child(&self, parent: &Principal, request: Provision) -> Result<Provisioned, ProvisionError> {
        let guard = self.inner.read();
        let parent = self.inner.sessions.find(parent.as_ref(), &guard).map(|place| place.session.clone());
        self.inner.open(request, Some(parent.ok_or(ProvisionError::UnknownSession)?))
    }

    /// Ends a session and all its children at once; ending it twice is fine.
    ///
    /// # Errors
    /// [`ProvisionError::UnknownSession`].
    pub fn end(&self, session: SessionId) -> Result<(), ProvisionError> {
        let guard = self.inner.read();
        let found = self.inner.sessions.find(PrincipalRef::Session(session), &guard);
        found.map(|place| place.session.revoke()).ok_or(ProvisionError::UnknownSession)
    }

    /// Takes up a session that another enforcer opened. Its calls are decided here while `lender` lends
    /// it and nobody else has to be asked; otherwise the answer is that the plane is needed. What is
    /// returned is who to present here, and nowhere else.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub fn borrow_session(
        &self,
        lent: LentSession,
        lender: Arc<dyn Lender>,
    ) -> Result<Principal, ProvisionError> {
        let slot = self.inner.publisher().find(&lent.role);
        let slot = slot.ok_or_else(|| ProvisionError::UnknownRole(lent.role.clone()))?;
        let token = self.inner.sessions.borrow(lent, slot, lender, self.inner.now())?;
        Ok(Principal::token(token.to_string()))
    }

    /// Whose session a principal is; `None` when nobody knows it.
    pub fn identify(&self, principal: PrincipalRef<'_>) -> Option<SessionId> {
        self.inner.sessions.find(principal, &self.inner.read()).map(|place| place.session.id)
    }

    /// A session as it stands now; `None` when nobody knows it.
    pub fn session(&self, session: SessionId) -> Option<SessionView> {
        let guard = self.inner.read();
        self.inner.sessions.find(PrincipalRef::Session(session), &guard).map(|place| place.session.view())
    }

    /// Stops every session of an owner, present and future, until [`readmit`](Self::readmit).
    pub fn suspend(&self, owner: impl Into<Name>) {
        self.inner.sessions.suspend(&owner.into(), true);
    }

    /// Lets a suspended owner go on.
    pub fn readmit(&self, owner: impl Into<Name>) {
        self.inner.sessions.suspend(&owner.into(), false);
    }
}

/// What is known of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Its owner.
    pub owner: Name,
    /// Its role.
    pub role: Name,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The session it was opened by.
    pub parent: Option<SessionId>,
    /// Whether it, or a session it was opened by, was revoked.
    pub revoked: bool,
    /// Whether its owner is suspended.
    pub suspended: bool,
    /// Its budget of calls, where it has one.
    pub budget: Option<CallBudget>,
}

/// How many calls a session may make, and how many it has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallBudget {
    /// How many calls may be permitted.
    pub max_calls: u64,
    /// How many were, in the session and those of its sub-agents.
    pub spent: u64,
}

impl Session {
    fn view(&self) -> SessionView {
        SessionView {
            id: self.id,
            owner: self.owner().clone(),
            role: self.role().clone(),
            expires_at: self.expires_at,
            parent: self.parent().map(|parent| parent.id),
            revoked: self.chain().any(Self::is_revoked),
            suspended: self.is_suspended(),
            budget: self.budget().map(Budget::view),
        }
    }
}

impl Inner {
    fn open(&self, request: Provision, parent: Option<Arc<Session>>) -> Result<Provisioned, ProvisionError> {
        let now = self.now();
        let slot = self.publisher.lock().unwrap_or_else(PoisonError::into_inner).find(&request.role);
        let slot = slot.ok_or_else(|| ProvisionError::UnknownRole(request.role.clone()))?;
        let guard = self.read();
        let snapshot = self.policy.load(&guard);
        let scope = snapshot.scope(slot).ok_or_else(|| ProvisionError::UnknownRole(request.role.clone()))?;
        let longest = Duration::from_secs(scope.ttl_seconds());
        let ttl = request.ttl.map_or(longest, |ttl| ttl.min(longest));
        if ttl < Duration::from_secs(1) {
            return Err(ProvisionError::Ttl);
        }
        let mut expires_at = now.after(ttl);
        let mut owner = request.owner;
        if let Some(parent) = &parent {
            for (ancestor, depth) in parent.chain().zip(1..) {
                if ancestor.is_revoked() || now >= ancestor.expires_at {
                    return Err(ProvisionError::UnknownSession);
                }
                let allowed =
                    snapshot.scope(ancestor.slot).map_or(0, scopegate_core::Scope::delegation_depth);
                if allowed < depth {
                    return Err(ProvisionError::Depth(ancestor.role().clone()));
                }
            }
            expires_at = expires_at.min(parent.expires_at);
            owner = parent.owner().clone();
        }
        // The scope's own name: another of the same letters would be kept once more.
        let (role, max_calls) = (scope.name().clone(), request.max_calls);
        let opening = Opening { owner, role, slot, expires_at, parent, max_calls };
        let (token, session) = self.sessions.open(opening, now)?;
        session.lay_out(scope);
        let principal = Principal::token(token.to_string());
        Ok(Provisioned { session: session.id, principal, expires_at, handle: SessionHandle::of(&session) })
    }
}

#[async_trait]
impl Sessions for LocalEnforcer {
    async fn provision(&self, request: Provision) -> Result<Provisioned, ProvisionError> {
        self.open(request)
    }

    async fn child(&self, parent: &Principal, request: Provision) -> Result<Provisioned, ProvisionError> {
        self.open_child(parent, request)
    }

    async fn revoke(&self, session: SessionId) -> Result<(), ProvisionError> {
        self.end(session)
    }
}
