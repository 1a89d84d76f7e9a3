//! Rate limits as values: the generic cell rate algorithm (GCRA).
//!
//! An account is one word, the theoretical arrival time of the next call. A limit of N per window
//! lets N calls through at once and then one per window/N, so at most N + N·t/window over any
//! span t. The interval is rounded up to whole nanoseconds: never a call too many.

use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::{Facts, Meter};
use crate::grant::Granted;
use crate::id::Name;
use crate::scope::{Limit, Scope};
use crate::time::Timestamp;

use std::time::Duration;

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

    /// How many calls come back in so much time.
    pub(crate) fn refill(self, span: Duration) -> u64 {
        u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).checked_div(self.interval).unwrap_or(0)
    }

    /// How many calls there is room for.
    pub(crate) fn room(self, account: Tat, now: Timestamp) -> u64 {
        let ahead = account.saturating_sub(now.nanos());
        self.tolerance.checked_sub(ahead).map_or(0, |left| left / self.interval.max(1) + 1)
    }

    /// The account after so many calls, for which there must be room.
    pub(crate) fn spend_many(self, account: Tat, now: Timestamp, calls: u64) -> Tat {
        account.max(now.nanos()).saturating_add(self.interval.saturating_mul(calls))
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
    pub slot: u16,
    /// Its new value.
    pub tat: Tat,
}

/// All accounts a permit spends, together or not at all. Four are a limit per minute and one per
/// hour, each of a session and of all of them: no more than that costs no allocation.
pub type Spends = SmallVec<[Spend; 4]>;

/// Line 10: is there room in every account that counts this call? Says what a permit would spend.
// Unlike its neighbours it is not inlined: it stands in one place, and what it pushes to is inlined here.
#[inline(never)]
pub(crate) fn check(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    call: &ToolCall,
    now: Timestamp,
    spends: &mut Spends,
) -> Result<(), Denial> {
    for (meter, index) in facts.meters.iter().zip(0..) {
        let Some(granted) = granted.get(meter.link) else { continue };
        for (slot, limit) in granted.scope.limits(meter.account).iter().enumerate() {
            if limit.level <= granted.depth {
                // A chain of roles has few limits.
                spends.push(limit.spend(meter, index, slot as u16, now, DenyCode::RateLimitExceeded)?);
            }
        }
    }
    match &call.server {
        Some(server) => check_server(facts, granted, &call.tool, server, now, spends),
        None => Ok(()),
    }
}

/// The same for the limits of the MCP server that the call goes to, and of the tool there.
#[inline(never)]
fn check_server(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    tool: &Name,
    server: &Name,
    now: Timestamp,
    spends: &mut Spends,
) -> Result<(), Denial> {
    for (meter, index) in facts.meters.iter().zip(0..) {
        let Some(granted) = granted.get(meter.link) else { continue };
        for (limit, slot) in granted.scope.server_limits(meter.account, tool, server) {
            if limit.level <= granted.depth {
                spends.push(limit.spend(meter, index, slot, now, DenyCode::McpRateLimitExceeded)?);
            }
        }
    }
    Ok(())
}

impl Limit {
    /// What one more call spends on a meter's account. One that is not there has no room.
    #[inline(always)]
    fn spend(
        &self,
        meter: &Meter<'_>,
        index: u8,
        slot: u16,
        now: Timestamp,
        code: DenyCode,
    ) -> Result<Spend, Denial> {
        let account = meter.accounts.get(usize::from(slot)).copied().unwrap_or(Tat::MAX);
        match self.quota.spend(account, now) {
            Ok(tat) => Ok(Spend { meter: index, slot, tat }),
            Err(until) => Err(self.full(code, until)),
        }
    }

    #[cold]
    fn full(&self, code: DenyCode, until: Timestamp) -> Denial {
        Denial::with(code, Detail::Limit(self.window, until))
    }
}

/// How much may be spent before the calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever lends rates decides all of it")]
pub struct Advance {
    /// As many calls as every limit refills in this time.
    pub span: Duration,
    /// No call at all of a role with a smaller limit than this one.
    pub least: u64,
}

impl Advance {
    /// As many calls as every limit of a session's scope can give, and what they spend; `None` when there
    /// is no limit, or not even one call, or when MCP servers have limits of their own: nobody knows yet
    /// where the calls will go.
    pub fn spend(self, scope: &Scope, meters: &[Meter<'_>], now: Timestamp) -> Option<(u64, Spends)> {
        if scope.servers().is_some() {
            return None;
        }
        let counted = || {
            meters.iter().zip(0..).flat_map(|(meter, index)| {
                let limits = scope.limits(meter.account).iter().zip(0..);
                limits.map(move |(limit, slot)| {
                    let account = meter.accounts.get(usize::from(slot)).copied().unwrap_or(Tat::MAX);
                    (limit.quota, account, Spend { meter: index, slot, tat: account })
                })
            })
        };
        let can_give = |(quota, account, _): (Quota, Tat, Spend)| match quota.calls() {
            few if few < self.least => 0,
            _ => quota.refill(self.span).min(quota.room(account, now)),
        };
        let calls = counted().map(can_give).min().filter(|calls| *calls > 0)?;
        let spend = |(quota, account, spend): (Quota, Tat, Spend)| Spend {
            tat: quota.spend_many(account, now, calls),
            ..spend
        };
        Some((calls, counted().map(spend).collect()))
    }
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
    fn many_at_once_are_as_many_one_by_one() {
        for (limit, window) in [(16, Window::Minute), (60, Window::Minute), (7_001, Window::Hour)] {
            let quota = Quota::new(limit, window).unwrap();
            let mut account = 0;
            for calls in [0, 1, 3, limit / 2] {
                let one_by_one = (0..calls).try_fold(account, |account, _| quota.spend(account, T0)).unwrap();
                let before = quota.room(account, T0);
                if calls > 0 {
                    account = quota.spend_many(account, T0, calls);
                    assert_eq!(account, one_by_one, "{limit} {calls}");
                }
                assert_eq!(quota.room(account, T0), before - calls, "{limit} {calls}");
            }
            let rest = quota.room(account, T0);
            account = quota.spend_many(account, T0, rest);
            assert_eq!(quota.room(account, T0), 0);
            assert!(quota.spend(account, T0).is_err());
        }
        assert_eq!(Quota::new(60, Window::Minute).unwrap().refill(Duration::from_secs(5)), 5);
        assert_eq!(Quota::new(16, Window::Minute).unwrap().refill(Duration::from_secs(5)), 1);
        assert_eq!(Quota::new(100, Window::Hour).unwrap().refill(Duration::from_secs(5)), 0);
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(Quota::new(0, Window::Minute), None);
    }
}
