//! Who is trusted how far. Counted only where a policy or a role reads it, or whoever asks wants it counted.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use scopegate_core::{Name, Trust};

/// The trust in every owner that made a call. One lock each: what a decision is made on stays as it is until
/// the decision stands.
#[derive(Default)]
pub(crate) struct TrustBook(Mutex<HashMap<Name, Arc<Account>, RandomState>>);

/// The trust in one owner.
struct Account {
    held: Mutex<Trust>,
    /// The same in tenths, for whoever only looks: two decisions that look at each other's must not wait.
    seen: AtomicU16,
}

impl TrustBook {
    /// Runs what reads and moves the trust in an owner, while nobody else can.
    pub(crate) fn with<T>(&self, owner: &Name, decide: impl FnOnce(&Cell<Trust>) -> T) -> T {
        let account = lock(&self.0).entry(owner.clone()).or_insert_with(|| start(Trust::START)).clone();
        let mut held = lock(&account.held);
        let moving = Cell::new(*held);
        let answer = decide(&moving);
        *held = moving.get();
        account.seen.store(held.tenths(), Ordering::Release);
        answer
    }

    /// Takes up where an owner stood in an earlier process.
    pub(crate) fn restore(&self, owner: Name, trust: Trust) {
        lock(&self.0).insert(owner, start(trust));
    }

    /// Where an owner stands.
    pub(crate) fn of(&self, owner: &str) -> Trust {
        let account = lock(&self.0).get(owner).cloned();
        let seen = account.and_then(|account| Trust::from_tenths(account.seen.load(Ordering::Acquire)));
        seen.unwrap_or(Trust::START)
    }
}

fn start(trust: Trust) -> Arc<Account> {
    Arc::new(Account { held: Mutex::new(trust), seen: AtomicU16::new(trust.tenths()) })
}

/// A level is one word, so a panic leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
