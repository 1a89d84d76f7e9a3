//! Tenants and keys, made at the first start and by the command line: straight into the store,
//! whether a plane runs on it or not.

use std::time::Duration;

use scopegate_core::{Name, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::keys::{self, Kind, NewKey, Prefix};
use crate::store::{
    Access, Change, Epoch, KeyRow, RoleRow, SigningKeyRow, Store, StoreError, TenantId, TenantRow,
    TenantState,
};
use scopegate_engine::Durability;

/// The tenant that every store begins with.
const FIRST: &str = "default";

/// The role of agents that no other role was assigned, and of callers that are no agent: where it is not there,
/// they are denied.
pub const BASELINE: &str = "xybern-baseline";

/// How long a key that signs is known before it does.
const PUBLISHED: Duration = Duration::from_secs(600);

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no randomness to give.
    #[error("no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
    /// A name that no tenant can have.
    #[error(transparent)]
    Tenant(#[from] crate::store::BadTenantId),
    /// There is one already.
    #[error("there is a tenant `{0}` already")]
    TenantExists(TenantId),
    /// There is none.
    #[error("no tenant `{0}`; `scopegate tenants list` shows them")]
    NoTenant(TenantId),
    /// There is none.
    #[error("no key `{0}`; `scopegate keys list` shows them")]
    NoKey(String),
}

/// Whose clients a tenant is for: what its agents may do before anybody says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the dialects are these two")]
pub enum Dialect {
    /// Nothing.
    #[default]
    Scopebound,
    /// Whatever nobody forbids: the role [`BASELINE`] grants it, until it is changed or ended.
    Xybern,
}

/// A key to make.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a key decides all of it")]
pub struct KeyOrder {
    /// Whose.
    pub tenant: TenantId,
    /// What it may do.
    pub kind: Kind,
    /// Who holds it: rates are counted for, and reviews compared by, this name. Its id unless given.
    pub name: Option<String>,
    /// How its secret begins.
    pub prefix: Prefix,
    /// When it ends by itself; never unless given.
    pub expires_at: Option<Timestamp>,
}

/// Makes what every store has: a key that signs sessions, and the first tenant.
///
/// # Errors
/// [`SetupError`].
pub fn first_tenant(store: &mut dyn Store, now: Timestamp) -> Result<(), SetupError> {
    let access = store.access()?;
    if access.signing_keys.is_empty() {
        store.commit(&[Change::SigningKey(signing_key(now, now)?)], Durability::Durable)?;
    }
    match access.tenants.is_empty() {
        true => create_tenant(store, TenantId::parse(FIRST)?, Dialect::Scopebound, now),
        false => Ok(()),
    }
}

/// Gives the first tenant its baseline, unless it has one or ever had.
pub(crate) fn first_baseline(
    store: &mut dyn Store,
    tenants: &mut [TenantState],
    now: Timestamp,
) -> Result<(), SetupError> {
    let first = tenants.iter_mut().find(|tenant| tenant.tenant.tenant.as_str() == FIRST);
    let Some(first) = first.filter(|tenant| tenant.roles.iter().all(|role| role.name != BASELINE)) else {
        return Ok(());
    };
    let role = baseline(&first.tenant.tenant, now);
    match store.commit(&[Change::Role(role.clone())], Durability::Durable) {
        Ok(()) => first.roles.push(role),
        // It has ended: whoever ended it meant it.
        Err(StoreError::Conflict(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The baseline of a tenant. Its id is always the same, so that it begins once.
fn baseline(tenant: &TenantId, now: Timestamp) -> RoleRow {
    let mut id = [0; 16];
    let hash: [u8; 32] = Sha256::digest(format!("scopegate-baseline\0{tenant}")).into();
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    let document = json!({
        "name": BASELINE,
        "description": "what agents may do that have no other role, and callers that are no agent",
        "allowed_actions": ["*"],
    });
    RoleRow {
        tenant: tenant.clone(),
        id: uuid::Builder::from_custom_bytes(id).into_uuid().to_string().into(),
        name: Name::new_static(BASELINE),
        version: 1,
        document: document.to_string(),
        created_at: now,
        updated_at: now,
        ended: false,
    }
}

/// Makes an admin key for the first tenant, if nobody can write roles there yet, and returns its
/// secret.
///
/// # Errors
/// [`SetupError`].
pub fn first_admin(store: &mut dyn Store, now: Timestamp) -> Result<Option<String>, SetupError> {
    first_tenant(store, now)?;
    let tenant = TenantId::parse(FIRST)?;
    let access = store.access()?;
    let mut keys = access.keys.iter().filter(|key| key.tenant == tenant);
    if keys.any(|key| matches!(Kind::parse(&key.kind), Some(Kind::Admin | Kind::Dev))) {
        return Ok(None);
    }
    let order = KeyOrder {
        tenant,
        kind: Kind::Admin,
        name: Some("admin".to_owned()),
        prefix: Prefix::Sb,
        expires_at: None,
    };
    Ok(Some(create_key(store, order, now)?.secret))
}

/// Makes a tenant.
///
/// # Errors
/// [`SetupError`].
pub fn create_tenant(
    store: &mut dyn Store,
    tenant: TenantId,
    dialect: Dialect,
    now: Timestamp,
) -> Result<(), SetupError> {
    if find(&store.access()?, &tenant) {
        return Err(SetupError::TenantExists(tenant));
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    let incarnation = random_53_bits()?;
    let chain = format!("{tenant}-{:032x}", u128::from_be_bytes(random));
    let role = (dialect == Dialect::Xybern).then(|| Change::Role(baseline(&tenant, now)));
    let row =
        TenantRow { tenant, chain: chain.into(), epoch: Epoch { incarnation, counter: 0 }, created_at: now };
    let begun: Vec<Change> = std::iter::once(Change::Tenant(row)).chain(role).collect();
    store.commit(&begun, Durability::Durable)?;
    Ok(())
}

/// Makes a key. Its secret is in the answer and nowhere else.
///
/// # Errors
/// [`SetupError`].
pub fn create_key(store: &mut dyn Store, order: KeyOrder, now: Timestamp) -> Result<NewKey, SetupError> {
    if !find(&store.access()?, &order.tenant) {
        return Err(SetupError::NoTenant(order.tenant));
    }
    let key = keys::make(order.prefix, order.kind)?;
    let owner = order.name.as_deref().map_or_else(|| key.id.clone(), Name::from);
    let row = KeyRow {
        tenant: order.tenant,
        id: key.id.clone(),
        kind: order.kind.word().into(),
        owner,
        name: order.name,
        hash: key.hash,
        created_at: now,
        expires_at: order.expires_at,
        revoked_at: None,
    };
    store.commit(&[Change::Key(row)], Durability::Durable)?;
    Ok(key)
}

/// A key that will sign session tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextSigningKey {
    /// Its id, `kid` in tokens.
    pub id: Name,
    /// From when on it signs.
    pub signs_from: Timestamp,
}

/// Makes the next key that signs session tokens. It is published at once and
/// signs after ten minutes, so that whoever verifies tokens knows it by then; tokens of the keys
/// before stay good until they expire.
///
/// # Errors
/// [`SetupError`].
pub fn rotate_signing_key(store: &mut dyn Store, now: Timestamp) -> Result<NextSigningKey, SetupError> {
    let row = next_signing_key(now)?;
    let next = NextSigningKey { id: row.id.clone(), signs_from: row.signs_from };
    store.commit(&[Change::SigningKey(row)], Durability::Durable)?;
    Ok(next)
}

/// A key that is known some time before it signs.
pub(crate) fn next_signing_key(now: Timestamp) -> Result<SigningKeyRow, getrandom::Error> {
    signing_key(now, now.after(PUBLISHED))
}

fn signing_key(now: Timestamp, signs_from: Timestamp) -> Result<SigningKeyRow, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let id = format!("s{}-{:x}", now.secs(), random_53_bits()?);
    Ok(SigningKeyRow { id: id.into(), seed, created_at: now, signs_from, retired_at: None })
}

/// Ends a key, by its id. Ending it twice is fine.
///
/// # Errors
/// [`SetupError`].
pub fn revoke_key(store: &mut dyn Store, id: &str, now: Timestamp) -> Result<(), SetupError> {
    let access = store.access()?;
    let key = access.keys.iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| SetupError::NoKey(id.to_owned()))?;
    if key.revoked_at.is_none() {
        let row = KeyRow { revoked_at: Some(now), ..key.clone() };
        store.commit(&[Change::Key(row)], Durability::Durable)?;
    }
    Ok(())
}

/// A random number that JSON carries exactly.
pub(crate) fn random_53_bits() -> Result<u64, getrandom::Error> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    Ok(u64::from_be_bytes(random) >> 11)
}

fn find(access: &Access, tenant: &TenantId) -> bool {
    access.tenants.iter().any(|row| row.tenant == *tenant)
}
