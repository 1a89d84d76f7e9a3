//! Packs among the roles and policies in force: all of a pack, or nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scopegate_core::{
    Name, PackError, PackHistory, PackSummary, PolicyError, PolicyPack, PolicyRule, Problem, Role,
};

use crate::policy;

use super::policies::{compiled, promoted};
use super::{Publisher, Snapshot};

/// Roles as they are in force.
type Roles = BTreeMap<Name, Arc<Role>>;

/// What is in force once a pack is.
struct Planned {
    history: PackHistory,
    roles: Roles,
    policies: Vec<PolicyRule>,
    summary: PackSummary,
}

impl Publisher {
    /// Packs that were deployed.
    pub(crate) fn packs(&self) -> &BTreeMap<Name, PackHistory> {
        &self.packs
    }

    /// What the deployment of a pack would change; nothing is changed.
    pub(crate) fn try_pack(&mut self, pack: PolicyPack) -> Result<PackSummary, PackError> {
        let pack = Arc::new(pack);
        let Some(planned) = self.plan(&pack)? else { return Ok(pack.summary(Some(&pack))) };
        self.compile_pack(&planned)?;
        Ok(planned.summary)
    }

    /// Deploys a pack; no snapshot when what is in force says the same.
    pub(crate) fn deploy(&mut self, pack: PolicyPack) -> Result<(Option<Snapshot>, PackSummary), PackError> {
        let pack = Arc::new(pack);
        let Some(planned) = self.plan(&pack)? else { return Ok((None, pack.summary(Some(&pack)))) };
        let summary = planned.summary;
        Ok((Some(self.put_in_force(pack.name.clone(), planned)?), summary))
    }

    /// Takes a pack back to an earlier version.
    pub(crate) fn take_back(
        &mut self,
        name: &str,
        version: Option<&str>,
    ) -> Result<(Option<Snapshot>, PackSummary), PackError> {
        let history = self.packs.get(name).ok_or_else(|| PackError::Unknown(name.into()))?;
        let next = history.taken_back(version)?;
        if next.digest() == history.digest() {
            return Ok((None, history.active().map(|pack| pack.summary(Some(pack))).unwrap_or_default()));
        }
        let planned = self.planned(next)?;
        let summary = planned.summary;
        Ok((Some(self.put_in_force(name.into(), planned)?), summary))
    }

    /// The written roles and those of packs.
    pub(super) fn roles_with_packs(&self, mut roles: Roles) -> Result<Roles, PolicyError> {
        for role in self.packs.values().filter_map(PackHistory::active).flat_map(|pack| &pack.roles) {
            if roles.insert(role.name.clone(), Arc::new(role.clone())).is_some() {
                return Err(Problem::DuplicateRole(role.name.to_string()).into());
            }
        }
        Ok(roles)
    }

    /// A role of a pack changes with its pack.
    pub(super) fn not_of_a_pack(&self, role: &Name) -> Result<(), PolicyError> {
        match self.pack_of(role) {
            Some(pack) => Err(Problem::OfPack(role.to_string(), pack.to_string()).into()),
            None => Ok(()),
        }
    }

    /// The pack that a role is of.
    pub(crate) fn pack_of(&self, role: &str) -> Option<&Name> {
        let has = |pack: &PolicyPack| pack.roles.iter().any(|of_pack| of_pack.name == role);
        let mut packs = self.packs.iter();
        packs.find(|(_, history)| history.active().is_some_and(|pack| has(pack))).map(|(name, _)| name)
    }

    fn plan(&self, pack: &Arc<PolicyPack>) -> Result<Option<Planned>, PackError> {
        let history = self.packs.get(&pack.name).cloned().unwrap_or_default();
        history.deployed(pack)?.map(|next| self.planned(next)).transpose()
    }

    /// The roles and policies without what the pack had, and with what it has.
    fn planned(&self, history: PackHistory) -> Result<Planned, PackError> {
        let empty = Arc::new(PolicyPack::default());
        let pack = history.active().unwrap_or(&empty);
        let before = self.packs.get(&pack.name).and_then(PackHistory::active);
        let old = before.unwrap_or(&empty);
        let mut roles = self.roles.clone();
        old.roles.iter().for_each(|role| drop(roles.remove(&role.name)));
        for role in &pack.roles {
            if roles.insert(role.name.clone(), Arc::new(role.clone())).is_some() {
                return Err(PackError::Taken { kind: "role", name: role.name.clone() });
            }
        }
        policy::compile_policies(&pack.policies)?;
        let mut policies = self.policies.clone();
        policies.retain(|policy| !old.policies.iter().any(|of_pack| of_pack.name == policy.name));
        for policy in &pack.policies {
            if policies.iter().any(|other| other.name == policy.name) {
                return Err(PackError::Taken { kind: "policy", name: policy.name.clone() });
            }
            policies.push(policy.clone());
        }
        let policies = promoted(&policies, &self.promoted);
        let summary = pack.summary(before.map(|pack| &**pack));
        Ok(Planned { roles, policies, summary, history })
    }

    /// Everything that a pack touches, compiled: its roles, and what inherits from them or did.
    fn compile_pack(&mut self, planned: &Planned) -> Result<Snapshot, PackError> {
        let mut next = self.latest.clone();
        next.policies = compiled(&planned.policies)?;
        let changed: BTreeSet<&Name> = changed(&self.roles, &planned.roles).collect();
        let mut scopes = Vec::new();
        for role in planned.roles.values().filter(|role| touched(role, &changed, &planned.roles)) {
            let scope = self.compiler.compile(role, &planned.roles, self.version + 1);
            scopes.push(scope.map_err(|error| error.in_member(&role.name).in_member("roles"))?);
        }
        next.tools = self.compiler.tools().clone();
        let gone = changed.iter().filter(|name| !planned.roles.contains_key(**name));
        let gone: Vec<_> = gone.filter_map(|name| self.slots.get(*name).copied()).collect();
        gone.into_iter().for_each(|slot| next.put(slot, None));
        for scope in scopes {
            let slot = self.slot(scope.name());
            next.put(slot, Some(scope));
        }
        Ok(next)
    }

    fn put_in_force(&mut self, name: Name, planned: Planned) -> Result<Snapshot, PackError> {
        let mut next = self.compile_pack(&planned)?;
        self.slots.retain(|name, _| planned.roles.contains_key(name));
        self.forget_kin();
        planned.roles.values().for_each(|role| self.adopt(role));
        planned.roles.values().for_each(|role| self.note_credentials(role));
        next.credentials = self.credentials.iter().cloned().collect();
        self.roles = planned.roles;
        self.policies = planned.policies;
        self.packs.insert(name, planned.history);
        self.compiler.sweep();
        Ok(self.publish(next))
    }
}

/// The names of roles that are new, gone, or say something else.
fn changed<'r>(before: &'r Roles, after: &'r Roles) -> impl Iterator<Item = &'r Name> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    gone.chain(after.iter().filter(|(name, role)| before.get(*name) != Some(role)).map(|(name, _)| name))
}

/// Whether a role or one above it changed. A circle ends where it began; compiling refuses it.
fn touched(role: &Role, changed: &BTreeSet<&Name>, roles: &Roles) -> bool {
    let parent =
        |role: &&Role| role.parent_role_id.as_ref().and_then(|name| roles.get(name)).map(|role| &**role);
    let mut chain = std::iter::successors(Some(role), parent).take(roles.len() + 1);
    let orphaned = |role: &Role| role.parent_role_id.as_ref().is_some_and(|parent| changed.contains(parent));
    chain.any(|role| changed.contains(&role.name) || orphaned(role))
}
