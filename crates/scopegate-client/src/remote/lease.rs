//! How long this process may go on without hearing from the plane.
//!
//! One lease covers everything that was lent. It runs from the moment the request left whose answer
//! confirmed it, and is over when either clock says so, or when the two disagree.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use scopegate_core::Timestamp;

use super::clocks::Clocks;

/// The longest that any plane can lend for, less what a coarse clock may be behind.
pub(super) const LONGEST: Duration = Duration::from_millis(4_950);
/// How far the wall clock may fall behind the other before it was set back.
const DRIFT: Duration = Duration::from_millis(100);

/// When a request left, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) monotonic: Duration,
}

impl Moment {
    pub(super) fn now(clocks: &dyn Clocks) -> Self {
        Self { wall: clocks.wall(), monotonic: clocks.monotonic() }
    }
}

/// The lease, read by every decision.
pub(super) struct Lease {
    clocks: Arc<dyn Clocks>,
    /// When the request left that confirmed it last, in nanoseconds; 0 when there is none. A reader
    /// that sees one word of an extension without the other sees clocks that disagree.
    wall: AtomicU64,
    monotonic: AtomicU64,
    length: AtomicU64,
    /// What was lent earlier than the last time that everything was dropped is not lent any more.
    generation: AtomicU64,
    /// Whether anyone has looked since this was last asked.
    used: AtomicBool,
    /// Whether nothing extends it any more.
    closed: AtomicBool,
}

impl Lease {
    pub(super) fn new(clocks: Arc<dyn Clocks>) -> Self {
        let zero = || AtomicU64::new(0);
        let generation = AtomicU64::new(1);
        let no = || AtomicBool::new(false);
        let (used, closed) = (no(), no());
        Self { clocks, wall: zero(), monotonic: zero(), length: zero(), generation, used, closed }
    }

    /// Whether what was lent under this generation may be used now.
    #[inline]
    pub(super) fn holds(&self, generation: u64) -> bool {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        generation == self.generation.load(Ordering::Acquire) && self.is_running()
    }

    fn is_running(&self) -> bool {
        let length = self.length.load(Ordering::Acquire);
        let from = Moment {
            wall: Timestamp::from_nanos(self.wall.load(Ordering::Acquire)),
            monotonic: Duration::from_nanos(self.monotonic.load(Ordering::Acquire)),
        };
        is_within(from, Moment::now(&*self.clocks), Duration::from_nanos(length))
    }

    /// Whether less than so much time has passed since then, on both clocks.
    pub(super) fn is_recent(&self, then: Moment, length: Duration) -> bool {
        is_within(then, Moment::now(&*self.clocks), length)
    }

    /// What is lent from here on belongs to this generation.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Nothing that was lent so far may be used.
    pub(super) fn drop_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// An answer confirmed it, to a request that left then.
    pub(super) fn extend(&self, left: Moment, length: Duration) {
        let nanos = |length: Duration| u64::try_from(length.as_nanos()).unwrap_or(0);
        let monotonic = nanos(left.monotonic);
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        // Answers may overtake each other.
        if monotonic > self.monotonic.load(Ordering::Acquire) || !self.is_running() {
            self.length.store(nanos(length.min(LONGEST)), Ordering::Release);
            self.wall.store(left.wall.nanos(), Ordering::Release);
            self.monotonic.store(monotonic, Ordering::Release);
        }
    }

    /// It is over, whatever the clocks say.
    pub(super) fn end(&self) {
        self.length.store(0, Ordering::Release);
    }

    /// It is over for good.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.drop_all();
        self.end();
    }

    /// Whether it was looked at since this was last asked.
    pub(super) fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

fn is_within(from: Moment, now: Moment, length: Duration) -> bool {
    let passed = now.monotonic.saturating_sub(from.monotonic);
    let by_wall = from.wall.until(now.wall);
    now.wall >= from.wall && passed < length && by_wall < length && passed <= by_wall + DRIFT
}

#[cfg(test)]
mod tests {
    use super::super::clocks::ManualClocks;
    use super::*;

    const T0: Timestamp = Timestamp::from_secs(1_000_000);
    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn leased() -> (Arc<ManualClocks>, Lease) {
        let clocks = Arc::new(ManualClocks::new(T0));
        let lease = Lease::new(clocks.clone());
        assert!(!lease.holds(1), "nothing was confirmed yet");
        lease.extend(Moment::now(&*clocks), Duration::from_secs(60));
        assert!(lease.holds(1));
        (clocks, lease)
    }

    #[test]
    fn is_over_when_either_clock_says_so() {
        let (clocks, lease) = leased();
        clocks.advance(LONGEST - millis(1));
        assert!(lease.holds(1));
        clocks.advance(millis(1));
        assert!(!lease.holds(1), "no plane can lend for longer");

        let (clocks, lease) = leased();
        clocks.tick(LONGEST);
        assert!(!lease.holds(1), "the wall clock stands still");

        let (clocks, lease) = leased();
        clocks.set_wall(T0.after(LONGEST));
        assert!(!lease.holds(1), "the wall clock jumped");
    }

    #[test]
    fn is_over_when_the_wall_clock_went_back() {
        let (clocks, lease) = leased();
        clocks.set_wall(Timestamp::from_nanos(T0.nanos() - 1));
        assert!(!lease.holds(1), "before it began");

        let (clocks, lease) = leased();
        clocks.advance(millis(2_000));
        clocks.set_wall(T0.after(millis(1_800)));
        assert!(!lease.holds(1), "also when only part of the way");
    }

    #[test]
    fn runs_from_when_the_request_left_and_an_older_answer_does_not_shorten_it() {
        let (clocks, lease) = leased();
        let early = Moment::now(&*clocks);
        clocks.advance(millis(3_000));
        let late = Moment::now(&*clocks);
        clocks.advance(millis(1_000));
        lease.extend(late, LONGEST);
        lease.extend(early, LONGEST);
        clocks.advance(millis(3_949));
        assert!(lease.holds(1));
        clocks.advance(millis(1));
        assert!(!lease.holds(1));
    }

    #[test]
    fn what_was_dropped_or_ended_is_not_lent() {
        let (_, lease) = leased();
        lease.drop_all();
        assert!(!lease.holds(1) && lease.holds(lease.generation()));
        lease.end();
        assert!(!lease.holds(lease.generation()));
    }

    #[test]
    fn what_was_closed_stays_closed() {
        let (clocks, lease) = leased();
        lease.close();
        clocks.advance(millis(10));
        lease.extend(Moment::now(&*clocks), LONGEST);
        assert!(!lease.holds(1) && !lease.holds(lease.generation()));
    }
}
