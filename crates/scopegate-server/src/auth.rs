//! Who calls: one credential in, one caller out. The tenant comes from the key and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use scopegate_core::{Name, Timestamp};

use crate::assertion::Refused;
use crate::keys::{self, Kind};
use crate::store::{Access, Archive, KeyRow, StoreError, TenantId};

/// The header that clients of the Scopebound dialect send.
const API_KEY: HeaderName = HeaderName::from_static("x-scopebound-api-key");
/// The header that clients of the Xybern dialect send.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Whoever holds a good key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    /// The id of the key; of an agent that proved itself, its own.
    pub(crate) key: Name,
    pub(crate) kind: Kind,
    /// Who holds it.
    pub(crate) owner: Name,
    /// The credential that an agent proved itself with, if it was no key.
    pub(crate) credential: Option<Name>,
}

impl Caller {
    /// An agent that proved itself. What it has stays its own whichever of its credentials signs.
    pub(crate) fn agent(tenant: TenantId, agent: Name, credential: Name) -> Self {
        let (key, owner) = (agent.clone(), agent);
        Self { tenant, key, kind: Kind::Agent, owner, credential: Some(credential) }
    }

    /// What stands in records: the key, or the credential.
    pub(crate) fn signed_by(&self) -> &Name {
        self.credential.as_ref().unwrap_or(&self.key)
    }

    /// A key for development, which is agent and approver in one.
    pub(crate) fn is_everything(&self) -> bool {
        self.kind == Kind::Dev
    }

    pub(crate) fn may_end_any_session(&self) -> bool {
        matches!(self.kind, Kind::Admin | Kind::Dev)
    }

    pub(crate) fn sees_all_reviews(&self) -> bool {
        self.kind != Kind::Agent
    }
}

/// Why nobody could be told from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stranger {
    #[error("a key is needed: `X-Scopebound-API-Key`, `X-API-Key` or `Authorization: Bearer`")]
    Missing,
    #[error("two credentials in one request")]
    Two,
    #[error("the API key is not valid")]
    Unknown,
    #[error("the assertion is refused: {0}")]
    Assertion(#[from] Refused),
    #[error("that the assertion was used cannot be kept")]
    Unkept,
}

/// The keys of all tenants.
pub(crate) struct Keyring {
    by_id: RwLock<HashMap<Name, Arc<KeyRow>>>,
    archive: Arc<dyn Archive>,
    /// Held from a look into the store until what was found is taken up: what an earlier look found
    /// never stands in the place of what a later one did.
    looking: Mutex<()>,
    /// How often keys that nobody knows have been looked for, and in which second.
    looks: Mutex<(u64, u32)>,
}

/// How many keys that nobody knows are looked for in the store, a second: made-up ones must not keep
/// it busy. A new one that is not looked for is known a moment later.
const MAX_LOOKS: u32 = 200;

impl Keyring {
    pub(crate) fn new(keys: impl IntoIterator<Item = KeyRow>, archive: Arc<dyn Archive>) -> Self {
        let ring =
            Self { by_id: RwLock::default(), archive, looking: Mutex::default(), looks: Mutex::default() };
        // None of them was known before.
        let _ = ring.replace(keys);
        ring
    }

    /// Takes up the keys as they stand in the store now. `then` has what else stands there, and the
    /// keys that were revoked since, before anybody looks again.
    pub(crate) fn look(&self, then: impl FnOnce(Access, Vec<Arc<KeyRow>>)) -> Result<(), StoreError> {
        let _one_at_a_time = lock(&self.looking);
        let mut access = self.archive.access()?;
        let revoked = self.replace(std::mem::take(&mut access.keys));
        then(access, revoked);
        Ok(())
    }

    fn replace(&self, keys: impl IntoIterator<Item = KeyRow>) -> Vec<Arc<KeyRow>> {
        let keys: HashMap<_, _> = keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let was_good = |key: &KeyRow| by_id.get(&key.id).is_some_and(|before| before.revoked_at.is_none());
        let revoked =
            keys.values().filter(|key| key.revoked_at.is_some() && was_good(key)).cloned().collect();
        *by_id = keys;
        revoked
    }

    /// Who holds the key of this secret.
    pub(crate) fn caller(&self, secret: &str, now: Timestamp) -> Result<Caller, Stranger> {
        let key = keys::id_of(secret).and_then(|id| self.find(id, now)).ok_or(Stranger::Unknown)?;
        let kind = Kind::parse(&key.kind).ok_or(Stranger::Unknown)?;
        if !is_good(&key, now) || !keys::matches(secret, &key.hash) {
            return Err(Stranger::Unknown);
        }
        let (tenant, owner) = (key.tenant.clone(), key.owner.clone());
        Ok(Caller { tenant, key: key.id.clone(), kind, owner, credential: None })
    }

    /// Whether the key that was let in would be let in now.
    pub(crate) fn still_admits(&self, caller: &Caller, now: Timestamp) -> bool {
        self.known(&caller.key).is_some_and(|key| is_good(&key, now))
    }

    fn find(&self, id: &str, now: Timestamp) -> Option<Arc<KeyRow>> {
        // Another process may have made it a moment ago.
        self.known(id).or_else(|| self.may_look(now).then(|| self.look_for(id)).flatten())
    }

    fn known(&self, id: &str) -> Option<Arc<KeyRow>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn look_for(&self, id: &str) -> Option<Arc<KeyRow>> {
        let _one_at_a_time = lock(&self.looking);
        let key = Arc::new(self.archive.key(id).ok()??);
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(key.id.clone(), key.clone());
        Some(key)
    }

    fn may_look(&self, now: Timestamp) -> bool {
        let mut looks = lock(&self.looks);
        if looks.0 != now.secs() {
            *looks = (now.secs(), 0);
        }
        looks.1 += 1;
        looks.1 <= MAX_LOOKS
    }
}

/// Neither revoked nor expired.
fn is_good(key: &KeyRow, now: Timestamp) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end)
}

/// Nothing under these locks is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one credential of a request.
pub(crate) fn credential(headers: &HeaderMap) -> Result<&str, Stranger> {
    let plain = headers.get_all(API_KEY).iter().chain(headers.get_all(X_API_KEY));
    let mut found = plain.chain(headers.get_all(AUTHORIZATION));
    let value = found.next().ok_or(Stranger::Missing)?;
    if found.next().is_some() {
        return Err(Stranger::Two);
    }
    let text = value.to_str().map_err(|_| Stranger::Unknown)?;
    let text = match headers.contains_key(API_KEY) || headers.contains_key(X_API_KEY) {
        true => Some(text),
        false => {
            text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, t)| t)
        }
    };
    text.map(str::trim).filter(|text| !text.is_empty()).ok_or(Stranger::Missing)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::thread::JoinHandle;
    use std::time::{Duration, Instant};

    use scopegate_core::{PermitId, ReviewId, SessionId};

    use super::*;
    use crate::store::{
        AgentCounts, CheckpointRow, DecisionCounts, DeliveryRow, RecordRow, ReviewRow, RoleRow, SessionRow,
        Wanted,
    };

    fn check(headers: &[(&str, &str)], expected: Result<&str, Stranger>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        assert_eq!(credential(&map), expected, "{headers:?}");
    }

    #[test]
    fn one_credential_or_none() {
        check(&[("x-scopebound-api-key", "sb-1")], Ok("sb-1"));
        check(&[("x-api-key", "xb_1")], Ok("xb_1"));
        check(&[("authorization", "Bearer sb-1")], Ok("sb-1"));
        check(&[("authorization", "bearer  sb-1 ")], Ok("sb-1"));
        check(&[], Err(Stranger::Missing));
        check(&[("x-scopebound-api-key", "")], Err(Stranger::Missing));
        check(&[("authorization", "Basic sb-1")], Err(Stranger::Missing));
        check(&[("authorization", "Bearer ")], Err(Stranger::Missing));
        check(&[("x-scopebound-api-key", "a"), ("x-scopebound-api-key", "a")], Err(Stranger::Two));
        check(&[("x-scopebound-api-key", "a"), ("authorization", "Bearer a")], Err(Stranger::Two));
        check(&[("x-scopebound-api-key", "a"), ("x-api-key", "a")], Err(Stranger::Two));
        check(&[("x-api-key", "a"), ("authorization", "Bearer a")], Err(Stranger::Two));
        check(&[("authorization", "Bearer a"), ("authorization", "Basic a")], Err(Stranger::Two));
    }

    /// A store in which a key is revoked, and taken up by another thread, while one look is under way.
    struct Revoking {
        ring: OnceLock<Arc<Keyring>>,
        row: Mutex<KeyRow>,
        other: Mutex<Option<JoinHandle<()>>>,
    }

    impl Revoking {
        /// The key as it stands; before the answer arrives another look may find it revoked.
        fn read(&self) -> KeyRow {
            let found = lock(&self.row).clone();
            if found.revoked_at.is_none() {
                lock(&self.row).revoked_at = Some(Timestamp::from_secs(5));
                let ring = self.ring.get().unwrap().clone();
                let other = std::thread::spawn(move || ring.look(|_, _| {}).unwrap());
                // As long as it can take: a look that need not wait is over by then.
                let waited = Instant::now();
                while !other.is_finished() && waited.elapsed() < Duration::from_millis(100) {
                    std::thread::yield_now();
                }
                *lock(&self.other) = Some(other);
            }
            found
        }
    }

    impl Archive for Revoking {
        fn access(&self) -> Result<Access, StoreError> {
            Ok(Access { keys: vec![self.read()], ..Access::default() })
        }

        fn key(&self, _: &str) -> Result<Option<KeyRow>, StoreError> {
            Ok(Some(self.read()))
        }

        fn public_key(&self, chain: &str) -> Result<crate::audit::NoteKey, StoreError> {
            Err(StoreError::Damaged(chain.to_owned()))
        }

        fn roles(&self, _: &TenantId) -> Result<Vec<RoleRow>, StoreError> {
            Ok(Vec::new())
        }

        fn count(&self, _: &TenantId) -> Result<u64, StoreError> {
            Ok(0)
        }

        fn records(&self, _: &TenantId, _: u64, _: usize) -> Result<Vec<RecordRow>, StoreError> {
            Ok(Vec::new())
        }

        fn first_since(&self, _: &TenantId, _: Timestamp) -> Result<u64, StoreError> {
            Ok(0)
        }

        fn checkpoints(&self, _: &TenantId, _: u64, _: usize) -> Result<Vec<CheckpointRow>, StoreError> {
            Ok(Vec::new())
        }

        fn session(&self, _: &TenantId, _: SessionId) -> Result<Option<SessionRow>, StoreError> {
            Ok(None)
        }

        fn review(&self, _: &TenantId, _: ReviewId) -> Result<Option<ReviewRow>, StoreError> {
            Ok(None)
        }

        fn agent_counts(&self, _: &TenantId, _: &[Name]) -> Result<Vec<AgentCounts>, StoreError> {
            Ok(Vec::new())
        }

        fn agent_records(
            &self,
            _: &TenantId,
            _: &str,
            _: u64,
            _: usize,
        ) -> Result<Vec<RecordRow>, StoreError> {
            Ok(Vec::new())
        }

        fn decisions(
            &self,
            _: &TenantId,
            _: &Wanted,
            _: u64,
            _: usize,
        ) -> Result<(Vec<RecordRow>, u64), StoreError> {
            Ok((Vec::new(), 0))
        }

        fn decision(&self, _: &TenantId, _: PermitId) -> Result<Option<RecordRow>, StoreError> {
            Ok(None)
        }

        fn decision_counts(&self, _: &TenantId) -> Result<DecisionCounts, StoreError> {
            Ok(DecisionCounts::default())
        }

        fn communications(
            &self,
            _: &TenantId,
            _: &str,
            _: u64,
            _: usize,
        ) -> Result<(Vec<RecordRow>, u64), StoreError> {
            Ok((Vec::new(), 0))
        }

        fn deliveries(&self, _: &TenantId, _: usize) -> Result<Vec<DeliveryRow>, StoreError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_key_that_was_revoked_while_it_was_looked_for_stays_revoked() {
        let made = keys::make(keys::Prefix::Sb, Kind::Dev).unwrap();
        let row = KeyRow {
            tenant: TenantId::parse("default").unwrap(),
            id: made.id.clone(),
            kind: "dev".into(),
            owner: "ann".into(),
            name: None,
            hash: made.hash,
            created_at: Timestamp::from_secs(1),
            expires_at: None,
            revoked_at: None,
        };
        let secret = made.secret.as_str();
        for known in [true, false] {
            let store =
                Revoking { ring: OnceLock::new(), row: Mutex::new(row.clone()), other: Mutex::default() };
            let store = Arc::new(store);
            let ring = Arc::new(Keyring::new(known.then(|| row.clone()), store.clone()));
            assert!(store.ring.set(ring.clone()).is_ok());
            let now = Timestamp::from_secs(10);
            let let_in = match known {
                true => {
                    let caller = ring.caller(secret, now).unwrap();
                    ring.look(|_, _| {}).unwrap();
                    caller
                }
                false => ring.caller(secret, now).unwrap(),
            };
            lock(&store.other).take().unwrap().join().unwrap();
            assert_eq!(ring.caller(secret, now), Err(Stranger::Unknown), "known before: {known}");
            assert!(!ring.still_admits(&let_in, now), "nor who was let in before");
        }
    }
}
