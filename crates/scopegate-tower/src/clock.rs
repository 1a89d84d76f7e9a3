//! The only clock of this crate: `Retry-After` counts from now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scopegate_core::Timestamp;

pub(crate) fn now() -> Timestamp {
    Timestamp::default().after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The length in whole seconds, rounded up, at least 1.
pub(crate) fn whole_seconds(length: Duration) -> u64 {
    let up = u64::from(length.subsec_nanos() > 0);
    length.as_secs().saturating_add(up).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_up() {
        for (millis, secs) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), secs);
        }
    }
}
