//! Equal guards, held once: a hundred thousand roles with the same environments read the same bytes.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// Values that scopes share.
#[derive(Debug)]
pub(super) struct Pool<T>(HashSet<Arc<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash> Pool<T> {
    /// The one value that equals this one.
    pub(super) fn share(&mut self, value: T) -> Arc<T> {
        match self.0.get(&value) {
            Some(known) => known.clone(),
            None => {
                let value = Arc::new(value);
                self.0.insert(value.clone());
                value
            }
        }
    }

    /// What two guards come to: both, where both are there.
    pub(super) fn both(
        &mut self,
        nearer: &Option<Arc<T>>,
        own: Option<T>,
        and: impl Fn(&T, &T) -> T,
    ) -> Option<Arc<T>> {
        match (nearer, own) {
            (Some(nearer), Some(own)) => Some(self.share(and(nearer, &own))),
            (Some(nearer), None) => Some(nearer.clone()),
            (None, own) => own.map(|own| self.share(own)),
        }
    }

    /// Forgets values that no scope holds any more.
    pub(super) fn sweep(&mut self) {
        self.0.retain(|value| Arc::strong_count(value) > 1);
    }
}
