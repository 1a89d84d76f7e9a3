//! Policies: looking at them, at what those in the shadow would have done, and turning one of these live.

#[cfg(test)]
mod tests;

use std::sync::{MutexGuard, PoisonError};

use scopegate_core::{
    AccessRequest, Asked, Facts, Link, Name, PolicyDecision, PolicyError, PolicyMode, PolicyRule, PolicyView,
    ShadowReport, Trust,
};

use super::{Inner, LocalEnforcer};

/// Why a policy was not promoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromoteError {
    /// There is no such policy.
    #[error("unknown policy `{0}`")]
    Unknown(Name),
    /// It decides already.
    #[error("policy `{0}` is live already")]
    Live(Name),
    /// It cannot be in force.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl LocalEnforcer {
    /// The policies in force and in the shadow, in the order they are asked.
    pub fn policies(&self) -> Vec<PolicyView> {
        let guard = self.inner.read();
        let policies = self.inner.policy.load(&guard).policies.as_deref();
        policies.map(scopegate_core::Policies::views).unwrap_or_default()
    }

    /// Puts policies in force, at once, in the place of all that were registered before; those of the policy
    /// file and of packs stay beside them. Registered policies stay when the policy file is read again, and
    /// may permit: that they matched is told.
    ///
    /// # Errors
    /// [`PolicyError`] with the place in all that would be in force; nothing changed.
    pub fn register_policies(&self, rules: Vec<PolicyRule>) -> Result<(), PolicyError> {
        let mut publisher = self.inner.publisher();
        let next = publisher.register_policies(rules)?;
        self.inner.policy.store(next);
        let shadow = |name: &Name| {
            let known = publisher.policies().iter().find(|policy| policy.name == *name);
            known.is_some_and(|policy| policy.mode == PolicyMode::Shadow)
        };
        self.inner.shadow().retain(shadow);
        Ok(())
    }

    /// Turns a shadow policy live: from here on it decides. It stays live when the policy file is read again.
    ///
    /// # Errors
    /// [`PromoteError`]; nothing changed.
    pub fn promote_policy(&self, name: &str) -> Result<(), PromoteError> {
        let mut publisher = self.inner.publisher();
        let next = publisher.promote(name)?;
        self.inner.policy.store(next);
        self.inner.shadow().retain(|policy| policy != name);
        Ok(())
    }

    /// What the policies in the shadow would have done so far.
    pub fn shadow_report(&self) -> ShadowReport {
        self.inner.shadow().clone()
    }

    /// How far an owner is trusted. Counted only where a policy or a role reads it, or a request says so.
    pub fn trust(&self, owner: &str) -> Trust {
        self.inner.trust.of(owner)
    }

    /// The policies that decide and match a call now, from the most restrictive on; none for a session that
    /// nobody knows. Nothing is decided or recorded.
    pub fn policies_matching(&self, request: &AccessRequest<'_>) -> Vec<(Name, PolicyDecision)> {
        let guard = self.inner.read();
        let snapshot = self.inner.policy.load(&guard);
        let place = self.inner.sessions.find(request.principal, &guard);
        let (Some(session), Some(policies)) =
            (place.map(|place| &place.session), snapshot.policies.as_deref())
        else {
            return Vec::new();
        };
        let links: Vec<Link<'_>> = session.chain().map(|session| session.link(snapshot)).collect();
        let facts = Facts {
            links: &links,
            session: session.id,
            owner: session.owner(),
            trust: snapshot.reads_trust.then(|| self.inner.trust.of(session.owner())),
            policies: Some(policies),
            tools: &snapshot.tools,
            catalogues: &snapshot.catalogues,
            manifest: None,
            grants: &[],
            meters: &[],
            env: self.inner.env.as_deref(),
            credentials: &snapshot.credentials,
            review: Asked::NotLoaded,
        };
        policies.matched(&facts, request.call, self.inner.now())
    }
}

impl Inner {
    /// Counts are added one by one, so a panic leaves them whole.
    pub(super) fn shadow(&self) -> MutexGuard<'_, ShadowReport> {
        self.shadow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
