//! Whether a plane that does not answer is called again: a circuit breaker as a value.
//!
//! Time is passed in: what a monotonic clock shows, counted from any fixed start. Whoever holds the
//! breaker locks it for [`begin`](Breaker::begin) and [`end`](Breaker::end), not while it calls.

use std::time::Duration;

/// Five failures to reach the plane in a row open it for 30 seconds; then one call at a time probes
/// whether the way is clear.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use scopegate_core::{Breaker, Ended};
///
/// let (mut breaker, now) = (Breaker::new(), Duration::ZERO);
/// for _ in 0..Breaker::FAILURES {
///     let attempt = breaker.begin(now).unwrap();
///     breaker.end(attempt, Ended::Unreachable, now);
/// }
/// let open = breaker.begin(now).unwrap_err();
/// assert_eq!(open.until, now + Breaker::PAUSE);
///
/// let probe = breaker.begin(open.until).unwrap();
/// breaker.end(probe, Ended::Answered, open.until);
/// assert!(breaker.begin(open.until).is_ok());
/// ```
#[derive(Debug)]
pub struct Breaker {
    state: State,
    /// How often the state has changed, so that what ends late is told apart.
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Calls go out; so many in a row have failed.
    Closed(u32),
    /// None go out before then.
    Open(Duration),
    /// One is out; a second one may go when it has not ended by then.
    Probing(Duration),
}

/// A call that may go out. Hand it back to [`Breaker::end`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a probe that never ends keeps the breaker open for another pause"]
pub struct Attempt {
    turn: u64,
}

/// No call may go out before then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the last calls did not get through; the next may go out at {until:?}")]
#[expect(clippy::exhaustive_structs, reason = "a time says it all")]
pub struct BreakerOpen {
    /// On the clock that [`Breaker::begin`] was given.
    pub until: Duration,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a call was answered, was not, or nobody waited")]
pub enum Ended {
    /// The plane answered, whatever it said.
    Answered,
    /// No connection, no answer in time, or a proxy answered in the plane's place.
    Unreachable,
    /// The caller gave up first, which says nothing about the plane.
    Abandoned,
}

impl Breaker {
    /// Failures in a row that open it.
    pub const FAILURES: u32 = 5;
    /// How long it stays open.
    pub const PAUSE: Duration = Duration::from_secs(30);

    /// A closed breaker.
    pub const fn new() -> Self {
        Self { state: State::Closed(0), turn: 0 }
    }

    /// Whether a call may go out now.
    ///
    /// # Errors
    /// [`BreakerOpen`]: make no call.
    pub fn begin(&mut self, now: Duration) -> Result<Attempt, BreakerOpen> {
        match self.state {
            State::Closed(_) => {}
            State::Open(until) | State::Probing(until) if now < until => return Err(BreakerOpen { until }),
            State::Open(_) | State::Probing(_) => {
                self.turn_to(State::Probing(now.saturating_add(Self::PAUSE)))
            }
        }
        Ok(Attempt { turn: self.turn })
    }

    /// Tells how a call ended. What began before the last change of state changes nothing.
    pub fn end(&mut self, attempt: Attempt, how: Ended, now: Duration) {
        if attempt.turn != self.turn {
            return;
        }
        match (self.state, how) {
            (State::Closed(_), Ended::Answered) => self.state = State::Closed(0),
            (State::Closed(failures), Ended::Unreachable) if failures + 1 < Self::FAILURES => {
                self.state = State::Closed(failures + 1);
            }
            (_, Ended::Unreachable) => self.turn_to(State::Open(now.saturating_add(Self::PAUSE))),
            (State::Probing(_), Ended::Answered) => self.turn_to(State::Closed(0)),
            (State::Probing(_), Ended::Abandoned) => self.turn_to(State::Open(now)),
            (State::Closed(_), Ended::Abandoned) | (State::Open(_), _) => {}
        }
    }

    fn turn_to(&mut self, state: State) {
        self.state = state;
        self.turn = self.turn.wrapping_add(1);
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, Breaker, BreakerOpen, Ended, Ended::*};
    use std::time::Duration;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn open_until(seconds: u64) -> Result<Attempt, BreakerOpen> {
        Err(BreakerOpen { until: at(seconds) })
    }

    fn call(breaker: &mut Breaker, how: Ended, now: u64) {
        let attempt = breaker.begin(at(now)).unwrap();
        breaker.end(attempt, how, at(now));
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new();
        (0..5).for_each(|_| call(&mut breaker, Unreachable, 0));
        breaker
    }

    #[test]
    fn opens_after_five_failures_in_a_row() {
        let mut breaker = Breaker::new();
        for how in [Unreachable, Unreachable, Unreachable, Unreachable, Answered] {
            call(&mut breaker, how, 0);
        }
        (0..4).for_each(|_| call(&mut breaker, Unreachable, 1));
        call(&mut breaker, Abandoned, 1);
        call(&mut breaker, Unreachable, 2);
        assert_eq!(breaker.begin(at(2)), open_until(32));
        assert_eq!(breaker.begin(at(31)), open_until(32));
        assert!(breaker.begin(at(32)).is_ok());
    }

    #[test]
    fn one_probe_decides() {
        for (how, after) in [(Answered, None), (Unreachable, Some(70)), (Abandoned, None)] {
            let mut breaker = opened();
            let probe = breaker.begin(at(30)).unwrap();
            assert_eq!(breaker.begin(at(31)), open_until(60), "one at a time");
            breaker.end(probe, how, at(40));
            match after {
                Some(until) => assert_eq!(breaker.begin(at(40)), open_until(until), "{how:?}"),
                None => assert!(breaker.begin(at(40)).is_ok(), "{how:?}"),
            }
            // After an answer calls go out side by side again, after no verdict one probes.
            assert_eq!(breaker.begin(at(40)).is_ok(), how == Answered, "{how:?}");
        }
    }

    #[test]
    fn a_lost_probe_is_followed_by_another() {
        let mut breaker = opened();
        let lost = breaker.begin(at(30)).unwrap();
        let second = breaker.begin(at(60)).unwrap();
        breaker.end(lost, Answered, at(61));
        assert_eq!(breaker.begin(at(61)), open_until(90), "the first no longer counts");
        breaker.end(second, Answered, at(62));
        assert!(breaker.begin(at(62)).is_ok());
    }

    #[test]
    fn what_ends_late_changes_nothing() {
        let mut breaker = Breaker::new();
        let mut calls: Vec<_> = (0..7).map(|_| breaker.begin(at(0)).unwrap()).collect();
        let (answered, failed) = (calls.pop().unwrap(), calls.pop().unwrap());
        calls.into_iter().for_each(|call| breaker.end(call, Unreachable, at(1)));
        breaker.end(failed, Unreachable, at(20));
        breaker.end(answered, Answered, at(20));
        assert_eq!(breaker.begin(at(20)), open_until(31));
    }
}
