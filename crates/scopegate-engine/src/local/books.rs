//! The rate accounts that count a call, locked from the look at them until the decision stands.

use std::sync::MutexGuard;

use scopegate_core::{Account, Link, Meter, Scope, Spend, Tat};
use smallvec::SmallVec;

use super::budgets::{Budgets, Spent};
use crate::ledger::{Book, Ledger};
use crate::session::{Placed, Session};
use crate::snapshot::Snapshot;
use crate::state::{AccountKey, Counted};

/// The rate accounts of a decision.
pub(super) trait Books {
    type Meters<'m>: AsRef<[Meter<'m>]>
    where
        Self: 'm;

    /// The accounts as a decision sees them.
    fn meters(&self) -> Self::Meters<'_>;

    /// Writes what a permit spends.
    fn write(&mut self, spends: &[Spend]);

    /// The budgets that a permit spent of, and what they stand at.
    fn spent(&self) -> Spent {
        Spent::new()
    }

    /// What was written, by the names of the accounts.
    fn named(&self, spends: &[Spend], session: &Session, snapshot: &Snapshot) -> Named {
        let name = |spend: &Spend| {
            let (link, account) = self.meaning(spend)?;
            let session = session.chain().nth(link)?;
            let scope = snapshot.scope(session.slot)?;
            let limit = scope.shape(account).counted().nth(usize::from(spend.slot))?;
            let of = match account {
                Account::Shared => {
                    Counted::Shared { owner: session.owner().clone(), role: session.role().clone() }
                }
                Account::Own => Counted::Own(session.id),
            };
            Some((AccountKey { of, limit }, spend.tat))
        };
        spends.iter().filter_map(name).collect()
    }

    /// The link and the account that a spend's meter stands for.
    fn meaning(&self, spend: &Spend) -> Option<(usize, Account)> {
        let meters = self.meters();
        meters.as_ref().get(usize::from(spend.meter)).map(|meter| (meter.link, meter.account))
    }
}

/// Accounts of a session without a parent, as most are: those it shares, and its own.
pub(super) struct Pair<'a> {
    shared: Option<Held<'a>>,
    own: Option<Held<'a>>,
}

/// Accounts of a session and its parents: the link each belongs to, and whose account it is; and their budgets.
pub(super) struct Chain<'a>(SmallVec<[(usize, Account, Held<'a>); 4]>, Budgets<'a>);

/// What accounts stand at, by name.
type Named = SmallVec<[(AccountKey, Tat); 4]>;

type Held<'a> = MutexGuard<'a, Book>;

/// The policy changed meanwhile.
pub(super) struct Stale;

impl<'a> Pair<'a> {
    pub(super) const NONE: Self = Self { shared: None, own: None };

    /// Locks what counts a call of this session, whose only link this is.
    #[inline(always)]
    pub(super) fn lock(place: &'a Placed, link: &Link<'a>) -> Result<Self, Stale> {
        let Some(scope) = link.scope else { return Ok(Self::NONE) };
        // A session's own ledger is younger than the one it shares: this is the order.
        Ok(Self {
            shared: held(scope, Account::Shared, || &place.seat.ledger)?,
            own: held(scope, Account::Own, || place.session.own())?,
        })
    }
}

impl Books for Pair<'_> {
    type Meters<'m>
        = [Meter<'m>; 2]
    where
        Self: 'm;

    #[inline(always)]
    fn meters(&self) -> Self::Meters<'_> {
        [(Account::Shared, &self.shared), (Account::Own, &self.own)]
            .map(|(account, held)| meter(0, account, held.as_deref()))
    }

    #[inline(always)]
    fn write(&mut self, spends: &[Spend]) {
        for (held, meter) in [&mut self.shared, &mut self.own].into_iter().zip(0..) {
            if let Some(book) = held {
                book.write(spends.iter().filter(|spend| spend.meter == meter));
            }
        }
    }
}

impl<'a> Chain<'a> {
    /// Locks what counts a call of this session, whose links these are.
    pub(super) fn lock(
        session: &'a Session,
        links: &[Link<'a>],
        budgets: Budgets<'a>,
    ) -> Result<Self, Stale> {
        let mut wanted: SmallVec<[Wanted<'_>; 4]> = SmallVec::new();
        for ((session, link), index) in session.chain().zip(links).zip(0..) {
            let Some(scope) = link.scope else { continue };
            for account in [Account::Shared, Account::Own] {
                if !scope.counts(account) {
                    continue;
                }
                let ledger = session.ledger(account);
                // Links of one owner and role share an account, and spend it once.
                if !wanted.iter().any(|other| other.ledger.order == ledger.order) {
                    wanted.push(Wanted { link: index, account, scope, ledger });
                }
            }
        }
        // One order for everyone, so that no two decisions wait for each other.
        wanted.sort_unstable_by_key(|wanted| wanted.ledger.order);
        let lock = |Wanted { link, account, scope, ledger }| {
            Ok((link, account, ledger.lock(scope, account).ok_or(Stale)?))
        };
        Ok(Self(wanted.into_iter().map(lock).collect::<Result<_, _>>()?, budgets))
    }
}

impl Books for Chain<'_> {
    type Meters<'m>
        = SmallVec<[Meter<'m>; 4]>
    where
        Self: 'm;

    fn meters(&self) -> Self::Meters<'_> {
        self.0.iter().map(|(link, account, book)| meter(*link, *account, Some(book))).collect()
    }

    fn write(&mut self, spends: &[Spend]) {
        for spend in spends {
            if let Some((_, _, book)) = self.0.get_mut(usize::from(spend.meter)) {
                book.write([spend]);
            }
        }
        self.1.spend();
    }

    fn spent(&self) -> Spent {
        self.1.stand()
    }
}

/// An account that counts the call.
struct Wanted<'a> {
    link: usize,
    account: Account,
    scope: &'a Scope,
    ledger: &'a Ledger,
}

#[inline(always)]
fn held<'a>(
    scope: &Scope,
    account: Account,
    ledger: impl FnOnce() -> &'a Ledger,
) -> Result<Option<Held<'a>>, Stale> {
    if scope.counts(account) { ledger().lock(scope, account).map(Some).ok_or(Stale) } else { Ok(None) }
}

#[inline(always)]
fn meter(link: usize, account: Account, book: Option<&Book>) -> Meter<'_> {
    Meter { link, account, accounts: book.map_or(&[], |book| &book.accounts) }
}
