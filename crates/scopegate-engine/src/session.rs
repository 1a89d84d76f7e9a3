//! Sessions: who holds which token, and what is left of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use scopegate_core::{Name, PermitId, PrincipalRef, ProvisionError, SessionId, Tat, Timestamp};

use crate::ledger::Ledger;
use crate::random;
use crate::snapshot::Slot;
use crate::state::{AccountKey, Counted, SavedSession};

/// How long an ended session is remembered, so that its end can still be told from a forgery.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// A session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) owner: Arc<Owner>,
    pub(crate) role: Name,
    pub(crate) slot: Slot,
    pub(crate) expires_at: Timestamp,
    pub(crate) parent: Option<Arc<Session>>,
    /// Accounts shared with the other sessions of the owner and role.
    pub(crate) shared: Arc<Ledger>,
    /// Accounts of this session alone.
    pub(crate) own: Ledger,
    revoked: AtomicBool,
    records: AtomicU64,
}

/// Whoever owns sessions: an agent.
pub(crate) struct Owner {
    pub(crate) name: Name,
    suspended: AtomicBool,
}

impl Session {
    /// The session, then its parents.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |session| session.parent.as_deref())
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    pub(crate) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    /// The number of the session's next record, from 1 without gaps.
    pub(crate) fn number(&self) -> PermitId {
        PermitId { session: self.id, number: self.records.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Owner {
    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::Acquire)
    }

    pub(crate) fn suspend(&self, suspended: bool) {
        self.suspended.store(suspended, Ordering::Release);
    }
}

/// All sessions of an enforcer. Reading takes no lock.
pub(crate) struct SessionBook {
    // Tokens come from outside, so their hash is keyed. The whole token is compared.
    by_token: papaya::HashMap<Box<str>, Arc<Session>, RandomState>,
    by_id: papaya::HashMap<SessionId, (Box<str>, Arc<Session>), RandomState>,
    writer: Mutex<Writer>,
    limit: usize,
}

#[derive(Default)]
struct Writer {
    owners: HashMap<Name, Arc<Owner>>,
    ledgers: HashMap<(Name, Name), Arc<Ledger>>,
    /// When sessions that have ended are next forgotten.
    sweep_at: usize,
}

/// A session to open, its role already found.
pub(crate) struct Opening {
    pub(crate) owner: Name,
    pub(crate) role: Name,
    pub(crate) slot: Slot,
    pub(crate) expires_at: Timestamp,
    pub(crate) parent: Option<Arc<Session>>,
}

impl SessionBook {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            by_token: papaya::HashMap::with_hasher(RandomState::default()),
            by_id: papaya::HashMap::with_hasher(RandomState::default()),
            writer: Mutex::new(Writer { sweep_at: 1024, ..Writer::default() }),
            limit,
        }
    }

    /// Calls `read` with the principal's session, if it is known.
    pub(crate) fn with<T>(
        &self,
        principal: PrincipalRef<'_>,
        read: impl FnOnce(Option<&Arc<Session>>) -> T,
    ) -> T {
        match principal {
            PrincipalRef::Token(token) => read(self.by_token.pin().get(token)),
            PrincipalRef::Session(id) => read(self.by_id.pin().get(&id).map(|(_, session)| session)),
            _ => read(None),
        }
    }

    /// Opens a session and returns its token.
    pub(crate) fn open(
        &self,
        opening: Opening,
        now: Timestamp,
    ) -> Result<(Box<str>, Arc<Session>), ProvisionError> {
        let (token, id) = (random::token()?, random::session_id()?);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = writer.owner(&opening.owner);
        if owner.is_suspended() {
            return Err(ProvisionError::Suspended(opening.owner));
        }
        if self.by_id.len() >= writer.sweep_at.min(self.limit) {
            self.sweep(now);
            writer.sweep_at = (self.by_id.len() * 2).max(1024);
        }
        if self.by_id.len() >= self.limit {
            return Err(ProvisionError::TooMany(self.limit));
        }
        let shared = writer.ledger(opening.owner, opening.role.clone());
        let session = Arc::new(Session {
            id,
            owner,
            role: opening.role,
            slot: opening.slot,
            expires_at: opening.expires_at,
            parent: opening.parent,
            shared,
            own: Ledger::new(),
            revoked: AtomicBool::new(false),
            records: AtomicU64::new(0),
        });
        self.by_id.pin().insert(id, (token.clone(), session.clone()));
        self.by_token.pin().insert(token.clone(), session.clone());
        Ok((token, session))
    }

    /// Takes up a session of an earlier process. Its token is whoever's who made it.
    pub(crate) fn restore(&self, saved: SavedSession, slot: Slot) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = writer.owner(&saved.owner);
        let shared = writer.ledger(saved.owner, saved.role.clone());
        let sessions = self.by_id.pin();
        let parent = saved.parent.and_then(|id| sessions.get(&id)).map(|(_, session)| session.clone());
        let session = Arc::new(Session {
            id: saved.id,
            owner,
            role: saved.role,
            slot,
            expires_at: saved.expires_at,
            // A parent that nobody knows any more cannot agree to anything.
            revoked: AtomicBool::new(saved.revoked || (saved.parent.is_some() && parent.is_none())),
            parent,
            shared,
            own: Ledger::new(),
            records: AtomicU64::new(saved.records),
        });
        sessions.insert(saved.id, (Box::default(), session));
    }

    /// Takes up what an account counted in an earlier process.
    pub(crate) fn restore_account(&self, key: AccountKey, tat: Tat) {
        match key.of {
            Counted::Shared { owner, role } => {
                let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.ledger(owner, role).restore(key.role, key.window, tat);
            }
            Counted::Own(id) => {
                if let Some((_, session)) = self.by_id.pin().get(&id) {
                    session.own.restore(key.role, key.window, tat);
                }
            }
        }
    }

    /// Suspends or readmits an owner, also one that has no session yet.
    pub(crate) fn suspend(&self, owner: &Name, suspended: bool) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.owner(owner).suspend(suspended);
    }

    /// Forgets sessions that ended long ago. Ledgers stay: forgetting one would refill its limit.
    fn sweep(&self, now: Timestamp) {
        let ids = self.by_id.pin();
        let tokens = self.by_token.pin();
        for (id, (token, session)) in &ids {
            if session.expires_at.after(REMEMBERED) <= now {
                tokens.remove(token);
                ids.remove(id);
            }
        }
    }
}

impl Writer {
    fn ledger(&mut self, owner: Name, role: Name) -> Arc<Ledger> {
        self.ledgers.entry((owner, role)).or_insert_with(|| Arc::new(Ledger::new())).clone()
    }

    fn owner(&mut self, name: &Name) -> Arc<Owner> {
        let fresh = || Arc::new(Owner { name: name.clone(), suspended: AtomicBool::new(false) });
        self.owners.entry(name.clone()).or_insert_with(fresh).clone()
    }
}
