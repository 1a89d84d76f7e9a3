//! What agents may do to which resource, changed while calls are decided.

use std::sync::Arc;

use scopegate_core::{Lack, Manifest, PolicyError};

use super::LocalEnforcer;

impl LocalEnforcer {
    /// Registers an agent's manifest, in the place of the earlier one, also of one in the policy file. It stays
    /// when the policy is reloaded. Decisions already begun finish with what was there.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the manifest; nothing changed.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<(), PolicyError> {
        let mut publisher = self.inner.publisher();
        let next = publisher.put_manifest(manifest)?;
        self.inner.policy.store(next);
        Ok(())
    }

    /// Forgets a manifest that was registered; false when none was. Then the policy's own is in force again,
    /// and where it has none the agent's role alone decides.
    pub fn remove_manifest(&self, agent: &str) -> bool {
        let mut publisher = self.inner.publisher();
        let next = publisher.remove_manifest(agent);
        let known = next.is_some();
        next.into_iter().for_each(|next| self.inner.policy.store(next));
        known
    }

    /// An agent's manifest in force: every list sorted, each name once.
    pub fn manifest(&self, agent: &str) -> Option<Arc<Manifest>> {
        let guard = self.inner.read();
        self.inner.policy.load(&guard).manifests.get(agent).cloned()
    }

    /// How many agents have a manifest.
    pub fn manifests(&self) -> usize {
        let guard = self.inner.read();
        self.inner.policy.load(&guard).manifests.len()
    }

    /// What an agent's manifest alone says; see [`Manifests::ask`](scopegate_core::Manifests::ask). No role is
    /// looked at, and nothing is recorded.
    ///
    /// # Errors
    /// The first thing that is lacking.
    pub fn ask_manifest(
        &self,
        agent: &str,
        capability: Option<&str>,
        resource: &str,
        action: &str,
    ) -> Result<(), Lack> {
        let guard = self.inner.read();
        self.inner.policy.load(&guard).manifests.ask(agent, capability, resource, action)
    }
}
