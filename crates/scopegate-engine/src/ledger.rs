//! Rate accounts: the words that GCRA reads and writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scopegate_core::{Account, Scope, Shape, Tat};
use smallvec::SmallVec;

/// The accounts of one owner and role, or of one session.
pub(crate) struct Ledger {
    /// Ledgers are locked in this order.
    pub(crate) order: u64,
    book: Mutex<Book>,
}

/// The accounts, and what each of them counts.
#[derive(Default)]
pub(crate) struct Book {
    version: u64,
    shape: Option<Shape>,
    pub(crate) accounts: SmallVec<[Tat; 2]>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { order: NEXT.fetch_add(1, Ordering::Relaxed), book: Mutex::default() }
    }

    /// The accounts, held until the decision is committed or refused.
    pub(crate) fn lock(&self, scope: &Scope, account: Account) -> MutexGuard<'_, Book> {
        // A book is whole after every step, so a panic elsewhere cannot have left it half written.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if book.version != scope.version() {
            book.fit(scope.version(), scope.shape(account));
        }
        book
    }
}

impl Book {
    /// Lays the accounts out for a changed role: what was counted stays counted.
    fn fit(&mut self, version: u64, shape: &Shape) {
        let old = self.shape.take();
        let old = old.as_deref().unwrap_or_default();
        let value =
            |key| old.iter().zip(&self.accounts).find(|(known, _)| *known == key).map_or(0, |(_, tat)| *tat);
        self.accounts = shape.iter().map(value).collect();
        self.shape = Some(shape.clone());
        self.version = version;
    }
}
