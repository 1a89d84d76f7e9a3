//! Packs of policies: tried, deployed and taken back as one.

use std::collections::BTreeSet;
use std::sync::Arc;

use scopegate_core::{Name, PackError, PackSummary, PolicyPack, PolicyRule, Timestamp};
use sha2::{Digest, Sha256};

use super::super::member::Invalid;
use super::super::{Failure, Tenant};
use super::{PackDocument, PolicyBook, PolicyDocument, PolicyDraft, Titled};
use crate::audit::hex;
use crate::store::Change;

/// Most packs.
const MAX_PACKS: usize = 64;
/// Most policies of a pack.
const MAX_IN_PACK: usize = 256;

/// A pack as somebody wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackDraft {
    pub(crate) name: Name,
    pub(crate) version: Name,
    pub(crate) description: String,
    pub(crate) policies: Vec<PolicyDraft>,
    /// Whether its policies are absolute that do not say it.
    pub(crate) absolute: bool,
}

/// What became of a pack.
#[derive(Clone, Debug)]
pub(crate) struct Deployed {
    pub(crate) name: Name,
    pub(crate) pack: Arc<PackDocument>,
    pub(crate) summary: PackSummary,
}

impl Tenant {
    /// All packs, by name.
    pub(crate) fn packs(&self) -> Vec<(Name, Arc<PackDocument>)> {
        self.book.policies().packs().map(|(name, pack)| (name.clone(), pack.clone())).collect()
    }

    /// One pack.
    pub(crate) fn pack(&self, name: &str) -> Result<Arc<PackDocument>, Failure> {
        self.book.policies().pack(name).cloned().ok_or(Failure::Unknown("pack"))
    }

    /// What the deployment of a pack would change. Nothing does.
    pub(crate) fn try_pack(&self, draft: PackDraft, now: Timestamp) -> Result<PackSummary, Failure> {
        let planned = self.plan(draft, now)?;
        planned.next.check()?;
        Ok(planned.deployed.summary)
    }

    /// Puts all policies of a pack in force in the place of those that an earlier version had. What says the
    /// same as what is in force changes nothing.
    pub(crate) async fn deploy_pack(&self, draft: PackDraft, now: Timestamp) -> Result<Deployed, Failure> {
        self.change(|| {
            let planned = self.plan(draft, now)?;
            self.take_up(planned)
        })
        .await
    }

    /// Takes a pack back to a version, or to the one deployed before the one in force.
    pub(crate) async fn roll_back_pack(
        &self,
        name: &str,
        version: Option<&str>,
        now: Timestamp,
    ) -> Result<Deployed, Failure> {
        self.change(|| {
            let before = self.pack(name)?;
            let history = before.history.taken_back(version).map_err(refused)?;
            let (now_in_force, then) = (before.active().cloned(), history.active().cloned());
            let summary = then.as_ref().map(|pack| pack.summary(now_in_force.as_deref())).unwrap_or_default();
            let changes = history.digest() != before.digest();
            let pack = PackDocument { history, updated_at: now, ..(*before).clone() };
            self.take_up(self.planned(name.into(), pack, summary, changes))
        })
        .await
    }

    /// Turns a shadow policy of a pack live.
    pub(super) fn promote_of(
        &self,
        name: &Name,
        rule: &PolicyRule,
        now: Timestamp,
    ) -> Result<(Arc<PolicyDocument>, Vec<Change>), Failure> {
        let before = self.pack(name)?;
        let mut promoted = before.promoted.clone();
        promoted.push(rule.clone());
        let pack = PackDocument { promoted, updated_at: now, ..(*before).clone() };
        let (_, changes) = self.take_up(self.planned(name.clone(), pack, PackSummary::default(), true))?;
        Ok((self.policy(&rule.name)?, changes))
    }

    fn plan(&self, draft: PackDraft, now: Timestamp) -> Result<Planned, Failure> {
        let book = self.book.policies();
        let known = book.pack(&draft.name).cloned();
        if known.is_none() && book.packs().count() >= MAX_PACKS {
            return Err(Failure::Conflict(format!("a tenant may have {MAX_PACKS} packs")));
        }
        drop(book);
        let before = known.unwrap_or_default();
        let (pack, titles) = draft.read()?;
        let summary = pack.summary(before.active().map(Arc::as_ref));
        let (name, version) = (pack.name.clone(), pack.version.clone());
        let mut document = PackDocument { updated_at: now, ..(*before).clone() };
        document.titles.extend(titles);
        let deployed = before.history.deployed(&Arc::new(pack)).map_err(refused)?;
        let changes = deployed.is_some();
        if let Some(history) = deployed {
            document.history = history;
            document.deployed_at.entry(version).or_insert(now);
            let kept: BTreeSet<Name> =
                document.history.versions().map(|(_, pack)| pack.version.clone()).collect();
            document.deployed_at.retain(|version, _| kept.contains(version));
        }
        Ok(self.planned(name, document, summary, changes))
    }

    /// What is in force once a pack stands so.
    fn planned(&self, name: Name, pack: PackDocument, summary: PackSummary, changes: bool) -> Planned {
        let mut next = self.book.policies().clone();
        let pack = match changes {
            true => next.put_pack(name.clone(), pack),
            // As it stands.
            false => next.pack(&name).cloned().unwrap_or_default(),
        };
        Planned { next, deployed: Deployed { name, pack, summary }, changes }
    }

    fn take_up(&self, planned: Planned) -> Result<(Deployed, Vec<Change>), Failure> {
        let Planned { next, deployed, changes } = planned;
        if !changes {
            return Ok((deployed, Vec::new()));
        }
        let row = deployed.pack.row(&self.id, &deployed.name)?;
        let changes = self.put_in_force(next, row)?;
        Ok((deployed, changes))
    }
}

/// What a pack would make of all policies.
struct Planned {
    next: PolicyBook,
    deployed: Deployed,
    changes: bool,
}

impl PolicyBook {
    /// Whether all of it could be in force.
    fn check(&self) -> Result<(), Failure> {
        scopegate_core::Policies::compile(&self.rules())
            .map(drop)
            .map_err(|error| super::refused(error.in_member("policies")))
    }
}

impl PackDraft {
    /// The pack with ids for its policies, and what these are called.
    fn read(self) -> Result<(PolicyPack, Vec<(Name, String)>), Failure> {
        let Self { name, version, description, policies, absolute } = self;
        if policies.is_empty() || policies.len() > MAX_IN_PACK {
            let why = format!("must be 1 to {MAX_IN_PACK} policies");
            return Err(Invalid::new("policy_definitions", &why).into());
        }
        let (mut rules, mut titles) = (Vec::with_capacity(policies.len()), Vec::new());
        for (index, draft) in policies.into_iter().enumerate() {
            let place = |failure: Failure| match failure {
                Failure::Invalid(why) => Failure::Invalid(format!("policy_definitions[{index}]: {why}")),
                other => other,
            };
            let Titled { title, rule } =
                draft.begin(|title| Ok(id_in(&name, title)), absolute).map_err(place)?;
            if titles.iter().any(|(_, known)| *known == title) {
                return Err(place(Invalid::new("name", &format!("`{title}` stands here twice")).into()));
            }
            titles.push((rule.name.clone(), title));
            rules.push(rule);
        }
        let pack = PolicyPack { name, version, description, policies: rules, roles: Vec::new() };
        // Its own text first, so that what is wrong is told with its place.
        scopegate_core::Policies::compile(&pack.policies)
            .map_err(|error| Failure::Invalid(error.in_member("policy_definitions").to_string()))?;
        Ok((pack, titles))
    }
}

/// The same policy of a pack has the same id in every version.
fn id_in(pack: &str, title: &str) -> Name {
    let hash = Sha256::new().chain_update(pack).chain_update([0]).chain_update(title).finalize();
    let digits: String = hex(&hash.into()).chars().take(16).collect();
    format!("pol_{digits}").into()
}

fn refused(error: PackError) -> Failure {
    match error {
        PackError::Unknown(_) => Failure::Unknown("pack"),
        PackError::Policy(_) => Failure::Invalid(error.to_string()),
        other => Failure::Conflict(other.to_string()),
    }
}
