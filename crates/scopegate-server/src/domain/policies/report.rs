//! The shadow report, read from the records: what shadow policies would have done in the last hours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scopegate_core::{Event, Name, PolicyDecision, PolicyMode, Shadowed, Timestamp};
use serde::Deserialize;

use super::super::{Failure, Tenant};
use super::PolicyDocument;
use crate::store::RecordRow;

const HOUR: u64 = 3_600_000_000_000;
/// Records that are read at a time.
const CHUNK: usize = 1_000;
/// Most records that one report reads, the latest.
const MOST: u64 = 1_000_000;
/// Most agents that are told apart.
const AGENTS: usize = 1_000;

/// What shadow policies would have done.
#[derive(Debug)]
pub(crate) struct Shadows {
    /// From here on, at the earliest.
    pub(crate) since: Timestamp,
    pub(crate) policies: Vec<ShadowOf>,
}

/// What one of them would have done.
#[derive(Debug)]
pub(crate) struct ShadowOf {
    pub(crate) policy: Arc<PolicyDocument>,
    /// Decisions that were made since it is as it is.
    pub(crate) evaluated: u64,
    pub(crate) would_deny: u64,
    pub(crate) would_hold: u64,
    /// Decisions that would have been others, this one being among those that matched.
    pub(crate) would_have_changed: u64,
    pub(crate) agents: BTreeSet<Name>,
}

/// What a report reads of a record.
#[derive(Deserialize)]
struct Said {
    event: Event,
    #[serde(default)]
    owner: Option<Name>,
    #[serde(default)]
    shadow: Option<Shadowed>,
}

impl Tenant {
    /// What the policies that are in the shadow now would have done in the last so many hours.
    pub(crate) fn shadow_report(
        &self,
        hours: u64,
        only: Option<&str>,
        now: Timestamp,
    ) -> Result<Shadows, Failure> {
        let wanted = |document: &Arc<PolicyDocument>| {
            document.policy.rule.mode == PolicyMode::Shadow
                && only.is_none_or(|id| document.policy.rule.name == id)
        };
        if let Some(id) = only {
            self.policy(id)?;
        }
        let policies: Vec<_> = self.policies().into_iter().filter(wanted).collect();
        let mut counted: BTreeMap<Name, ShadowOf> = policies
            .into_iter()
            .map(|policy| (policy.policy.rule.name.clone(), ShadowOf::new(policy)))
            .collect();
        let since = Timestamp::from_nanos(now.nanos().saturating_sub(hours.saturating_mul(HOUR)));
        let count = self.archive.count(&self.id)?;
        let mut from = self.archive.first_since(&self.id, since)?.max(count.saturating_sub(MOST));
        while from < count && !counted.is_empty() {
            let rows = self.archive.records(&self.id, from, CHUNK)?;
            let Some(last) = rows.last() else { break };
            from = last.seq + 1;
            rows.iter().for_each(|row| add(&mut counted, row));
        }
        Ok(Shadows { since, policies: counted.into_values().collect() })
    }
}

fn add(counted: &mut BTreeMap<Name, ShadowOf>, row: &RecordRow) {
    let Ok(Said { event, owner, shadow }) = serde_json::from_str::<Said>(&row.body) else { return };
    if !matches!(event, Event::Permit | Event::Hold | Event::Deny(_)) {
        return;
    }
    for of in counted.values_mut().filter(|of| row.at >= of.policy.updated_at) {
        of.evaluated += 1;
        if let Some(shadow) = &shadow {
            of.note(shadow, owner.as_ref());
        }
    }
}

impl ShadowOf {
    fn new(policy: Arc<PolicyDocument>) -> Self {
        let agents = BTreeSet::new();
        Self { policy, evaluated: 0, would_deny: 0, would_hold: 0, would_have_changed: 0, agents }
    }

    fn note(&mut self, shadow: &Shadowed, owner: Option<&Name>) {
        let rule = &self.policy.policy.rule;
        if !shadow.triggered.contains(&rule.name) {
            return;
        }
        match rule.decision {
            PolicyDecision::Deny => self.would_deny += 1,
            PolicyDecision::Hold => self.would_hold += 1,
            PolicyDecision::Permit => {}
        }
        // A milder policy beside the one that would have changed the answer changes nothing.
        if shadow.changed && rule.decision == shadow.decision {
            self.would_have_changed += 1;
            if let Some(owner) = owner.filter(|_| self.agents.len() < AGENTS) {
                self.agents.insert(owner.clone());
            }
        }
    }
}
