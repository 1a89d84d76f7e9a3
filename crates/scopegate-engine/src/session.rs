//! A session: what is left of it, whose it is, and which accounts count its calls.

mod book;
mod index;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use scopegate_core::{Account, Link, Name, PermitId, SessionId, SessionWatch, Timestamp};

use crate::ledger::Ledger;
use crate::lent::Lender;
use crate::snapshot::{Slot, Snapshot};

pub(crate) use book::{Opening, SessionBook};

/// A session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
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
    /// Whether whoever opened it still wants to know what became of it.
    watch: SessionWatch,
}

/// Whether others may number a record of the same session at this time.
#[derive(Clone, Copy)]
pub(crate) enum Counting {
    /// A lock that all records of the session pass is held.
    Alone,
    BesideOthers,
}

/// What the sessions of one owner and role share.
pub(crate) struct Seat {
    /// Whether the owner is suspended. It stands in each of the owner's seats, beside the accounts,
    /// because every decision reads both.
    suspended: AtomicBool,
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
            suspended: self.is_suspended(),
            revoked: self.is_revoked(),
            expires_at: self.expires_at,
            scope: snapshot.scope(self.slot),
        }
    }

    pub(crate) fn owner(&self) -> &Name {
        &self.seat.key.0
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

    /// Whether its owner is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.seat.suspended.load(Ordering::Acquire)
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
