//! A session that this process opened, and what may still be decided here for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use scopegate_core::{Name, Principal, ProvisionError, SessionId, SessionWatch, Timestamp};
use scopegate_engine::{Lender, LentSession, Loan, LocalEnforcer};

use super::lease::{Lease, Moment};
use super::lock;
use super::open::FailOpen;
use super::rate::Rate;
use super::said::Said;
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
    /// Whether whoever opened it still wants to know what became of it.
    pub(super) watch: SessionWatch,
    lease: Arc<Lease>,
    /// What the lease must be at for this session to be lent; 0 for never.
    generation: AtomicU64,
    /// How often it was taken back: what left before then to ask for it lends nothing any more.
    turn: AtomicU64,
    rate: Rate,
    terms: Mutex<Option<Terms>>,
    local: OnceLock<Principal>,
    open: OnceLock<Principal>,
    over: AtomicBool,
    /// Whether the plane does not take its journal: then nothing of it can be recorded here.
    unrecorded: AtomicBool,
    /// What the plane said of its tools.
    pub(super) said: Said,
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

impl Seat {
    pub(super) fn new(
        id: SessionId,
        token: Token,
        role: Name,
        expires_at: Timestamp,
        watch: SessionWatch,
        lease: Arc<Lease>,
    ) -> Self {
        Self {
            id,
            token,
            role,
            expires_at,
            watch,
            lease,
            generation: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            rate: Rate::default(),
            terms: Mutex::new(None),
            local: OnceLock::new(),
            open: OnceLock::new(),
            over: AtomicBool::new(false),
            unrecorded: AtomicBool::new(false),
            said: Said::default(),
        }
    }

    /// Takes up the terms that were asked for then, and has the engines take up the session.
    pub(super) fn settle(
        self: &Arc<Self>,
        terms: Terms,
        asked: Moment,
        local: &LocalEnforcer,
        open: Option<&FailOpen>,
    ) -> Result<(), ProvisionError> {
        let lent = |records| LentSession {
            id: self.id,
            owner: terms.owner.clone(),
            role: self.role.clone(),
            expires_at: self.expires_at,
            records,
            watch: self.watch.clone(),
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
        // What stood was judged by what may have changed.
        self.said.forget(asked.monotonic);
        let mut held = lock(&self.terms);
        if held.as_ref().is_some_and(|held| held.version != terms.version || held.limited != terms.limited) {
            // What is left was counted by limits that are no more.
            self.rate.forfeit();
        }
        self.rate.limit(terms.limited);
        *held = Some(terms);
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

    /// From here on it is lent, while the lease has this generation; not if it was taken back after this
    /// turn. Whether it is.
    pub(super) fn lend_under(&self, generation: u64, turn: u64) -> bool {
        self.generation.swap(generation, Ordering::AcqRel);
        // Whoever takes it back at this moment says so first: it is seen here, or undone there.
        let may_be = self.turn() == turn && !self.is_over() && !self.unrecorded.load(Ordering::Acquire);
        if !may_be {
            self.generation.swap(0, Ordering::AcqRel);
        }
        may_be
    }

    /// It is not lent any more, also not by an answer that is on its way.
    pub(super) fn take_back(&self) {
        self.turn.fetch_add(1, Ordering::AcqRel);
        self.generation.swap(0, Ordering::AcqRel);
    }

    /// To be asked before a request leaves, and handed to [`lend_under`](Self::lend_under).
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Acquire)
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

    /// Its journal was refused for good: from here on the plane decides its calls, because it records
    /// them. False when that was so before.
    pub(super) fn end_recording(&self) -> bool {
        let first = !self.unrecorded.swap(true, Ordering::AcqRel);
        self.take_back();
        first
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
        // Held meanwhile: another version must not come between.
        let terms = lock(&self.terms);
        let current = terms.as_ref().is_some_and(|terms| terms.version == version);
        self.rate.credit(if current { calls } else { 0 }, left);
    }
}

impl Lender for Seat {
    #[inline]
    fn lend(&self) -> Option<Loan> {
        if self.is_lent() { self.rate.take(&self.lease) } else { None }
    }

    fn unspent(&self, loan: Loan) {
        self.rate.give_back(loan);
    }
}
