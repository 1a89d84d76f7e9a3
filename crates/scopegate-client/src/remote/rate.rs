//! Calls that the plane has counted in advance for one session.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use scopegate_core::Timestamp;

use super::lease::{LONGEST, Lease, Moment};

/// How long nothing is asked for after nothing was given.
const PAUSE: Duration = Duration::from_secs(1);

/// What is left of them. It is used for at most as long as a lease, and never handed back.
#[derive(Default)]
pub(super) struct Rate {
    limited: AtomicBool,
    calls: AtomicI64,
    /// When the request left that they were counted for.
    wall: AtomicU64,
    monotonic: AtomicU64,
    /// Whether nothing was given the last time.
    refused: AtomicBool,
    /// Whether the plane is being asked.
    asking: AtomicBool,
}

impl Rate {
    /// Whether calls are counted at all.
    pub(super) fn limit(&self, limited: bool) {
        self.limited.store(limited, Ordering::Release);
    }

    /// Takes one call, where they are counted.
    #[inline]
    pub(super) fn take(&self, lease: &Lease) -> bool {
        !self.limited.load(Ordering::Acquire) || self.take_counted(lease)
    }

    fn take_counted(&self, lease: &Lease) -> bool {
        let one_less = |calls: i64| (calls > 0).then(|| calls - 1);
        lease.is_recent(self.left(), LONGEST)
            && self.calls.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok()
    }

    /// The call that was taken was not permitted.
    pub(super) fn give_back(&self) {
        if self.limited.load(Ordering::Acquire) {
            self.calls.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Whether more should be asked for; true once until [`credit`](Self::credit) follows.
    pub(super) fn wants(&self, lease: &Lease) -> bool {
        let pause = if self.refused.load(Ordering::Acquire) { PAUSE } else { LONGEST };
        let recent = lease.is_recent(self.left(), pause);
        let used_up = self.calls.load(Ordering::Acquire) <= 0 && !self.refused.load(Ordering::Acquire);
        self.limited.load(Ordering::Acquire)
            && (used_up || !recent)
            && !self.asking.swap(true, Ordering::AcqRel)
    }

    /// So many calls from here on, for a request that left then; what was left before is forfeit.
    pub(super) fn credit(&self, calls: u64, left: Moment) {
        // Nothing can be taken while the time and the number do not belong together.
        self.calls.store(0, Ordering::Release);
        self.wall.store(left.wall.nanos(), Ordering::Release);
        self.monotonic.store(u64::try_from(left.monotonic.as_nanos()).unwrap_or(0), Ordering::Release);
        self.calls.store(i64::try_from(calls).unwrap_or(0), Ordering::Release);
        self.refused.store(calls == 0, Ordering::Release);
        self.asking.store(false, Ordering::Release);
    }

    fn left(&self) -> Moment {
        Moment {
            wall: Timestamp::from_nanos(self.wall.load(Ordering::Acquire)),
            monotonic: Duration::from_nanos(self.monotonic.load(Ordering::Acquire)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::clocks::ManualClocks;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limited() -> (Arc<ManualClocks>, Lease, Rate) {
        let clocks = Arc::new(ManualClocks::new(Timestamp::from_secs(1_000_000)));
        let rate = Rate::default();
        rate.limit(true);
        (clocks.clone(), Lease::new(clocks), rate)
    }

    #[test]
    fn no_more_than_was_counted_and_no_longer_than_a_lease() {
        let (clocks, lease, rate) = limited();
        assert!(!rate.take(&lease) && rate.wants(&lease));
        assert!(!rate.wants(&lease), "asked for once at a time");
        rate.credit(3, Moment::now(&*clocks));
        assert!(rate.take(&lease) && rate.take(&lease) && !rate.wants(&lease));
        rate.give_back();
        assert!(rate.take(&lease) && rate.take(&lease) && !rate.take(&lease));
        assert!(rate.wants(&lease));
        rate.credit(3, Moment::now(&*clocks));
        clocks.advance(LONGEST);
        assert!(!rate.take(&lease), "too old");
        assert!(rate.wants(&lease));
    }

    #[test]
    fn after_nothing_was_given_a_while_passes() {
        let (clocks, lease, rate) = limited();
        assert!(rate.wants(&lease));
        rate.credit(0, Moment::now(&*clocks));
        assert!(!rate.take(&lease) && !rate.wants(&lease));
        clocks.advance(SECOND);
        assert!(rate.wants(&lease));
    }

    #[test]
    fn where_nothing_is_limited_nothing_is_counted() {
        let (_, lease, rate) = limited();
        rate.limit(false);
        assert!((0..100).all(|_| rate.take(&lease)) && !rate.wants(&lease));
    }
}
