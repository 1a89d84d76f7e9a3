//! Sessions: who holds which token, and what is left of it.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use papaya::{Equivalent, Guard};
use scopegate_core::{
    Account, Link, Name, PermitId, PrincipalRef, ProvisionError, SessionId, Tat, Timestamp,
};
use seize::Collector;

use crate::ledger::Ledger;
use crate::lent::{Lender, LentSession};
use crate::random;
use crate::snapshot::{Slot, Snapshot};
use crate::state::{AccountKey, Counted, SavedSession};
use crate::token::Token;

/// How long an ended session is remembered, so that its end can still be told from a forgery.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// A session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) owner: Arc<Owner>,
    /// Its place with the other sessions of the owner and role.
    pub(crate) seat: Arc<Seat>,
    pub(crate) slot: Slot,
    pub(crate) expires_at: Timestamp,
    pub(crate) parent: Option<Arc<Session>>,
    /// Accounts of this session alone, once any are counted.
    own: OnceLock<Box<Ledger>>,
    /// Who lent it, where the session is another enforcer's.
    pub(crate) lender: Option<Arc<dyn Lender>>,
    revoked: AtomicBool,
    records: AtomicU64,
}

/// Whether others may number a record of the same session at this time.
#[derive(Clone, Copy)]
pub(crate) enum Counting {
    /// A lock that all records of the session pass is held.
    Alone,
    BesideOthers,
}

/// Whoever owns sessions: an agent.
pub(crate) struct Owner {
    pub(crate) name: Name,
    suspended: AtomicBool,
}

/// What the sessions of one owner and role share.
pub(crate) struct Seat {
    /// The accounts they share.
    pub(crate) ledger: Ledger,
    /// The owner and the role.
    key: (Name, Name),
}

impl Session {
    /// The session, then its parents.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |session| session.parent.as_deref())
    }

    /// The session as a decision sees it.
    #[inline(always)]
    pub(crate) fn link<'s>(&self, snapshot: &'s Snapshot) -> Link<'s> {
        Link {
            suspended: self.owner.is_suspended(),
            revoked: self.is_revoked(),
            expires_at: self.expires_at,
            scope: snapshot.scope(self.slot),
        }
    }

    pub(crate) fn role(&self) -> &Name {
        &self.seat.key.1
    }

    /// Accounts of this session alone. They are younger than those it shares.
    pub(crate) fn own(&self) -> &Ledger {
        self.own.get_or_init(|| Box::new(Ledger::new()))
    }

    /// The accounts of that kind that count its calls.
    pub(crate) fn ledger(&self, account: Account) -> &Ledger {
        match account {
            Account::Shared => &self.seat.ledger,
            Account::Own => self.own(),
        }
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    pub(crate) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    /// The number of the session's next record, from 1 without gaps.
    #[inline]
    pub(crate) fn number(&self, counting: Counting) -> PermitId {
        let number = match counting {
            Counting::Alone => {
                let number = self.records.load(Ordering::Relaxed) + 1;
                self.records.store(number, Ordering::Relaxed);
                number
            }
            Counting::BesideOthers => self.records.fetch_add(1, Ordering::Relaxed) + 1,
        };
        PermitId { session: self.id, number }
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
    by_token: papaya::HashSet<ByToken, RandomState>,
    by_id: papaya::HashSet<ById, RandomState>,
    writer: Mutex<Writer>,
    limit: usize,
}

#[derive(Default)]
struct Writer {
    owners: HashMap<Name, Arc<Owner>>,
    seats: HashSet<Seated>,
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
    /// Whoever reads holds a guard of this collector meanwhile.
    pub(crate) fn new(limit: usize, collector: &Arc<Collector>) -> Self {
        Self {
            by_token: papaya::HashSet::builder()
                .hasher(RandomState::default())
                .shared_collector(collector.clone())
                .build(),
            by_id: papaya::HashSet::builder()
                .hasher(RandomState::default())
                .shared_collector(collector.clone())
                .build(),
            writer: Mutex::new(Writer { sweep_at: 1024, ..Writer::default() }),
            limit,
        }
    }

    /// The principal's session, if it is known.
    #[inline(always)]
    pub(crate) fn find<'g>(
        &self,
        principal: PrincipalRef<'_>,
        guard: &'g impl Guard,
    ) -> Option<&'g Arc<Session>> {
        match principal {
            PrincipalRef::Token(token) => {
                self.by_token.get(&Token::read(token)?, guard).map(|ByToken(_, session)| session)
            }
            PrincipalRef::Session(id) => self.by_id.get(&id, guard).map(|ById(session)| session),
            _ => None,
        }
    }

    /// Opens a session and returns its token.
    pub(crate) fn open(
        &self,
        opening: Opening,
        now: Timestamp,
    ) -> Result<(Token, Arc<Session>), ProvisionError> {
        let (token, id) = (Token::random()?, random::session_id()?);
        let mut writer = self.writer();
        let owner = writer.owner(&opening.owner);
        if owner.is_suspended() {
            return Err(ProvisionError::Suspended(opening.owner));
        }
        self.make_room(&mut writer, now)?;
        let session = Arc::new(Session {
            id,
            owner,
            seat: writer.seat(opening.owner, opening.role),
            slot: opening.slot,
            expires_at: opening.expires_at,
            parent: opening.parent,
            own: OnceLock::new(),
            lender: None,
            revoked: AtomicBool::new(false),
            records: AtomicU64::new(0),
        });
        self.by_id.pin().insert(ById(session.clone()));
        self.by_token.pin().insert(ByToken(token, session.clone()));
        Ok((token, session))
    }

    /// Takes up a session that another enforcer opened and lends; its token here.
    pub(crate) fn borrow(
        &self,
        lent: LentSession,
        slot: Slot,
        lender: Arc<dyn Lender>,
        now: Timestamp,
    ) -> Result<Token, ProvisionError> {
        let token = Token::random()?;
        let mut writer = self.writer();
        self.make_room(&mut writer, now)?;
        let session = Arc::new(Session {
            id: lent.id,
            owner: writer.owner(&lent.owner),
            seat: writer.seat(lent.owner, lent.role),
            slot,
            expires_at: lent.expires_at,
            parent: None,
            own: OnceLock::new(),
            lender: Some(lender),
            revoked: AtomicBool::new(false),
            records: AtomicU64::new(lent.records),
        });
        self.by_id.pin().insert(ById(session.clone()));
        self.by_token.pin().insert(ByToken(token, session));
        Ok(token)
    }

    /// Forgets what is long over where there are many sessions, and refuses more than the limit.
    fn make_room(&self, writer: &mut Writer, now: Timestamp) -> Result<(), ProvisionError> {
        if self.by_id.len() >= writer.sweep_at.min(self.limit) {
            self.sweep(now);
            writer.sweep_at = (self.by_id.len() * 2).max(1024);
        }
        if self.by_id.len() >= self.limit {
            return Err(ProvisionError::TooMany(self.limit));
        }
        let open = self.by_token.len();
        if open.is_power_of_two() {
            // Half of the table stays free: in a full one a token is found after many steps.
            self.by_token.pin().reserve(open);
        }
        Ok(())
    }

    /// Takes up a session of an earlier process. Its token is whoever's who made it.
    pub(crate) fn restore(&self, saved: SavedSession, slot: Slot) {
        let mut writer = self.writer();
        let sessions = self.by_id.pin();
        let parent = saved.parent.and_then(|id| sessions.get(&id)).map(|ById(session)| session.clone());
        let session = Session {
            id: saved.id,
            owner: writer.owner(&saved.owner),
            seat: writer.seat(saved.owner, saved.role),
            slot,
            expires_at: saved.expires_at,
            // A parent that nobody knows any more cannot agree to anything.
            revoked: AtomicBool::new(saved.revoked || (saved.parent.is_some() && parent.is_none())),
            parent,
            own: OnceLock::new(),
            lender: None,
            records: AtomicU64::new(saved.records),
        };
        sessions.insert(ById(Arc::new(session)));
    }

    /// Takes up what an account counted in an earlier process.
    pub(crate) fn restore_account(&self, key: AccountKey, tat: Tat) {
        match key.of {
            Counted::Shared { owner, role } => {
                self.writer().seat(owner, role).ledger.restore(key.limit, tat);
            }
            Counted::Own(id) => {
                if let Some(ById(session)) = self.by_id.pin().get(&id) {
                    session.own().restore(key.limit, tat);
                }
            }
        }
    }

    /// Suspends or readmits an owner, also one that has no session yet.
    pub(crate) fn suspend(&self, owner: &Name, suspended: bool) {
        self.writer().owner(owner).suspend(suspended);
    }

    /// Forgets sessions that ended long ago. Seats stay: forgetting one would refill its limits.
    fn sweep(&self, now: Timestamp) {
        let forgotten = |session: &Session| session.expires_at.after(REMEMBERED) <= now;
        self.by_token.pin().retain(|ByToken(_, session)| !forgotten(session));
        self.by_id.pin().retain(|ById(session)| !forgotten(session));
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn seat(&mut self, owner: Name, role: Name) -> Arc<Seat> {
        let key = (owner, role);
        if let Some(Seated(seat)) = self.seats.get(&key) {
            return seat.clone();
        }
        let seat = Arc::new(Seat { ledger: Ledger::new(), key });
        self.seats.insert(Seated(seat.clone()));
        seat
    }

    fn owner(&mut self, name: &Name) -> Arc<Owner> {
        let fresh = || Arc::new(Owner { name: name.clone(), suspended: AtomicBool::new(false) });
        self.owners.entry(name.clone()).or_insert_with(fresh).clone()
    }
}

/// A session, found by its token. The token stands beside it, so that a look at the session's own
/// memory need not wait for the comparison.
struct ByToken(Token, Arc<Session>);

impl Hash for ByToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for ByToken {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for ByToken {}

impl Equivalent<ByToken> for Token {
    fn equivalent(&self, key: &ByToken) -> bool {
        *self == key.0
    }
}

/// A session, found by its id.
struct ById(Arc<Session>);

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Equivalent<ById> for SessionId {
    fn equivalent(&self, key: &ById) -> bool {
        *self == key.0.id
    }
}

/// A seat, found by its owner and role.
struct Seated(Arc<Seat>);

impl Hash for Seated {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl PartialEq for Seated {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Seated {}

impl Borrow<(Name, Name)> for Seated {
    fn borrow(&self) -> &(Name, Name) {
        &self.0.key
    }
}
