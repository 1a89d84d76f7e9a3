//! Packs: deployed, tried and taken back as one, while calls are decided.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use scopegate_core::{Name, PackDigest, PackError, PackHistory, PackSummary, PolicyPack};

use super::LocalEnforcer;
use crate::snapshot::Snapshot;

/// A pack in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PackView {
    /// What is in force.
    pub pack: Arc<PolicyPack>,
    /// Its digest.
    pub digest: PackDigest,
    /// All versions that can be gone back to, in the order they were deployed.
    pub versions: Vec<Name>,
}

impl LocalEnforcer {
    /// Puts all policies and roles of a pack in force, in the place of what an earlier version had: at once, so
    /// that each decision is made with one version or the other. What says the same as what is in force changes
    /// nothing. A pack stays when the policy file is read again.
    ///
    /// # Errors
    /// [`PackError`]; nothing changed.
    pub fn deploy_pack(&self, pack: PolicyPack) -> Result<PackSummary, PackError> {
        let mut publisher = self.inner.publisher();
        let (next, summary) = publisher.deploy(pack)?;
        self.take_up_pack(next, publisher.policies());
        Ok(summary)
    }

    /// What the deployment of a pack would change. Nothing does.
    ///
    /// # Errors
    /// [`PackError`], as the deployment would have it.
    pub fn try_pack(&self, pack: PolicyPack) -> Result<PackSummary, PackError> {
        self.inner.publisher().try_pack(pack)
    }

    /// Takes a pack back to a version, or to the one deployed before the one in force; at once, as it was
    /// deployed.
    ///
    /// # Errors
    /// [`PackError`]; nothing changed.
    pub fn roll_back_pack(&self, name: &str, version: Option<&str>) -> Result<PackSummary, PackError> {
        let mut publisher = self.inner.publisher();
        let (next, summary) = publisher.take_back(name, version)?;
        self.take_up_pack(next, publisher.policies());
        Ok(summary)
    }

    /// The packs in force, by name.
    pub fn packs(&self) -> Vec<PackView> {
        let view = |history: &PackHistory| {
            let versions = history.versions().map(|(_, pack)| pack.version.clone()).collect();
            Some(PackView { pack: history.active()?.clone(), digest: history.digest()?, versions })
        };
        self.inner.publisher().packs().values().filter_map(view).collect()
    }

    fn take_up_pack(&self, next: Option<Snapshot>, policies: &[scopegate_core::PolicyRule]) {
        if let Some(next) = next {
            self.inner.policy.store(next);
            self.inner.shadow().retain(|name| policies.iter().any(|policy| policy.name == *name));
        }
    }
}
