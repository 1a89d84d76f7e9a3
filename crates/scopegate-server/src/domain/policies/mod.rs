//! Policies of a tenant: made, changed, turned live, deployed in packs. Each change puts all of them in force
//! at once.

mod book;
mod draft;
mod packs;
mod report;

use std::sync::Arc;

use scopegate_core::{Name, PolicyError, PolicyMode, PolicyRule, Timestamp};

pub(crate) use self::book::{PackDocument, PolicyBook};
pub(crate) use self::draft::PolicyDraft;
pub(crate) use self::packs::{Deployed, PackDraft};
pub(crate) use self::report::ShadowOf;
use super::epoch::Touched;
use super::{Failure, Tenant};
use crate::keys;
use crate::store::{Change, DocumentKind, DocumentRow};

/// Most policies that stand alone. Those of packs come beside them, within what the core takes.
const MAX_POLICIES: usize = 256;

/// A policy under the name that people know it by; its rule has its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Titled {
    pub(crate) title: String,
    pub(crate) rule: PolicyRule,
}

/// A policy as the plane keeps it.
#[derive(Clone, Debug)]
pub(crate) struct PolicyDocument {
    pub(crate) policy: Titled,
    /// The pack that it is of, and changes with.
    pub(crate) pack: Option<Name>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Tenant {
    /// What people call a policy.
    pub(crate) fn policy_title(&self, id: &str) -> Option<String> {
        self.book.policies().find(id).map(|document| document.policy.title.clone())
    }

    /// All policies, from the highest priority down.
    pub(crate) fn policies(&self) -> Vec<Arc<PolicyDocument>> {
        self.book.policies().all()
    }

    /// One policy.
    pub(crate) fn policy(&self, id: &str) -> Result<Arc<PolicyDocument>, Failure> {
        self.book.policies().find(id).ok_or(Failure::Unknown("policy"))
    }

    /// Makes a policy; `absolute` unless the draft says something else.
    pub(crate) async fn create_policy(
        &self,
        draft: PolicyDraft,
        absolute: bool,
        now: Timestamp,
    ) -> Result<Arc<PolicyDocument>, Failure> {
        let policy = draft.begin(|_| policy_id(), absolute)?;
        self.change(|| {
            if self.book.policies().alone() >= MAX_POLICIES {
                return Err(Failure::Conflict(format!(
                    "a tenant may have {MAX_POLICIES} policies beside packs"
                )));
            }
            self.put_policy(PolicyDocument { policy, pack: None, created_at: now, updated_at: now })
        })
        .await
    }

    /// Changes a policy that stands alone.
    pub(crate) async fn update_policy(
        &self,
        id: &str,
        draft: PolicyDraft,
        now: Timestamp,
    ) -> Result<Arc<PolicyDocument>, Failure> {
        self.change(|| {
            let before = self.alone(id)?;
            let policy = draft.applied_to(&before.policy)?;
            self.put_policy(PolicyDocument { policy, updated_at: now, ..(*before).clone() })
        })
        .await
    }

    /// Ends a policy that stands alone.
    pub(crate) async fn delete_policy(&self, id: &str) -> Result<(), Failure> {
        self.change(|| {
            let before = self.alone(id)?;
            let mut next = self.book.policies().clone();
            next.remove(id);
            let ended =
                DocumentRow::end(self.id.clone(), DocumentKind::Policy, before.policy.rule.name.clone());
            Ok(((), self.put_in_force(next, ended)?))
        })
        .await
    }

    /// Turns a shadow policy live, also one of a pack.
    pub(crate) async fn promote_policy(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Arc<PolicyDocument>, Failure> {
        self.change(|| {
            let before = self.policy(id)?;
            if before.policy.rule.mode == PolicyMode::Live {
                return Err(Failure::Conflict("the policy is live already".to_owned()));
            }
            match &before.pack {
                None => {
                    let rule = PolicyRule { mode: PolicyMode::Live, ..before.policy.rule.clone() };
                    let policy = Titled { rule, ..before.policy.clone() };
                    self.put_policy(PolicyDocument { policy, updated_at: now, ..(*before).clone() })
                }
                Some(pack) => self.promote_of(pack, &before.policy.rule, now),
            }
        })
        .await
    }

    /// A policy that no pack has.
    fn alone(&self, id: &str) -> Result<Arc<PolicyDocument>, Failure> {
        let document = self.policy(id)?;
        match &document.pack {
            None => Ok(document),
            Some(pack) => {
                let why = format!("the policy is of pack `{pack}`: deploy another version of the pack");
                Err(Failure::Conflict(why))
            }
        }
    }

    fn put_policy(&self, document: PolicyDocument) -> Result<(Arc<PolicyDocument>, Vec<Change>), Failure> {
        let mut next = self.book.policies().clone();
        if next.is_taken(&document.policy) {
            return Err(Failure::Conflict(format!("there is a policy `{}` already", document.policy.title)));
        }
        let row = document.row(&self.id)?;
        let document = next.put(document);
        Ok((document, self.put_in_force(next, row)?))
    }

    /// Puts all policies in force, or changes nothing. Whoever calls makes the change in one order with others.
    fn put_in_force(&self, next: PolicyBook, row: DocumentRow) -> Result<Vec<Change>, Failure> {
        self.enforcer.register_policies(next.rules()).map_err(refused)?;
        *self.book.policies_mut() = next;
        Ok(vec![Change::Document(row), self.bump(Touched::Policies)])
    }
}

/// The caller does not know where in the whole list its policy stands.
fn refused(PolicyError { path, problem }: PolicyError) -> Failure {
    let path = path.into_iter().skip(2).collect();
    Failure::Invalid(PolicyError { path, problem }.to_string())
}

fn policy_id() -> Result<Name, Failure> {
    let random =
        keys::letters(16).map_err(|error| Failure::Unavailable(format!("no randomness: {error}")))?;
    Ok(format!("pol_{random}").into())
}
