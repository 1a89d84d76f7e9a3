//! All sessions of an enforcer: opened, borrowed, restored, found and forgotten.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use papaya::Guard;
use scopegate_core::{Name, PrincipalRef, ProvisionError, SessionWatch, Tat, Timestamp};
use seize::Collector;
use smallvec::SmallVec;

use super::index::{ById, ByToken, Seated};
use super::{Seat, Session};
use crate::ledger::Ledger;
use crate::lent::{Lender, LentSession};
use crate::random;
use crate::snapshot::Slot;
use crate::state::{AccountKey, Counted, SavedSession};
use crate::token::Token;

/// How long an ended session is remembered, so that its end can still be told from a forgery.
const REMEMBERED: Duration = Duration::from_secs(3600);

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
    owners: HashMap<Name, Owned>,
    seats: HashSet<Seated>,
    /// When sessions that have ended are next forgotten.
    sweep_at: usize,
}

/// What is known of an owner: an agent.
#[derive(Default)]
struct Owned {
    suspended: bool,
    seats: SmallVec<[Arc<Seat>; 1]>,
}

/// A session to open, its role already found.
pub(crate) struct Opening {
    pub(crate) owner: Name,
    pub(crate) role: Name,
    pub(crate) slot: Slot,
    pub(crate) expires_at: Timestamp,
    pub(crate) parent: Option<Arc<Session>>,
    pub(crate) watch: SessionWatch,
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
        if writer.owners.get(&opening.owner).is_some_and(|owner| owner.suspended) {
            return Err(ProvisionError::Suspended(opening.owner));
        }
        self.make_room(&mut writer, now)?;
        let session = Arc::new(Session {
            id,
            seat: writer.seat(opening.owner, opening.role),
            slot: opening.slot,
            expires_at: opening.expires_at,
            parent: opening.parent,
            own: OnceLock::new(),
            lender: None,
            revoked: AtomicBool::new(false),
            records: AtomicU64::new(0),
            watch: opening.watch,
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
            seat: writer.seat(lent.owner, lent.role),
            slot,
            expires_at: lent.expires_at,
            parent: None,
            own: OnceLock::new(),
            lender: Some(lender),
            revoked: AtomicBool::new(false),
            records: AtomicU64::new(lent.records),
            watch: lent.watch,
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
            seat: writer.seat(saved.owner, saved.role),
            slot,
            expires_at: saved.expires_at,
            // A parent that nobody knows any more cannot agree to anything.
            revoked: AtomicBool::new(saved.revoked || (saved.parent.is_some() && parent.is_none())),
            parent,
            own: OnceLock::new(),
            lender: None,
            records: AtomicU64::new(saved.records),
            watch: SessionWatch::default(),
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
        let mut writer = self.writer();
        let owned = writer.owners.entry(owner.clone()).or_default();
        owned.suspended = suspended;
        for seat in &owned.seats {
            seat.suspended.store(suspended, Ordering::Release);
        }
    }

    /// Forgets sessions that ended long ago, unless somebody holds their handle: whoever opened it must
    /// be told the truth of it. Seats stay: forgetting one would refill its limits.
    fn sweep(&self, now: Timestamp) {
        let is_long_over = |session: &Session| session.expires_at.after(REMEMBERED) <= now;
        let forgotten = |session: &Session| is_long_over(session) && !session.watch.is_held();
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
        let owned = self.owners.entry(key.0.clone()).or_default();
        let suspended = AtomicBool::new(owned.suspended);
        let seat = Arc::new(Seat { suspended, ledger: Ledger::new(), key });
        owned.seats.push(seat.clone());
        self.seats.insert(Seated(seat.clone()));
        seat
    }
}
