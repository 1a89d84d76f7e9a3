//! What is remembered until some time after its end, and then left to the store.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use scopegate_core::Timestamp;

/// How long something that is over is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// Fewer are not worth a look.
const FEW: usize = 1024;

/// Things by their ids, each with its end.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    by_id: HashMap<K, (Timestamp, V)>,
    /// How many there have to be before those that are over are forgotten.
    sweep_at: usize,
    /// The latest time at which something was forgotten.
    swept: Timestamp,
}

impl<K: Hash + Eq, V> Remembered<K, V> {
    pub(super) fn get(&self, id: &K) -> Option<&V> {
        self.by_id.get(id).map(|(_, value)| value)
    }

    /// Whether something with this end is, or may have been, forgotten. Whoever asks must not take it for
    /// something that never was.
    pub(super) fn forgets(&self, end: Timestamp, now: Timestamp) -> bool {
        end.after(REMEMBERED) <= now.max(self.swept)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.by_id.values().map(|(_, value)| value)
    }

    /// Puts something in, in place of what is returned. It costs little: half of what is swept was new.
    pub(super) fn put(&mut self, id: K, end: Timestamp, value: V, now: Timestamp) -> Option<V> {
        if self.by_id.len() >= self.sweep_at {
            self.by_id.retain(|_, (end, _)| end.after(REMEMBERED) > now);
            self.swept = self.swept.max(now);
            self.sweep_at = (self.by_id.len() * 2).max(FEW);
        }
        self.by_id.insert(id, (end, value)).map(|(_, before)| before)
    }

    pub(super) fn remove(&mut self, id: &K) {
        self.by_id.remove(id);
    }
}

impl<K: Hash + Eq, V> FromIterator<(K, Timestamp, V)> for Remembered<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, Timestamp, V)>>(all: I) -> Self {
        let by_id = all.into_iter().map(|(id, end, value)| (id, (end, value))).collect();
        Self { by_id, sweep_at: FEW, swept: Timestamp::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_over_is_forgotten_and_nothing_else() {
        let mut all: Remembered<u64, u64> = Remembered::from_iter([]);
        // One ends every second, and is put in a minute before.
        for n in 0..100_000_u64 {
            all.put(n, Timestamp::from_secs(n + 60), n, Timestamp::from_secs(n));
            assert_eq!(
                (all.get(&n), all.get(&n.saturating_sub(3600))),
                (Some(&n), Some(&n.saturating_sub(3600)))
            );
            assert!(all.by_id.len() < 2 * 3662 + 1, "{}", all.by_id.len());
        }
    }

    #[test]
    fn what_may_have_been_forgotten_is_never_taken_for_new() {
        let mut all: Remembered<u64, u64> = Remembered::from_iter([]);
        let at = Timestamp::from_secs;
        assert!(!all.forgets(at(0), at(3599)) && all.forgets(at(0), at(3600)), "an hour after its end");
        // A clock that was once ahead: what it made us forget stays forgotten.
        let many = 2 * FEW as u64;
        for n in 0..many {
            all.put(n, at(20_000), n, at(n));
        }
        all.put(many, at(90_000), 0, at(23_600));
        assert_eq!(all.get(&0), None);
        assert!(all.forgets(at(20_000), at(5)) && !all.forgets(at(20_001), at(5)));
    }
}
