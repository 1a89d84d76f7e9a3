//! How many calls a session may make.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::local::CallBudget;

/// A budget of calls. What is spent can be looked at by anybody; it is written under the lock alone, which
/// a decision holds from its look until it stands.
pub(crate) struct Budget {
    most: u64,
    spent: AtomicU64,
    lock: Mutex<()>,
}

impl Budget {
    pub(crate) fn new(most: u64) -> Self {
        Self::spent(most, 0)
    }

    /// As an earlier process left it.
    pub(crate) fn spent(most: u64, spent: u64) -> Self {
        Self { most, spent: AtomicU64::new(spent), lock: Mutex::default() }
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.standing() >= self.most
    }

    pub(crate) fn standing(&self) -> u64 {
        self.spent.load(Ordering::Acquire)
    }

    pub(crate) fn view(&self) -> CallBudget {
        CallBudget { max_calls: self.most, spent: self.standing() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spends one call, under the lock.
    pub(crate) fn spend(&self) {
        self.spent.store(self.standing().saturating_add(1), Ordering::Release);
    }
}
