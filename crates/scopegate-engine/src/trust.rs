//! Who is trusted how far. Counted only where a policy or a role reads it, or whoever asks wants it counted.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use scopegate_core::{Name, Trust};

/// The trust in every owner that made a call. One lock each: what a decision is made on stays as it is until
/// the decision stands.
#[derive(Default)]
pub(crate) struct TrustBook(Mutex<HashMap<Name, Arc<Mutex<Trust>>, RandomState>>);

impl TrustBook {
    /// Runs what reads and moves the trust in an owner, while nobody else can.
    pub(crate) fn with<T>(&self, owner: &Name, decide: impl FnOnce(&Cell<Trust>) -> T) -> T {
        let account = lock(&self.0).entry(owner.clone()).or_insert_with(start).clone();
        let mut held = lock(&account);
        let moving = Cell::new(*held);
        let answer = decide(&moving);
        *held = moving.get();
        answer
    }

    /// Takes up where an owner stood in an earlier process.
    pub(crate) fn restore(&self, owner: Name, trust: Trust) {
        lock(&self.0).insert(owner, Arc::new(Mutex::new(trust)));
    }

    /// Where an owner stands.
    pub(crate) fn of(&self, owner: &str) -> Trust {
        let account = lock(&self.0).get(owner).cloned();
        account.map_or(Trust::START, |account| *lock(&account))
    }
}

fn start() -> Arc<Mutex<Trust>> {
    Arc::new(Mutex::new(Trust::START))
}

/// A level is one word, so a panic leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
