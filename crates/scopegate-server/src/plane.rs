//! The plane as a whole: its tenants, its one writer, its keys, its clock and its signer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use axum::http::HeaderMap;
use scopegate_core::Timestamp;
use scopegate_engine::{Clock, SystemClock};
use tokio::sync::Semaphore;

use crate::assertion::{self, Refused, Unverified};
use crate::auth::{self, Caller, Keyring, Stranger};
use crate::config::Config;
use crate::domain::{Failure, Kids, Proof, Tenant};
use crate::metrics::Metrics;
use crate::setup;
use crate::store::{
    Access, Archive, Change, Kept, SessionRow, SigningKeyRow, State, StoreError, TenantId, TenantRow,
    TenantState, WriterHandle,
};
use crate::streams::Streams;
use crate::token::{Presented, Signer, Verified};
use crate::webhook::{Guard, Outbox};

/// How long a key signs sessions.
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
/// Tokens remembered as verified; a verification is dear.
const MAX_TOKENS: usize = 100_000;

/// A running plane.
pub struct Plane {
    pub(crate) config: Config,
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) writer: WriterHandle,
    pub(crate) keyring: Keyring,
    pub(crate) metrics: Metrics,
    /// One place for each request that is being answered.
    pub(crate) room: Semaphore,
    pub(crate) outbox: Outbox,
    /// Who listens to events.
    pub(crate) streams: Streams,
    tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    /// Which tenant's agent a credential belongs to.
    kids: Arc<Kids>,
    signer: RwLock<Signer>,
    tokens: RwLock<HashMap<Box<str>, Arc<Verified>>>,
}

impl Plane {
    /// A plane of what was kept.
    pub(crate) fn restore(
        config: Config,
        state: State,
        writer: WriterHandle,
        archive: Arc<dyn Archive>,
        outbox: Outbox,
    ) -> Result<Self, Failure> {
        let signer = Signer::new(&state.signing_keys)
            .ok_or_else(|| Failure::Invalid("the store holds no key that signs sessions".to_owned()))?;
        let keys: Vec<_> = state.tenants.iter().flat_map(|tenant| tenant.keys.clone()).collect();
        let plane = Self {
            keyring: Keyring::new(keys, archive.clone()),
            room: Semaphore::new(config.limits.requests as usize),
            config,
            archive,
            writer,
            metrics: Metrics::default(),
            outbox,
            streams: Streams::default(),
            tenants: RwLock::default(),
            kids: Arc::default(),
            signer: RwLock::new(signer),
            tokens: RwLock::default(),
        };
        for tenant in state.tenants {
            plane.take_up(tenant, state.latest)?;
        }
        Ok(plane)
    }

    /// Takes up a tenant, unless it is there already.
    pub(crate) fn take_up(&self, state: TenantState, latest: Timestamp) -> Result<(), Failure> {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Vacant(place) = tenants.entry(state.tenant.tenant.clone()) {
            let (writer, archive) = (self.writer.clone(), self.archive.clone());
            let outbox = self.outbox.clone();
            let (buffered, kids) = (self.config.buffered, self.kids.clone());
            let tenant = Tenant::restore(state, latest, writer, archive, outbox, buffered, kids)?;
            place.insert(Arc::new(tenant));
        }
        Ok(())
    }

    /// Takes up what another process changed: keys, and tenants, which begin with nothing else.
    pub(crate) fn follow(&self) -> Result<(), StoreError> {
        self.keyring.look(|access, revoked| {
            for key in revoked {
                if let Some(tenant) = self.taken_up(&key.tenant) {
                    tenant.key_revoked(key.owner.clone());
                }
            }
            self.follow_access(access);
        })
    }

    fn follow_access(&self, access: Access) {
        self.follow_signer(&access.signing_keys);
        for tenant in access.tenants {
            let id = tenant.tenant.clone();
            if let Err(failure) = self.begin(tenant) {
                tracing::error!(tenant = %id, %failure, "a new tenant cannot be taken up");
            }
        }
    }

    /// Takes up a tenant that another process made, with the roles it began with.
    fn begin(&self, tenant: TenantRow) -> Result<(), Failure> {
        if self.taken_up(&tenant.tenant).is_some() {
            return Ok(());
        }
        let roles = self.archive.roles(&tenant.tenant)?;
        self.take_up(TenantState { roles, ..TenantState::begun(tenant) }, self.now())
    }

    /// What a key verified that is gone now has to be looked at again.
    fn follow_signer(&self, rows: &[SigningKeyRow]) {
        let Some(next) = Signer::new(rows) else { return };
        let mut signer = self.signer.write().unwrap_or_else(PoisonError::into_inner);
        if !signer.is_known_to(&next) {
            self.tokens.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        *signer = next;
    }

    /// All tenants.
    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A tenant, also one that another process made a moment ago: whoever asks has a key of it.
    pub(crate) fn tenant(&self, id: &TenantId) -> Result<Arc<Tenant>, Failure> {
        if let Some(tenant) = self.taken_up(id) {
            return Ok(tenant);
        }
        self.follow()?;
        self.taken_up(id).ok_or(Failure::Unknown("tenant"))
    }

    fn taken_up(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    #[expect(clippy::unused_self, reason = "the clock is the plane's, and may come to be another")]
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock::new().now()
    }

    pub(crate) fn guard(&self) -> Guard {
        self.config.guard
    }

    /// The token of a session.
    pub(crate) fn sign(&self, session: &SessionRow) -> Result<String, Failure> {
        let none = || Failure::Unavailable("no key signs sessions".to_owned());
        self.signer().sign(session).ok_or_else(none)
    }

    /// Makes the next key that signs sessions, if the newest is a month old.
    pub(crate) async fn turn_keys(&self) -> Result<(), Failure> {
        let now = self.now();
        let newest = self.archive.access()?.signing_keys.iter().map(|row| row.created_at).max();
        if newest.is_some_and(|newest| now < newest.after(MONTH)) {
            return Ok(());
        }
        let unkept = |why: String| Failure::Unavailable(format!("the key cannot be kept: {why}"));
        let row = setup::next_signing_key(now).map_err(|error| unkept(error.to_string()))?;
        let ticket = self.writer.submit(vec![Change::SigningKey(row)]);
        match self.writer.kept(ticket.map_err(|error| unkept(error.to_string()))?).await {
            Kept::Yes => Ok(self.follow()?),
            Kept::No(why) => Err(unkept(why.to_string())),
        }
    }

    /// The keys that verify tokens.
    pub(crate) fn signer(&self) -> RwLockReadGuard<'_, Signer> {
        self.signer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a presented token comes to. Its signature is looked at once.
    pub(crate) fn present(&self, token: &str) -> Presented {
        let now = self.now();
        if let Some(known) = self.tokens.read().unwrap_or_else(PoisonError::into_inner).get(token) {
            return known.at(now);
        }
        // Held until it is remembered, so that nothing of a key that goes away meanwhile is.
        let signer = self.signer();
        let Some(verified) = signer.verify(token) else { return Presented::Nothing };
        let presented = verified.at(now);
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, verified| now < verified.expires_at);
            if tokens.len() >= MAX_TOKENS {
                tokens.clear();
            }
        }
        tokens.insert(token.into(), Arc::new(verified));
        presented
    }

    /// Who sent a request with these headers; and the proof, where an agent proved itself, which is not used
    /// up yet.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<(Caller, Option<Proof>), Stranger> {
        let (secret, now) = (auth::credential(headers)?, self.now());
        if !assertion::is_meant(secret) {
            return Ok((self.keyring.caller(secret, now)?, None));
        }
        let assertion = Unverified::read(secret)?;
        let tenant =
            self.kids.tenant(assertion.kid()).and_then(|id| self.taken_up(&id)).ok_or(Refused::Kid)?;
        let proof = tenant.prove(assertion, now)?;
        let caller = Caller::agent(tenant.id.clone(), proof.agent.clone(), proof.credential.clone());
        Ok((caller, Some(proof)))
    }

    /// Uses a proof up.
    pub(crate) async fn spend(&self, caller: &Caller, proof: &Proof) -> Result<(), Stranger> {
        let tenant = self.tenant(&caller.tenant).map_err(|_| Stranger::Unkept)?;
        let spent = tenant.spend(proof, self.now()).await.map_err(|_| Stranger::Unkept)?;
        Ok(spent?)
    }

    /// Whether whoever was let in would be let in now.
    pub(crate) fn still_admits(&self, caller: &Caller) -> bool {
        match &caller.credential {
            None => self.keyring.still_admits(caller, self.now()),
            Some(credential) => {
                self.taken_up(&caller.tenant).is_some_and(|tenant| tenant.still_takes(credential, self.now()))
            }
        }
    }

    /// What the secret of a role's webhook is now.
    pub(crate) fn webhook_secret(&self, tenant: &TenantId, role: &str) -> Option<String> {
        self.tenant(tenant).ok()?.role(role).ok()?.text("webhook_secret").map(str::to_owned)
    }
}

impl std::fmt::Debug for Plane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plane").field("config", &self.config).finish_non_exhaustive()
    }
}
