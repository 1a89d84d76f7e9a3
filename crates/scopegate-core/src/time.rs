//! Points in time and lengths of time, as plain values. There is no clock here.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const SECOND: u64 = 1_000_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(SECOND))
    }

    /// Whole seconds since the epoch.
    #[inline]
    pub const fn secs(self) -> u64 {
        self.0 / SECOND
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, len: usize| text.get(from..from + len)?.parse::<u64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let second = number(11, 2)? * 3600 + number(14, 2)? * 60 + number(17, 2)?;
        let days =
            (year.checked_sub(1970)? * 365..).take(700).find(|days| date(*days) == (year, month, day))?;
        let nanos = (days * 86_400 + second).checked_mul(SECOND)?.checked_add(number(20, 3)? * 1_000_000)?;
        let time = Self(nanos);
        (time.to_string() == text).then_some(time)
    }

    /// This much later; the end of time rather than an overflow.
    pub fn after(self, length: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// From here until `later`; zero when it has passed.
    pub const fn until(self, later: Timestamp) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }

    /// The UTC hour, 0 to 23.
    #[inline]
    pub const fn hour(self) -> u32 {
        self.hours() % 24
    }

    /// The UTC day of the week, 0 = Monday.
    #[inline]
    pub const fn weekday(self) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.hours() / 24 + 3) % 7
    }

    /// Whole hours since the epoch: there are five million until the end of time.
    const fn hours(self) -> u32 {
        (self.0 / (3600 * SECOND)) as u32
    }
}

/// RFC 3339 in UTC with milliseconds, such as `2026-11-21T06:16:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.secs() / 86_400);
        let (second, milli) = (self.secs() % 86_400, self.0 / 1_000_000 % 1000);
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{milli:03}Z")
    }
}

/// As a string: a number of nanoseconds would not survive JSON.
impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a time reads 2026-11-21T06:16:00.000Z"))
    }
}

/// Year, month and day of a day number since 1970-01-01 (proleptic Gregorian).
fn date(days: u64) -> (u64, u64, u64) {
    // Years run from March, so that the leap day is the last; an era is 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hour_and_weekday() {
        let sunday_23h = Timestamp::from_secs(1_767_567_600); // 2026-01-04T23:00:00Z
        assert_eq!((sunday_23h.hour(), sunday_23h.weekday()), (23, 6));
        assert_eq!(sunday_23h.after(Duration::from_secs(3600)).weekday(), 0);
        assert_eq!(Timestamp::default().weekday(), 3);
    }

    #[test]
    fn writes_rfc_3339() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_164_799, "2024-02-28T23:59:59.000Z"),
            (4_102_444_800, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_secs(secs).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_secs(secs)));
        }
        for wrong in ["", "2026-13-01T00:00:00.000Z", "2026-02-29T00:00:00.000Z", "2026-11-21 06:16:00.000Z"]
        {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }
}
