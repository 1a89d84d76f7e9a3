//! How late it surely is: what is forgotten for good must not hang on a clock that jumped ahead.

use std::sync::Arc;
use std::time::Instant;

use scopegate_core::Timestamp;
use scopegate_engine::Clock;

/// A clock that is believed as far as the time since the start goes.
pub(super) struct Steady {
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
    started: Instant,
}

impl Steady {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let (started_at, started) = (clock.now(), Instant::now());
        Self { clock, started_at, started }
    }

    /// Now, or earlier.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().min(self.started_at.after(self.started.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scopegate_engine::ManualClock;

    use super::*;

    #[test]
    fn a_clock_that_jumps_ahead_is_not_followed() {
        let noon = Timestamp::from_secs(1_800_000_000);
        let clock = Arc::new(ManualClock::new(noon));
        let steady = Steady::new(clock.clone());
        assert_eq!(steady.now(), noon, "the clock stands still");
        clock.advance(Duration::from_secs(365 * 24 * 3600));
        let now = steady.now();
        assert!(now >= noon && noon.until(now) < Duration::from_secs(3600), "{now}");
    }
}
