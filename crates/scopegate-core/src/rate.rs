//! Rate limits as values: the generic cell rate algorithm (GCRA).
//!
//! An account is one word, the theoretical arrival time of the next call. A limit of N per window
//! lets N calls through at once and then one per window/N, so at most N + N·t/window over any
//! span t. The interval is rounded up to whole nanoseconds: never a call too many.

use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::Facts;
use crate::grant::Granted;
use crate::time::Timestamp;

use smallvec::SmallVec;

/// The theoretical arrival time: nanoseconds since the epoch, 0 for a fresh account.
pub type Tat = u64;

/// The span a limit counts over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the policy format has these two")]
pub enum Window {
    /// 60 seconds.
    Minute,
    /// 3600 seconds.
    Hour,
}

impl Window {
    const fn nanos(self) -> u64 {
        match self {
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
        }
    }

    /// How it reads.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }
}

/// A limit, compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    interval: u64,
    tolerance: u64,
}

impl Quota {
    /// `limit` calls per window; `None` for zero, which means no limit.
    pub fn new(limit: u64, window: Window) -> Option<Self> {
        let interval = window.nanos().checked_div(limit)? + u64::from(!window.nanos().is_multiple_of(limit));
        Some(Self { interval, tolerance: interval.saturating_mul(limit - 1) })
    }

    /// How many calls at once.
    pub(crate) fn calls(self) -> u64 {
        self.tolerance.checked_div(self.interval).map_or(0, |more| more + 1)
    }

    /// The account after one more call, or when there is room again.
    #[inline]
    pub fn spend(self, account: Tat, now: Timestamp) -> Result<Tat, Timestamp> {
        let due = account.max(now.nanos());
        if due - now.nanos() <= self.tolerance {
            Ok(due.saturating_add(self.interval))
        } else {
            Err(Timestamp::from_nanos(due - self.tolerance))
        }
    }
}

/// One account to be written when the call is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Which meter of the facts.
    pub meter: u8,
    /// Which account of the meter.
    pub slot: u8,
    /// Its new value.
    pub tat: Tat,
}

/// All accounts a permit spends, together or not at all. Four are a limit per minute and one per
/// hour, each of a session and of all of them: no more than that costs no allocation.
pub type Spends = SmallVec<[Spend; 4]>;

/// Line 10: is there room in every account that counts this call? Says what a permit would spend.
#[inline(always)]
pub(crate) fn check(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    now: Timestamp,
    spends: &mut Spends,
) -> Result<(), Denial> {
    for (meter, index) in facts.meters.iter().zip(0..) {
        let Some(granted) = granted.get(meter.link) else { continue };
        for (limit, slot) in granted.scope.limits(meter.account).iter().zip(0..) {
            if limit.level > granted.depth {
                continue;
            }
            // An account that is not there has no room.
            let account = meter.accounts.get(usize::from(slot)).copied().unwrap_or(Tat::MAX);
            let tat = limit.quota.spend(account, now).map_err(|until| {
                Denial::with(DenyCode::RateLimitExceeded, Detail::Limit(limit.window, until))
            })?;
            spends.push(Spend { meter: index, slot, tat });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_secs(1_000_000);

    #[test]
    fn n_at_once_then_one_per_interval() {
        let quota = Quota::new(3, Window::Minute).unwrap();
        let mut account = 0;
        for _ in 0..3 {
            account = quota.spend(account, T0).unwrap();
        }
        let until = quota.spend(account, T0).unwrap_err();
        assert_eq!(T0.until(until).as_secs(), 20);
        assert!(quota.spend(account, until).is_ok());
        assert!(quota.spend(account, Timestamp::from_nanos(until.nanos() - 1)).is_err());
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let quota = Quota::new(1, Window::Hour).unwrap();
        let account = quota.spend(0, T0).unwrap();
        assert!(quota.spend(account, Timestamp::from_secs(10)).is_err());
    }

    #[test]
    fn tells_how_many_calls() {
        for calls in [1, 3, 7, 1_000_000] {
            assert_eq!(Quota::new(calls, Window::Hour).unwrap().calls(), calls);
        }
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(Quota::new(0, Window::Minute), None);
    }
}
