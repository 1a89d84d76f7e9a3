//! A session: what is left of it, whose it is, and which accounts count its calls.

mod book;
mod budget;
mod index;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use once_cell::race::OnceBox;
use scopegate_core::{Account, Link, Name, PermitId, Scope, SessionId, SessionWatch, Timestamp};

use crate::ledger::Ledger;
use crate::lent::Lender;
use crate::snapshot::{Slot, Snapshot};

pub(crate) use book::{Opening, SessionBook};
pub(crate) use budget::Budget;
pub(crate) use index::Placed;

/// A session. There are many, so what few of them have stands apart.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Its place with the other sessions of the owner and role.
    pub(crate) seat: Arc<Seat>,
    pub(crate) slot: Slot,
    pub(crate) expires_at: Timestamp,
    apart: OnceBox<Apart>,
    revoked: AtomicBool,
    records: AtomicU64,
}

/// What few sessions have.
#[derive(Default)]
struct Apart {
    parent: Option<Arc<Session>>,
    /// Who lent it, where the session is another enforcer's.
    lender: Option<Arc<dyn Lender>>,
    /// Whether whoever opened it there still wants to know what became of it.
    watch: Option<SessionWatch>,
    /// How many calls it may make, where that is limited.
    budget: Option<Budget>,
    /// Accounts of this session alone, where any are counted.
    own: Ledger,
}

/// Whether others may number a record of the same session at this time.
#[derive(Clone, Copy)]
pub(crate) enum Counting {
    /// A lock that all records of the session pass is held.
    Alone,
    BesideOthers,
}

/// What the sessions of one owner and role share.
#[repr(C)] // what every decision reads stands together
pub(crate) struct Seat {
    /// Whether the owner is suspended. It stands in each of the owner's seats, beside the accounts,
    /// because every decision reads both.
    suspended: AtomicBool,
    /// The accounts they share.
    pub(crate) ledger: Ledger,
    /// The owner and the role.
    key: (Name, Name),
}

impl Apart {
    /// In a session that has any of it.
    fn of(parent: Option<Arc<Session>>, budget: Option<Budget>) -> OnceBox<Self> {
        if parent.is_none() && budget.is_none() {
            return OnceBox::new();
        }
        Self { parent, budget, ..Self::default() }.boxed()
    }

    /// In a session that is lent.
    fn lent(lender: Arc<dyn Lender>, watch: SessionWatch) -> OnceBox<Self> {
        Self { lender: Some(lender), watch: Some(watch), ..Self::default() }.boxed()
    }

    fn boxed(self) -> OnceBox<Self> {
        OnceBox::with_value(Box::new(self))
    }
}

impl Session {
    /// The session it was opened by.
    #[inline]
    pub(crate) fn parent(&self) -> Option<&Arc<Self>> {
        self.apart.get()?.parent.as_ref()
    }

    /// Whether nothing but its own rate accounts counts its calls.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.apart.get().is_none_or(|apart| apart.parent.is_none() && apart.budget.is_none())
    }

    /// How many calls it may make, where that is limited.
    pub(crate) fn budget(&self) -> Option<&Budget> {
        self.apart.get()?.budget.as_ref()
    }

    /// Who lent it, where the session is another enforcer's.
    #[inline]
    pub(crate) fn lender(&self) -> Option<&dyn Lender> {
        self.apart.get()?.lender.as_deref()
    }

    /// Whether whoever opened it still wants to know what became of it. Only handles point at it weakly.
    fn is_held(self: &Arc<Self>) -> bool {
        let watch = self.apart.get().and_then(|apart| apart.watch.as_ref());
        Arc::weak_count(self) > 0 || watch.is_some_and(SessionWatch::is_held)
    }

    /// The session, then its parents.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |session| session.parent().map(|parent| &**parent))
    }

    /// The session as a decision sees it.
    pub(crate) fn link<'s>(&self, snapshot: &'s Snapshot) -> Link<'s> {
        let over_budget = self.budget().is_some_and(Budget::is_spent);
        Link { over_budget, ..self.link_by(&self.seat, snapshot.scope(self.slot)) }
    }

    /// The same where its seat and its scope have been found, of a session without a budget.
    #[inline(always)]
    fn link_by<'s>(&self, seat: &Seat, scope: Option<&'s Scope>) -> Link<'s> {
        Link {
            suspended: seat.is_suspended(),
            revoked: self.is_revoked(),
            over_budget: false,
            expires_at: self.expires_at,
            scope,
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
        &self.apart.get_or_init(Box::default).own
    }

    /// The accounts of that kind that count its calls.
    pub(crate) fn ledger(&self, account: Account) -> &Ledger {
        match account {
            Account::Shared => &self.seat.ledger,
            Account::Own => self.own(),
        }
    }

    /// Lays its accounts out, so that its first call need not. A later policy has done so already if it is
    /// faster.
    pub(crate) fn lay_out(&self, scope: &Scope) {
        for account in [Account::Shared, Account::Own] {
            if scope.counts(account) {
                drop(self.ledger(account).lock(scope, account));
            }
        }
    }

    /// Whether its owner is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        self.seat.is_suspended()
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

impl Seat {
    #[inline]
    fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::Acquire)
    }
}
