//! Times and lengths of time, as people write them.

use std::time::Duration;

use scopegate_core::Timestamp;

/// RFC 3339 in UTC, with or without a fraction of a second.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let parsed = match text.strip_suffix('Z') {
        Some(seconds) if !seconds.contains('.') => Timestamp::parse(&format!("{seconds}.000Z")),
        _ => Timestamp::parse(text),
    };
    parsed.ok_or_else(|| "a time reads 2026-05-15T09:30:00Z: RFC 3339, in UTC".to_owned())
}

/// A point in time, named by itself or by how far away it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    In(Duration),
    At(Timestamp),
}

impl When {
    /// `90d`, `12h`, `2027-01-31` (its first moment, UTC) or `2027-01-31T09:30:00Z`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(length) = length(text) {
            return Ok(Self::In(length));
        }
        let day = Timestamp::parse(&format!("{text}T00:00:00.000Z"));
        let at = day.or_else(|| time(text).ok()).map(Self::At);
        at.ok_or_else(|| {
            "a length reads 90d or 12h (s, m, h, d, w), a date 2027-01-31 or 2027-01-31T09:30:00Z, in UTC"
                .to_owned()
        })
    }

    /// Seen from now on; `None` unless it is still to come.
    pub(crate) fn from(self, now: Timestamp) -> Option<Timestamp> {
        let at = match self {
            Self::In(length) => now.after(length),
            Self::At(at) => at,
        };
        (at > now).then_some(at)
    }
}

/// A whole number and its unit.
fn length(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    // A sign is no part of a length.
    let number: u64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_or_a_date_and_nothing_else() {
        let (day, noon) = (Timestamp::from_secs(1_801_353_600), Timestamp::from_secs(1_801_396_800));
        for (text, expected) in [
            ("30s", When::In(Duration::from_secs(30))),
            ("5m", When::In(Duration::from_secs(300))),
            ("12h", When::In(Duration::from_secs(43_200))),
            ("90d", When::In(Duration::from_secs(7_776_000))),
            ("2w", When::In(Duration::from_secs(1_209_600))),
            ("2027-01-31", When::At(day)),
            ("2027-01-31T12:00:00Z", When::At(noon)),
            ("2027-01-31T12:00:00.000Z", When::At(noon)),
        ] {
            assert_eq!(When::parse(text), Ok(expected), "{text}");
        }
        for bad in [
            "",
            "d",
            "90",
            "-1d",
            "+1d",
            "1.5h",
            "1y",
            "1D",
            "90 d",
            "1h30m",
            "99999999999999999999d",
            "18446744073709551615w",
            "2027-02-30",
            "2027-1-31",
            "31.01.2027",
            "2027-01-31T12:00:00",
            "2027-01-31T12:00:00+01:00",
            "tomorrow",
            "9é",
        ] {
            assert!(When::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_is_still_to_come() {
        let now = Timestamp::from_secs(100);
        for (when, expected) in [
            (When::In(Duration::from_secs(5)), Some(105)),
            (When::In(Duration::ZERO), None),
            (When::At(Timestamp::from_secs(101)), Some(101)),
            (When::At(now), None),
            (When::At(Timestamp::from_secs(9)), None),
        ] {
            assert_eq!(when.from(now), expected.map(Timestamp::from_secs), "{when:?}");
        }
    }
}
