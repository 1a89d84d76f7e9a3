//! Whether records can be emitted: the dialect's circuit breaker as a value.
//!
//! It differs from [`Breaker`](scopegate_core::Breaker), which lets one call probe: this one closes by itself
//! once its time is over, and counts from nothing again.

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Circuit {
    threshold: u32,
    reset: Duration,
    failures: u32,
    open_until: Option<Duration>,
}

impl Circuit {
    pub(super) const fn new(threshold: u32, reset: Duration) -> Self {
        Self { threshold, reset, failures: 0, open_until: None }
    }

    /// Whether it is open, at this time of a clock that never runs backwards.
    pub(super) fn is_open(&mut self, now: Duration) -> bool {
        match self.open_until {
            Some(until) if now < until => true,
            Some(_) => {
                (self.failures, self.open_until) = (0, None);
                false
            }
            None => false,
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(super) fn failed(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.threshold {
            self.open_until = Some(now.saturating_add(self.reset));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Circuit;
    use std::time::Duration;

    #[test]
    fn opens_at_the_threshold_and_closes_by_itself() {
        let at = Duration::from_secs;
        let mut circuit = Circuit::new(2, at(30));
        circuit.failed(at(0));
        circuit.succeeded();
        circuit.failed(at(1));
        assert!(!circuit.is_open(at(1)), "they were not in a row");
        circuit.failed(at(2));
        assert!(circuit.is_open(at(2)) && circuit.is_open(at(31)));
        assert!(!circuit.is_open(at(32)));
        circuit.failed(at(33));
        assert!(!circuit.is_open(at(33)), "it counts from nothing again");
    }
}
