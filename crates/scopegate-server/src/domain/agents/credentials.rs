//! Credentials of agents: Ed25519 key pairs, whose private half is shown once and kept nowhere.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use scopegate_core::{Name, Timestamp};

use super::super::epoch::Touched;
use super::super::{Failure, Tenant, member};
use crate::auth::Caller;
use crate::keys;
use crate::store::{AgentRow, Change, CredentialRow, TenantId};

const DAY: u64 = 24 * 3600;
/// How long a credential lives unless something else is said.
const DAYS: u64 = 90;
/// No credential lives longer.
const MAX_DAYS: u64 = 365;
/// How long a credential is good after another has taken its place, unless something else is said.
const GRACE: u64 = 600;
/// The longest that may be asked for: a day.
const MAX_GRACE: u64 = DAY;
/// How long a credential is shown once it is over.
const KEPT: u64 = 30 * DAY;
/// Most credentials of an agent, with those that are over.
const MOST: usize = 100;
/// Longer reasons are cut.
const MAX_REASON: usize = 256;

/// How long a credential is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime(Duration);

/// A new credential and its private key.
pub(crate) struct Issued {
    pub(crate) credential: CredentialRow,
    key: SigningKey,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The one to use.
    Active,
    /// Still good, and another has taken its place.
    Retiring,
    /// Another has taken its place.
    Rotated,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

/// Whose credential an id is, among all tenants.
#[derive(Debug, Default)]
pub(crate) struct Kids(RwLock<HashMap<Name, TenantId>>);

impl Lifetime {
    /// So many days; `None` for as long as is usual.
    pub(crate) fn days(days: Option<u64>) -> Result<Self, Failure> {
        let days = days.unwrap_or(DAYS);
        if !(1..=MAX_DAYS).contains(&days) {
            let why = format!("must be 1 to {MAX_DAYS} days");
            return Err(member::Invalid::new("credential_ttl_days", &why).into());
        }
        Ok(Self(Duration::from_secs(days * DAY)))
    }
}

impl Issued {
    pub(super) fn make(agent: &AgentRow, lifetime: Lifetime, now: Timestamp) -> Result<Self, Failure> {
        let unrandom = |error| Failure::Unavailable(format!("no randomness: {error}"));
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(unrandom)?;
        let key = SigningKey::from_bytes(&seed);
        let id = format!("cred_{}", keys::letters(16).map_err(unrandom)?).into();
        let credential = CredentialRow {
            tenant: agent.tenant.clone(),
            id,
            agent: agent.id.clone(),
            public_key: key.verifying_key().to_bytes(),
            created_at: now,
            expires_at: now.after(lifetime.0),
            retires_at: None,
            revoked_at: None,
            reason: None,
        };
        Ok(Self { credential, key })
    }

    /// The private key. Whoever reads it shows it once.
    pub(crate) fn private_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }
}

/// The private key is left out.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl Standing {
    pub(crate) fn of(row: &CredentialRow, now: Timestamp) -> Self {
        let passed = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        match row.retires_at {
            _ if row.revoked_at.is_some() => Self::Revoked,
            retires if passed(retires) => Self::Rotated,
            _ if row.expires_at <= now => Self::Expired,
            Some(_) => Self::Retiring,
            None => Self::Active,
        }
    }

    /// Whether what it signs is taken.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Self::Active | Self::Retiring)
    }
}

impl Kids {
    pub(in crate::domain) fn learn(&self, id: &Name, tenant: &TenantId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), tenant.clone());
    }

    fn forget(&self, ids: &[Name]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        ids.iter().for_each(|id| drop(known.remove(id)));
    }

    /// Whose credential this is.
    pub(crate) fn tenant(&self, id: &str) -> Option<TenantId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

impl Tenant {
    /// All credentials of an agent that are not long over, newest first.
    pub(crate) fn credentials(
        &self,
        caller: &Caller,
        agent: &str,
    ) -> Result<Vec<Arc<CredentialRow>>, Failure> {
        let row = self.looked_into(caller, agent)?;
        Ok(self.book.agents().credentials(&row.id).rev().cloned().collect())
    }

    /// The credential that an agent should use.
    pub(crate) fn active_credential(
        &self,
        caller: &Caller,
        agent: &str,
        now: Timestamp,
    ) -> Result<Arc<CredentialRow>, Failure> {
        let row = self.looked_into(caller, agent)?;
        let book = self.book.agents();
        book.active_credential(&row.id, now).cloned().ok_or(Failure::Unknown("active credential"))
    }

    /// Makes a credential for an agent that has none to use.
    pub(crate) async fn issue_credential(
        &self,
        agent: &str,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        self.replace_credential(agent, lifetime, now, |before| match before {
            None => Ok(None),
            Some(_) => {
                Err(Failure::Conflict("the agent has an active credential: rotate or revoke it".to_owned()))
            }
        })
        .await
    }

    /// Makes a credential that takes the place of the one in use, which is good for `grace` seconds yet.
    pub(crate) async fn rotate_credential(
        &self,
        agent: &str,
        lifetime: Lifetime,
        grace: Option<u64>,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        let grace = grace.unwrap_or(GRACE);
        if grace > MAX_GRACE {
            let why = format!("must be 0 to {MAX_GRACE} seconds");
            return Err(member::Invalid::new("grace_seconds", &why).into());
        }
        let retires_at = Some(now.after(Duration::from_secs(grace)));
        self.replace_credential(agent, lifetime, now, |before| {
            Ok(before.map(|before| CredentialRow { retires_at, reason: cut(reason), ..before }))
        })
        .await
    }

    async fn replace_credential(
        &self,
        agent: &str,
        lifetime: Lifetime,
        now: Timestamp,
        retire: impl FnOnce(Option<CredentialRow>) -> Result<Option<CredentialRow>, Failure>,
    ) -> Result<Issued, Failure> {
        let row = self.agent_row(agent)?;
        let issued = Issued::make(&row, lifetime, now)?;
        self.change(|| {
            let mut book = self.book.agents_mut();
            let before = Timestamp::from_nanos(now.nanos().saturating_sub(KEPT * 1_000_000_000));
            self.kids.forget(&book.forget_credentials(&row.id, before));
            if book.credentials(&row.id).count() >= MOST {
                let why = format!("an agent has at most {MOST} credentials within thirty days");
                return Err(Failure::Conflict(why));
            }
            let active = book.active_credential(&row.id, now).map(|active| (**active).clone());
            let retired = retire(active)?.map(|row| book.put_credential(row));
            let credential = book.put_credential(issued.credential.clone());
            self.kids.learn(&credential.id, &self.id);
            let mut changes: Vec<Change> = retired.iter().chain([&credential]).map(kept).collect();
            changes.push(self.bump(Touched::Owner(row.id.clone())));
            Ok((issued, changes))
        })
        .await
    }

    /// Ends a credential at once. Doing it twice is fine.
    pub(crate) async fn revoke_credential(
        &self,
        id: &str,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<Arc<CredentialRow>, Failure> {
        self.change(|| {
            let mut book = self.book.agents_mut();
            let before = book.credential(id).cloned().ok_or(Failure::Unknown("credential"))?;
            if before.revoked_at.is_some() {
                return Ok((before, Vec::new()));
            }
            let row = CredentialRow { revoked_at: Some(now), reason: cut(reason), ..(*before).clone() };
            let row = book.put_credential(row);
            let bumped = self.bump(Touched::Owner(row.agent.clone()));
            Ok((row.clone(), vec![kept(&row), bumped]))
        })
        .await
    }
}

/// A credential, as a change to be kept.
pub(super) fn kept(row: &Arc<CredentialRow>) -> Change {
    Change::Credential(Box::new((**row).clone()))
}

fn cut(reason: Option<String>) -> Option<String> {
    reason.map(|mut text| {
        text.truncate(text.floor_char_boundary(MAX_REASON));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> CredentialRow {
        CredentialRow {
            tenant: TenantId::parse("default").unwrap(),
            id: "cred_1".into(),
            agent: "agent_1".into(),
            public_key: [0; 32],
            created_at: Timestamp::from_secs(1),
            expires_at: Timestamp::from_secs(100),
            retires_at: None,
            revoked_at: None,
            reason: None,
        }
    }

    #[test]
    fn a_credential_is_good_until_something_ends_it() {
        let at = |secs| Some(Timestamp::from_secs(secs));
        let retiring = CredentialRow { retires_at: at(50), ..row() };
        let revoked = CredentialRow { revoked_at: at(20), ..row() };
        let late = CredentialRow { retires_at: at(150), ..row() };
        for (row, now, expected) in [
            (row(), 99, Standing::Active),
            (row(), 100, Standing::Expired),
            (retiring.clone(), 49, Standing::Retiring),
            (retiring.clone(), 50, Standing::Rotated),
            (retiring, 100, Standing::Rotated),
            (revoked.clone(), 20, Standing::Revoked),
            // Also by a clock that runs behind.
            (revoked, 10, Standing::Revoked),
            (late.clone(), 99, Standing::Retiring),
            (late, 100, Standing::Expired),
        ] {
            let now = Timestamp::from_secs(now);
            let standing = Standing::of(&row, now);
            assert_eq!(standing, expected, "{row:?} at {now}");
            assert_eq!(standing.is_good(), row.revoked_at.is_none() && now < row.over_at());
        }
    }

    #[test]
    fn a_lifetime_is_one_to_365_days() {
        let days = |days| Lifetime::days(days).ok().map(|Lifetime(length)| length.as_secs() / DAY);
        assert_eq!((days(None), days(Some(1)), days(Some(365))), (Some(90), Some(1), Some(365)));
        assert_eq!((days(Some(0)), days(Some(366)), days(Some(u64::MAX))), (None, None, None));
    }
}
