//! A session that this process opened, and what may still be decided here for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use scopegate_core::{Denial, Name, Principal, ProvisionError, SessionId, Timestamp};
use scopegate_engine::{Lender, LentSession, LocalEnforcer};

use super::lease::{Lease, Moment};
use super::lock;
use super::open::FailOpen;
use super::rate::Rate;
use crate::wire::Token;

/// Decisions of this process are numbered from here on; the plane numbers its own from 1.
pub(super) const LOCAL: u64 = 1 << 48;
/// And those that were made because the plane could not be reached, from here on.
pub(super) const FAIL_OPEN: u64 = 1 << 49;

/// A session.
pub(super) struct Seat {
    pub(super) id: SessionId,
    pub(super) token: Token,
    pub(super) role: Name,
    pub(super) expires_at: Timestamp,
    lease: Arc<Lease>,
    /// What the lease must be at for this session to be lent; 0 for never.
    generation: AtomicU64,
    rate: Rate,
    terms: Mutex<Option<Terms>>,
    local: OnceLock<Principal>,
    open: OnceLock<Principal>,
    over: AtomicBool,
    /// Denials that last, by tool.
    standing: Mutex<HashMap<Name, (Denial, Timestamp)>>,
}

/// What a session was lent on.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) owner: Name,
    /// The version of its role.
    pub(super) version: u64,
    /// Its role and all its parents.
    pub(super) lineage: Vec<Name>,
    /// Whether calls are counted.
    pub(super) limited: bool,
}

/// Denials kept for one session.
const MOST: usize = 256;

impl Seat {
    pub(super) fn new(
        id: SessionId,
        token: Token,
        role: Name,
        expires_at: Timestamp,
        lease: Arc<Lease>,
    ) -> Self {
        Self {
            id,
            token,
            role,
            expires_at,
            lease,
            generation: AtomicU64::new(0),
            rate: Rate::default(),
            terms: Mutex::new(None),
            local: OnceLock::new(),
            open: OnceLock::new(),
            over: AtomicBool::new(false),
            standing: Mutex::default(),
        }
    }

    /// Takes up the terms, and has the engines take up the session.
    pub(super) fn settle(
        self: &Arc<Self>,
        terms: Terms,
        local: &LocalEnforcer,
        open: Option<&FailOpen>,
    ) -> Result<(), ProvisionError> {
        let lent = |records| LentSession {
            id: self.id,
            owner: terms.owner.clone(),
            role: self.role.clone(),
            expires_at: self.expires_at,
            records,
        };
        if self.local.get().is_none() {
            let principal = local.borrow_session(lent(LOCAL), self.clone())?;
            // Scopes are taken up one at a time.
            let _ = self.local.set(principal);
        }
        if let Some(open) = open
            && self.open.get().is_none()
        {
            let _ = self.open.set(open.borrow_session(lent(FAIL_OPEN), self.clone())?);
        }
        self.rate.limit(terms.limited);
        // What stood was judged by what may have changed.
        lock(&self.standing).clear();
        *lock(&self.terms) = Some(terms);
        Ok(())
    }

    /// Who to present to the local engine, once anything was lent.
    pub(super) fn local(&self) -> Option<&Principal> {
        self.local.get()
    }

    /// Who to present to the engine that decides when the plane cannot be reached.
    pub(super) fn open(&self) -> Option<&Principal> {
        self.open.get()
    }

    /// From here on it is lent, while the lease has this generation.
    pub(super) fn lend(&self, generation: u64) {
        if !self.is_over() {
            self.generation.store(generation, Ordering::Release);
        }
    }

    /// It is not lent any more.
    pub(super) fn take_back(&self) {
        self.generation.store(0, Ordering::Release);
    }

    /// Whether it is lent now.
    pub(super) fn is_lent(&self) -> bool {
        self.lease.holds(self.generation.load(Ordering::Acquire))
    }

    /// Whether nothing but silence ended what was lent: it was neither taken back nor dropped.
    pub(super) fn is_last_known(&self) -> bool {
        !self.is_over() && self.generation.load(Ordering::Acquire) == self.lease.generation()
    }

    /// It was ended, and nothing revives it.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.take_back();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Whether a change of this role changes what the session may do.
    pub(super) fn rests_on(&self, role: &str) -> bool {
        lock(&self.terms).as_ref().is_some_and(|terms| terms.lineage.iter().any(|name| name == role))
    }

    pub(super) fn is_owned_by(&self, owner: &str) -> bool {
        lock(&self.terms).as_ref().is_some_and(|terms| terms.owner == owner)
    }

    /// Whether the plane should be asked for more calls; then [`credit`](Self::credit) has to follow.
    pub(super) fn wants_rate(&self) -> bool {
        self.is_lent() && self.rate.wants(&self.lease)
    }

    /// Calls that were counted for this version of the role, for a request that left then. They replace
    /// what was left.
    pub(super) fn credit(&self, calls: u64, version: u64, left: Moment) {
        let current = lock(&self.terms).as_ref().is_some_and(|terms| terms.version == version);
        self.rate.credit(if current { calls } else { 0 }, left);
    }

    /// The denial that still stands against a tool.
    pub(super) fn denied(&self, tool: &str, now: Timestamp) -> Option<Denial> {
        lock(&self.standing).get(tool).filter(|(_, until)| now < *until).map(|(denial, _)| denial.clone())
    }

    /// A denial that is repeated here until then.
    pub(super) fn deny(&self, tool: Name, denial: Denial, until: Timestamp) {
        let mut standing = lock(&self.standing);
        if standing.len() >= MOST {
            standing.clear();
        }
        standing.insert(tool, (denial, until));
    }
}

impl Lender for Seat {
    #[inline]
    fn lends(&self) -> bool {
        self.is_lent() && self.rate.take(&self.lease)
    }

    fn unspent(&self) {
        self.rate.give_back();
    }
}
