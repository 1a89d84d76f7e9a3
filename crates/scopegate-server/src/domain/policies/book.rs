//! The policies of a tenant in memory: those that stand alone, and those of packs.

use std::collections::BTreeMap;
use std::sync::Arc;

use scopegate_core::{Name, PackDigest, PackHistory, PolicyMode, PolicyPack, PolicyRule, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::Failure;
use super::{PolicyDocument, Titled};
use crate::store::{DocumentKind, DocumentRow, StoreError, TenantId};

/// Policies and packs by id and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyBook {
    /// In the order they were made.
    alone: Vec<Arc<PolicyDocument>>,
    packs: BTreeMap<Name, Arc<PackDocument>>,
}

/// A pack with all its versions.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackDocument {
    pub(super) history: PackHistory,
    /// When each version was first deployed.
    pub(super) deployed_at: BTreeMap<Name, Timestamp>,
    /// What its policies are called, by id; those of earlier versions too.
    pub(super) titles: BTreeMap<Name, String>,
    /// Policies that were turned live, as they were written: what says something else is another policy.
    pub(super) promoted: Vec<PolicyRule>,
    pub(super) updated_at: Timestamp,
}

/// A policy that stands alone, as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptPolicy {
    title: String,
    rule: PolicyRule,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A pack, as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptPack {
    versions: Vec<PolicyPack>,
    active: Name,
    deployed_at: BTreeMap<Name, Timestamp>,
    titles: BTreeMap<Name, String>,
    promoted: Vec<PolicyRule>,
    updated_at: Timestamp,
}

impl PolicyBook {
    /// The policies as they were kept.
    pub(in crate::domain) fn restore(rows: &[DocumentRow]) -> Result<Self, Failure> {
        let mut book = Self::default();
        for row in rows {
            match row.kind {
                DocumentKind::Policy => {
                    let Some(kept) = row.read::<KeptPolicy>()? else { continue };
                    let KeptPolicy { title, rule, created_at, updated_at } = kept;
                    let policy = Titled { title, rule };
                    book.put(PolicyDocument { policy, pack: None, created_at, updated_at });
                }
                DocumentKind::Grant => {}
                DocumentKind::Pack => {
                    let Some(kept) = row.read::<KeptPack>()? else { continue };
                    let damaged =
                        |error| StoreError::Damaged(format!("pack `{}` as it was kept: {error}", row.id));
                    let KeptPack { versions, active, deployed_at, titles, promoted, updated_at } = kept;
                    let history = PackHistory::restore(versions, &active).map_err(damaged)?;
                    let pack = PackDocument { history, deployed_at, titles, promoted, updated_at };
                    book.packs.insert(row.id.clone(), Arc::new(pack));
                }
            }
        }
        Ok(book)
    }

    /// A policy, also one of a pack.
    pub(super) fn find(&self, id: &str) -> Option<Arc<PolicyDocument>> {
        let alone = self.alone.iter().find(|document| document.policy.rule.name == id).cloned();
        alone.or_else(|| self.of_packs().find(|document| document.policy.rule.name == id).map(Arc::new))
    }

    /// All of them, from the highest priority down.
    pub(super) fn all(&self) -> Vec<Arc<PolicyDocument>> {
        let mut all: Vec<_> = self.alone.iter().cloned().chain(self.of_packs().map(Arc::new)).collect();
        all.sort_by_key(|document| std::cmp::Reverse(document.policy.rule.priority));
        all
    }

    /// Whether a call could meet any of them.
    pub(in crate::domain) fn is_asked(&self) -> bool {
        self.all().iter().any(|document| document.policy.rule.enabled)
    }

    /// All of them, as they are in force.
    pub(in crate::domain) fn rules(&self) -> Vec<PolicyRule> {
        let alone = self.alone.iter().map(|document| document.policy.rule.clone());
        alone.chain(self.of_packs().map(|document| document.policy.rule)).collect()
    }

    /// Whether another policy that stands alone is called so.
    pub(super) fn is_taken(&self, Titled { title, rule }: &Titled) -> bool {
        self.alone.iter().any(|other| other.policy.title == *title && other.policy.rule.name != rule.name)
    }

    /// How many stand alone.
    pub(super) fn alone(&self) -> usize {
        self.alone.len()
    }

    pub(super) fn put(&mut self, document: PolicyDocument) -> Arc<PolicyDocument> {
        let document = Arc::new(document);
        let id = &document.policy.rule.name;
        match self.alone.iter_mut().find(|known| known.policy.rule.name == *id) {
            Some(known) => *known = document.clone(),
            None => self.alone.push(document.clone()),
        }
        document
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.alone.retain(|document| document.policy.rule.name != id);
    }

    pub(super) fn pack(&self, name: &str) -> Option<&Arc<PackDocument>> {
        self.packs.get(name)
    }

    /// By name.
    pub(super) fn packs(&self) -> impl Iterator<Item = (&Name, &Arc<PackDocument>)> {
        self.packs.iter()
    }

    pub(super) fn put_pack(&mut self, name: Name, pack: PackDocument) -> Arc<PackDocument> {
        let pack = Arc::new(pack);
        self.packs.insert(name, pack.clone());
        pack
    }

    fn of_packs(&self) -> impl Iterator<Item = PolicyDocument> {
        self.packs.iter().flat_map(|(name, pack)| pack.policies(name))
    }
}

impl PackDocument {
    /// The version in force.
    pub(crate) fn active(&self) -> Option<&Arc<PolicyPack>> {
        self.history.active()
    }

    /// The digest of what is in force.
    pub(crate) fn digest(&self) -> Option<PackDigest> {
        self.history.digest()
    }

    /// All versions, in the order they were deployed, and when.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (&Name, Option<Timestamp>)> {
        self.history.versions().map(|(_, pack)| (&pack.version, self.deployed_at.get(&pack.version).copied()))
    }

    /// When the version in force was first deployed.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.active().and_then(|pack| self.deployed_at.get(&pack.version).copied())
    }

    /// Its policies in force.
    fn policies<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = PolicyDocument> + 'a {
        let active = self.active().into_iter().flat_map(|pack| &pack.policies);
        active.map(move |rule| PolicyDocument {
            policy: Titled {
                title: self.titles.get(&rule.name).cloned().unwrap_or_else(|| rule.name.to_string()),
                rule: match self.promoted.contains(rule) {
                    true => PolicyRule { mode: PolicyMode::Live, ..rule.clone() },
                    false => rule.clone(),
                },
            },
            pack: Some(name.clone()),
            created_at: self.since().unwrap_or_default(),
            updated_at: self.updated_at,
        })
    }

    pub(super) fn row(&self, tenant: &TenantId, name: &Name) -> Result<DocumentRow, StoreError> {
        let kept = KeptPack {
            versions: self.history.versions().map(|(_, pack)| PolicyPack::clone(pack)).collect(),
            active: self.active().map(|pack| pack.version.clone()).unwrap_or_default(),
            deployed_at: self.deployed_at.clone(),
            titles: self.titles.clone(),
            promoted: self.promoted.clone(),
            updated_at: self.updated_at,
        };
        DocumentRow::new(tenant.clone(), DocumentKind::Pack, name.clone(), &kept)
    }
}

impl PolicyDocument {
    pub(super) fn row(&self, tenant: &TenantId) -> Result<DocumentRow, StoreError> {
        let kept = KeptPolicy {
            title: self.policy.title.clone(),
            rule: self.policy.rule.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        DocumentRow::new(tenant.clone(), DocumentKind::Policy, self.policy.rule.name.clone(), &kept)
    }
}
