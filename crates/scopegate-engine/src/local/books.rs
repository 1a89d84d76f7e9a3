//! The rate accounts that count a call, locked from the look at them until the decision stands.

use std::sync::MutexGuard;

use scopegate_core::{Account, Link, Meter, Scope, Spend, Tat};
use smallvec::SmallVec;

use crate::ledger::{Book, Ledger};
use crate::session::Session;

/// The rate accounts of a decision.
pub(super) enum Books<'a> {
    /// Of a session without a parent, as most are.
    One { shared: Option<Held<'a>>, own: Option<Held<'a>> },
    /// Of a session and its parents: the link each belongs to, and whose account it is.
    Chain(SmallVec<[(usize, Account, Held<'a>); 4]>),
}

type Held<'a> = MutexGuard<'a, Book>;

/// The policy changed meanwhile.
pub(super) struct Stale;

/// An account that counts the call.
struct Wanted<'a> {
    link: usize,
    account: Account,
    scope: &'a Scope,
    ledger: &'a Ledger,
}

impl<'a> Books<'a> {
    pub(super) const NONE: Self = Self::One { shared: None, own: None };

    /// Locks what counts a call of this session, whose links these are.
    #[inline(always)]
    pub(super) fn lock(session: &'a Session, links: &[Link<'a>]) -> Result<Self, Stale> {
        match links {
            [link] => match link.scope {
                None => Ok(Self::NONE),
                // A session's own ledger is younger than the one it shares: this is the order.
                Some(scope) => Ok(Self::One {
                    shared: held(scope, Account::Shared, || &session.seat.ledger)?,
                    own: held(scope, Account::Own, || session.own())?,
                }),
            },
            links => Self::lock_chain(session, links),
        }
    }

    fn lock_chain(session: &'a Session, links: &[Link<'a>]) -> Result<Self, Stale> {
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
        wanted.into_iter().map(lock).collect::<Result<_, _>>().map(Self::Chain)
    }

    /// Shows the accounts to a decision.
    #[inline(always)]
    pub(super) fn read<T>(&self, decide: impl FnOnce(&[Meter<'_>]) -> T) -> T {
        match self {
            Self::One { shared: None, own: None } => decide(&[]),
            Self::One { shared: Some(shared), own: None } => decide(&[meter(0, Account::Shared, shared)]),
            Self::One { shared: None, own: Some(own) } => decide(&[meter(0, Account::Own, own)]),
            Self::One { shared: Some(shared), own: Some(own) } => {
                decide(&[meter(0, Account::Shared, shared), meter(0, Account::Own, own)])
            }
            Self::Chain(books) => {
                let meters = books.iter().map(|(link, account, book)| meter(*link, *account, book));
                decide(&meters.collect::<SmallVec<[_; 4]>>())
            }
        }
    }

    /// Writes one account.
    #[inline(always)]
    pub(super) fn write(&mut self, spend: &Spend) {
        let book = match self {
            Self::One { shared: Some(book), .. } | Self::One { own: Some(book), .. } if spend.meter == 0 => {
                Some(book)
            }
            Self::One { own, .. } => own.as_mut(),
            Self::Chain(books) => books.get_mut(usize::from(spend.meter)).map(|(_, _, book)| book),
        };
        if let Some(account) = book.and_then(|book| book.accounts.get_mut(usize::from(spend.slot))) {
            *account = spend.tat;
        }
    }

    /// The link and the account that a spend's meter stands for.
    pub(super) fn meaning(&self, spend: &Spend) -> Option<(usize, Account)> {
        self.read(|meters| meters.get(usize::from(spend.meter)).map(|meter| (meter.link, meter.account)))
    }
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
fn meter<'b>(link: usize, account: Account, book: &'b Book) -> Meter<'b> {
    let accounts: &[Tat] = &book.accounts;
    Meter { link, account, accounts }
}
