//! Rate accounts: the words that GCRA reads and writes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scopegate_core::{Account, LimitKey, Scope, Shape, Spend, Tat};
use smallvec::SmallVec;

/// The accounts of one owner and role, or of one session.
#[repr(C)] // what every decision reads stands together, here and in the book
pub(crate) struct Ledger {
    book: Mutex<Book>,
    /// Ledgers are locked in this order.
    pub(crate) order: u64,
}

/// The accounts, and what each of them counts.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Book {
    version: u64,
    pub(crate) accounts: SmallVec<[Tat; 2]>,
    shape: Option<Shape>,
    /// Accounts that some earlier policy counted: a limit that comes back goes on counting.
    past: Option<Box<Past>>,
}

/// What accounts counted, by what they count.
type Past = BTreeMap<LimitKey, Tat>;

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Default for Ledger {
    fn default() -> Self {
        Self { order: NEXT.fetch_add(1, Relaxed), book: Mutex::default() }
    }
}

impl Ledger {
    /// Takes up what an account counted in an earlier process.
    pub(crate) fn restore(&self, limit: LimitKey, tat: Tat) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.past.get_or_insert_default().insert(limit, tat);
    }

    /// The accounts, held until the decision is committed or refused. `None` when they are laid
    /// out for a later policy than this scope's: the caller has to look at that one.
    #[inline(always)]
    pub(crate) fn lock(&self, scope: &Scope, account: Account) -> Option<MutexGuard<'_, Book>> {
        // A book is whole after every step, so a panic elsewhere cannot have left it half written.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        match book.version.cmp(&scope.version()) {
            Ordering::Equal => {}
            Ordering::Less => book.fit(scope.version(), scope.shape(account)),
            Ordering::Greater => return None,
        }
        Some(book)
    }
}

impl Book {
    /// Writes accounts.
    #[inline(always)]
    pub(crate) fn write<'s>(&mut self, spends: impl IntoIterator<Item = &'s Spend>) {
        let accounts = self.accounts.as_mut_slice();
        for spend in spends {
            if let Some(account) = accounts.get_mut(usize::from(spend.slot)) {
                *account = spend.tat;
            }
        }
    }

    /// Lays the accounts out for a changed role: what was counted stays counted.
    #[cold]
    fn fit(&mut self, version: u64, shape: Shape) {
        let old = self.shape.take();
        let old = old.iter().flat_map(Shape::counted).zip(self.accounts.iter().copied());
        let mut old = old.peekable();
        if old.peek().is_some() {
            self.past.get_or_insert_default().extend(old);
        }
        let counted = |key| self.past.as_ref().and_then(|past| past.get(&key)).copied().unwrap_or_default();
        self.accounts = shape.counted().map(counted).collect();
        self.shape = Some(shape);
        self.version = version;
    }
}
