//! Calls that the plane has counted in advance for one session.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use scopegate_core::Timestamp;
use scopegate_engine::Loan;

use super::lease::{LONGEST, Lease, Moment};

/// How long nothing is asked for after nothing was given.
const PAUSE: Duration = Duration::from_secs(1);
/// Where calls are not counted there is nothing to give back.
const UNCOUNTED: Loan = Loan(0);

/// What is left of them. It is used for at most as long as a lease, and never handed back.
#[derive(Default)]
pub(super) struct Rate {
    limited: AtomicBool,
    /// The number of the lot in the upper half, the calls that are left of it in the lower. A call that
    /// is given back goes to the lot that it came from, or to none.
    lot: AtomicU64,
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
    pub(super) fn take(&self, lease: &Lease) -> Option<Loan> {
        match self.limited.load(Ordering::Acquire) {
            false => Some(UNCOUNTED),
            true => self.take_counted(lease),
        }
    }

    fn take_counted(&self, lease: &Lease) -> Option<Loan> {
        if !lease.is_recent(self.left(), LONGEST) {
            return None;
        }
        let one_less = |lot: u64| (calls(lot) > 0).then(|| lot - 1);
        let taken = self.lot.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).ok()?;
        Some(Loan(number(taken)))
    }

    /// The call that was taken was not permitted.
    pub(super) fn give_back(&self, loan: Loan) {
        if loan != UNCOUNTED {
            let one_more = |lot: u64| (number(lot) == loan.0).then(|| lot + 1);
            // Its lot may be forfeit by now, and the call with it.
            let _ = self.lot.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        }
    }

    /// Whether more should be asked for; true once until [`credit`](Self::credit) follows.
    pub(super) fn wants(&self, lease: &Lease) -> bool {
        let pause = if self.refused.load(Ordering::Acquire) { PAUSE } else { LONGEST };
        let recent = lease.is_recent(self.left(), pause);
        let used_up = calls(self.lot.load(Ordering::Acquire)) == 0 && !self.refused.load(Ordering::Acquire);
        self.limited.load(Ordering::Acquire)
            && (used_up || !recent)
            && !self.asking.swap(true, Ordering::AcqRel)
    }

    /// So many calls from here on, for a request that left then; what was left before is forfeit.
    pub(super) fn credit(&self, calls: u64, left: Moment) {
        // Nothing can be taken while the time and the number do not belong together.
        let lot = self.next_lot();
        self.wall.store(left.wall.nanos(), Ordering::Release);
        self.monotonic.store(u64::try_from(left.monotonic.as_nanos()).unwrap_or(0), Ordering::Release);
        self.lot.store(lot | calls.min(CALLS), Ordering::Release);
        self.refused.store(calls == 0, Ordering::Release);
        self.asking.store(false, Ordering::Release);
    }

    /// What was left was counted by limits that are no more.
    pub(super) fn forfeit(&self) {
        self.next_lot();
        self.refused.store(false, Ordering::Release);
    }

    /// Begins an empty lot. Lots begin one at a time: whoever calls has the seat's lock.
    fn next_lot(&self) -> u64 {
        let next = (number(self.lot.load(Ordering::Acquire)) + 1) & CALLS;
        let lot = next.max(1) << CALLS.count_ones();
        self.lot.store(lot, Ordering::Release);
        lot
    }

    fn left(&self) -> Moment {
        Moment {
            wall: Timestamp::from_nanos(self.wall.load(Ordering::Acquire)),
            monotonic: Duration::from_nanos(self.monotonic.load(Ordering::Acquire)),
        }
    }
}

const CALLS: u64 = u32::MAX as u64;

const fn calls(lot: u64) -> u64 {
    lot & CALLS
}

const fn number(lot: u64) -> u64 {
    lot >> CALLS.count_ones()
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
        let take = || rate.take(&lease);
        assert!(take().is_none() && rate.wants(&lease));
        assert!(!rate.wants(&lease), "asked for once at a time");
        rate.credit(3, Moment::now(&*clocks));
        let loan = take().unwrap();
        assert!(take().is_some() && !rate.wants(&lease));
        rate.give_back(loan);
        assert!(take().is_some() && take().is_some() && take().is_none());
        assert!(rate.wants(&lease));
        rate.credit(3, Moment::now(&*clocks));
        clocks.advance(LONGEST);
        assert!(take().is_none(), "too old");
        assert!(rate.wants(&lease));
    }

    #[test]
    fn what_is_given_back_late_belongs_to_no_later_lot() {
        let (clocks, lease, rate) = limited();
        rate.credit(1, Moment::now(&*clocks));
        let early = rate.take(&lease).unwrap();
        rate.credit(1, Moment::now(&*clocks));
        rate.give_back(early);
        assert!(rate.take(&lease).is_some() && rate.take(&lease).is_none(), "one was counted");
        rate.credit(1, Moment::now(&*clocks));
        let early = rate.take(&lease).unwrap();
        rate.forfeit();
        rate.give_back(early);
        assert!(rate.take(&lease).is_none(), "none is left");
    }

    #[test]
    fn a_lot_holds_what_a_lot_can_hold() {
        let (clocks, lease, rate) = limited();
        for _ in 0..3 {
            rate.credit(u64::MAX, Moment::now(&*clocks));
            let loan = rate.take(&lease).unwrap();
            rate.give_back(loan);
            assert_eq!(calls(rate.lot.load(Ordering::Relaxed)), CALLS);
        }
        assert_eq!(number(rate.lot.load(Ordering::Relaxed)), 3, "and does not run into its number");
    }

    #[test]
    fn after_nothing_was_given_a_while_passes() {
        let (clocks, lease, rate) = limited();
        assert!(rate.wants(&lease));
        rate.credit(0, Moment::now(&*clocks));
        assert!(rate.take(&lease).is_none() && !rate.wants(&lease));
        clocks.advance(SECOND);
        assert!(rate.wants(&lease));
    }

    #[test]
    fn where_nothing_is_limited_nothing_is_counted() {
        let (_, lease, rate) = limited();
        rate.limit(false);
        assert!((0..100).all(|_| rate.take(&lease).is_some()) && !rate.wants(&lease));
    }
}
