//! Who calls: one credential in, one caller out. The tenant comes from the key and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use scopegate_core::{Name, Timestamp};

use crate::keys::{self, Kind};
use crate::store::{Archive, KeyRow, TenantId};

/// The header that clients of the Scopebound dialect send.
const API_KEY: HeaderName = HeaderName::from_static("x-scopebound-api-key");

/// Whoever holds a good key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    /// The id of the key.
    pub(crate) key: Name,
    pub(crate) kind: Kind,
    /// Who holds it.
    pub(crate) owner: Name,
}

impl Caller {
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
    #[error("an API key is needed: `X-Scopebound-API-Key: sb-…` or `Authorization: Bearer sb-…`")]
    Missing,
    #[error("two credentials in one request")]
    Two,
    #[error("the API key is not valid")]
    Unknown,
}

/// The keys of all tenants.
pub(crate) struct Keyring {
    by_id: RwLock<HashMap<Name, Arc<KeyRow>>>,
    archive: Arc<dyn Archive>,
    /// How often keys that nobody knows have been looked for, and in which second.
    looks: Mutex<(u64, u32)>,
}

/// How many keys that nobody knows are looked for in the store, a second: made-up ones must not keep
/// it busy. A new one that is not looked for is known a moment later.
const MAX_LOOKS: u32 = 200;

impl Keyring {
    pub(crate) fn new(keys: impl IntoIterator<Item = KeyRow>, archive: Arc<dyn Archive>) -> Self {
        let ring = Self { by_id: RwLock::default(), archive, looks: Mutex::default() };
        // None of them was known before.
        let _ = ring.replace(keys);
        ring
    }

    /// Takes up the keys as they stand now; those that were revoked since.
    pub(crate) fn replace(&self, keys: impl IntoIterator<Item = KeyRow>) -> Vec<Arc<KeyRow>> {
        let keys: HashMap<_, _> = keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let was_good = |key: &KeyRow| by_id.get(&key.id).is_some_and(|before| before.revoked_at.is_none());
        let revoked =
            keys.values().filter(|key| key.revoked_at.is_some() && was_good(key)).cloned().collect();
        *by_id = keys;
        revoked
    }

    /// Who sent a request with these headers.
    pub(crate) fn caller(&self, headers: &HeaderMap, now: Timestamp) -> Result<Caller, Stranger> {
        let secret = credential(headers)?;
        let key = keys::id_of(secret).and_then(|id| self.find(id, now)).ok_or(Stranger::Unknown)?;
        let over = key.revoked_at.is_some() || key.expires_at.is_some_and(|end| now >= end);
        let kind = Kind::parse(&key.kind).ok_or(Stranger::Unknown)?;
        if over || !keys::matches(secret, &key.hash) {
            return Err(Stranger::Unknown);
        }
        Ok(Caller { tenant: key.tenant.clone(), key: key.id.clone(), kind, owner: key.owner.clone() })
    }

    fn find(&self, id: &str, now: Timestamp) -> Option<Arc<KeyRow>> {
        if let Some(key) = self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Some(key.clone());
        }
        // Another process may have made it a moment ago.
        if !self.may_look(now) {
            return None;
        }
        let key = Arc::new(self.archive.key(id).ok()??);
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(key.id.clone(), key.clone());
        Some(key)
    }

    fn may_look(&self, now: Timestamp) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.0 != now.secs() {
            *looks = (now.secs(), 0);
        }
        looks.1 += 1;
        looks.1 <= MAX_LOOKS
    }
}

/// The one credential of a request.
fn credential(headers: &HeaderMap) -> Result<&str, Stranger> {
    let mut found = headers.get_all(API_KEY).iter().chain(headers.get_all(AUTHORIZATION));
    let value = found.next().ok_or(Stranger::Missing)?;
    if found.next().is_some() {
        return Err(Stranger::Two);
    }
    let text = value.to_str().map_err(|_| Stranger::Unknown)?;
    let text = match headers.contains_key(API_KEY) {
        true => Some(text),
        false => {
            text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, t)| t)
        }
    };
    text.map(str::trim).filter(|text| !text.is_empty()).ok_or(Stranger::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check(&[("authorization", "Bearer sb-1")], Ok("sb-1"));
        check(&[("authorization", "bearer  sb-1 ")], Ok("sb-1"));
        check(&[], Err(Stranger::Missing));
        check(&[("x-scopebound-api-key", "")], Err(Stranger::Missing));
        check(&[("authorization", "Basic sb-1")], Err(Stranger::Missing));
        check(&[("authorization", "Bearer ")], Err(Stranger::Missing));
        check(&[("x-scopebound-api-key", "a"), ("x-scopebound-api-key", "a")], Err(Stranger::Two));
        check(&[("x-scopebound-api-key", "a"), ("authorization", "Bearer a")], Err(Stranger::Two));
        check(&[("authorization", "Bearer a"), ("authorization", "Basic a")], Err(Stranger::Two));
    }
}
