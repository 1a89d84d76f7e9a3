//! All sessions of an enforcer: opened, borrowed, restored, found and forgotten.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use papaya::Guard;
use scopegate_core::{Name, PrincipalRef, ProvisionError, Tat, Timestamp};
use seize::Collector;

use super::index::{Id, Placed, Seated};
use super::{Apart, Budget, Seat, Session};
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
    sessions: papaya::HashSet<Placed, RandomState>,
    writer: Mutex<Writer>,
    limit: usize,
}

#[derive(Default)]
struct Writer {
    /// Owners that are suspended, also such as have no session yet.
    suspended: HashSet<Name>,
    /// By owner and role.
    seats: BTreeSet<Seated>,
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
    pub(crate) max_calls: Option<u64>,
}

impl SessionBook {
    /// Whoever reads holds a guard of this collector meanwhile.
    pub(crate) fn new(limit: usize, collector: &Arc<Collector>) -> Self {
        let sessions = papaya::HashSet::builder().hasher(RandomState::default());
        Self {
            sessions: sessions.shared_collector(collector.clone()).build(),
            writer: Mutex::new(Writer { sweep_at: 1024, ..Writer::default() }),
            limit,
        }
    }

    /// The principal's session, if it is known.
    #[inline(always)]
    pub(crate) fn find<'g>(&self, principal: PrincipalRef<'_>, guard: &'g impl Guard) -> Option<&'g Placed> {
        match principal {
            PrincipalRef::Token(token) => self.sessions.get(&Token::read(token)?, guard),
            PrincipalRef::Session(id) => self.sessions.get(&Id(id), guard),
            _ => None,
        }
    }

    /// Opens a session and returns its token.
    pub(crate) fn open(
        &self,
        opening: Opening,
        now: Timestamp,
    ) -> Result<(Token, Arc<Session>), ProvisionError> {
        let id = random::session_id()?;
        let token = Token::random(id)?;
        let mut writer = self.writer();
        if writer.suspended.contains(&opening.owner) {
            return Err(ProvisionError::Suspended(opening.owner));
        }
        self.make_room(&mut writer, now)?;
        let session = Arc::new(Session {
            id,
            seat: writer.seat(opening.owner, opening.role),
            slot: opening.slot,
            expires_at: opening.expires_at,
            apart: Apart::of(opening.parent, opening.max_calls.map(Budget::new)),
            revoked: AtomicBool::new(false),
            records: AtomicU64::new(0),
        });
        self.sessions.pin().insert(Placed::new(token, session.clone()));
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
        let token = Token::random(lent.id)?;
        let mut writer = self.writer();
        self.make_room(&mut writer, now)?;
        let session = Arc::new(Session {
            id: lent.id,
            seat: writer.seat(lent.owner, lent.role),
            slot,
            expires_at: lent.expires_at,
            apart: Apart::lent(lender, lent.watch),
            revoked: AtomicBool::new(false),
            records: AtomicU64::new(lent.records),
        });
        self.sessions.pin().insert(Placed::new(token, session));
        Ok(token)
    }

    /// Forgets what is long over where there are many sessions, and refuses more than the limit.
    fn make_room(&self, writer: &mut Writer, now: Timestamp) -> Result<(), ProvisionError> {
        if self.sessions.len() >= writer.sweep_at.min(self.limit) {
            self.sweep(now);
            writer.sweep_at = (self.sessions.len() * 2).max(1024);
        }
        if self.sessions.len() >= self.limit {
            return Err(ProvisionError::TooMany(self.limit));
        }
        let open = self.sessions.len();
        if open.is_power_of_two() {
            // Half of the table stays free: in a full one a token is found after many steps.
            let guard = self.sessions.guard();
            self.sessions.reserve(open, &guard);
            // The old table is large: it is freed at once, not when many things are old.
            guard.flush();
        }
        Ok(())
    }

    /// Takes up a session of an earlier process. Its token is whoever's who made it.
    pub(crate) fn restore(&self, saved: SavedSession, slot: Slot) {
        let mut writer = self.writer();
        let sessions = self.sessions.pin();
        let parent = saved.parent.and_then(|id| sessions.get(&Id(id))).map(|place| place.session.clone());
        let session = Session {
            id: saved.id,
            seat: writer.seat(saved.owner, saved.role),
            slot,
            expires_at: saved.expires_at,
            // A parent that nobody knows any more cannot agree to anything.
            revoked: AtomicBool::new(saved.revoked || (saved.parent.is_some() && parent.is_none())),
            apart: Apart::of(parent, saved.max_calls.map(|most| Budget::spent(most, saved.spent))),
            records: AtomicU64::new(saved.records),
        };
        sessions.insert(Placed::new(Token::nobodys(saved.id), Arc::new(session)));
    }

    /// Takes up what an account counted in an earlier process.
    pub(crate) fn restore_account(&self, key: AccountKey, tat: Tat) {
        match key.of {
            Counted::Shared { owner, role } => {
                self.writer().seat(owner, role).ledger.restore(key.limit, tat);
            }
            Counted::Own(id) => {
                if let Some(place) = self.sessions.pin().get(&Id(id)) {
                    place.session.own().restore(key.limit, tat);
                }
            }
        }
    }

    /// Suspends or readmits an owner, also one that has no session yet.
    pub(crate) fn suspend(&self, owner: &Name, suspended: bool) {
        let mut writer = self.writer();
        match suspended {
            true => writer.suspended.insert(owner.clone()),
            false => writer.suspended.remove(owner),
        };
        let first = (owner.clone(), Name::default());
        let seats = writer.seats.range::<(Name, Name), _>(first..).map(|Seated(seat)| seat);
        for seat in seats.take_while(|seat| seat.key.0 == *owner) {
            seat.suspended.store(suspended, Ordering::Release);
        }
    }

    /// Whether an owner is suspended.
    pub(crate) fn is_suspended(&self, owner: &str) -> bool {
        self.writer().suspended.contains(owner)
    }

    /// Forgets sessions that ended long ago, unless somebody holds their handle: whoever opened it must
    /// be told the truth of it. Seats stay: forgetting one would refill its limits.
    fn sweep(&self, now: Timestamp) {
        let is_over = |session: &Session| session.expires_at.after(REMEMBERED) <= now;
        self.sessions.pin().retain(|place| !is_over(&place.session) || place.session.is_held());
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
        let suspended = AtomicBool::new(self.suspended.contains(&key.0));
        let seat = Arc::new(Seat { suspended, ledger: Ledger::default(), key });
        self.seats.insert(Seated(seat.clone()));
        seat
    }
}
