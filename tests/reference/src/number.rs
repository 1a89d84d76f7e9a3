//! Exact decimal numbers and the I-JSON rule. No number is ever compared as a float.

use std::cmp::Ordering;

/// An exact decimal: `sign 0.DIGITS × 10^point`. Zero has no digits, point 0 and no sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// ASCII digits without leading or trailing zeros.
    digits: String,
    point: i64,
}

/// The largest exponent kept; anything beyond it is refused by the I-JSON rule anyway.
const FAR: i64 = 1_000_000_000_000;

impl Decimal {
    /// Reads a number already known to follow JSON's grammar (Rust's `{:e}` form follows it too).
    pub fn parse(text: &str) -> Decimal {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], read_exponent(&unsigned[at + 1..])),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading_zeros = (all.len() - significant.len()) as i64;
        let digits = significant.trim_end_matches('0').to_string();
        if digits.is_empty() {
            return Decimal { negative: false, digits, point: 0 };
        }
        let point = whole.len() as i64 - leading_zeros + exponent;
        Decimal { negative, digits, point }
    }

    /// A non-negative whole number.
    pub fn from_u64(value: u64) -> Decimal {
        Decimal::parse(&value.to_string())
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether the value is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Whether the value is a whole number, however it was spelled.
    pub fn is_integer(&self) -> bool {
        self.digits.len() as i64 <= self.point || self.is_zero()
    }

    /// One spelling per value.
    pub fn canonical(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}0.{}e{}", self.digits, self.point)
    }

    /// All decimals, without an exponent.
    pub fn decimals(&self) -> String {
        if self.is_zero() {
            return "0".to_string();
        }
        let (sign, digits) = (if self.negative { "-" } else { "" }, &self.digits);
        let zeros = |count: i64| "0".repeat(count as usize);
        let length = digits.len() as i64;
        if self.point <= 0 {
            format!("{sign}0.{}{digits}", zeros(-self.point))
        } else if self.point >= length {
            format!("{sign}{digits}{}", zeros(self.point - length))
        } else {
            let (whole, rest) = digits.split_at(self.point as usize);
            format!("{sign}{whole}.{rest}")
        }
    }

    /// A spelling that is valid JSON.
    pub fn plain(&self) -> String {
        if self.is_zero() {
            return "0".to_string();
        }
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, self.point - self.digits.len() as i64)
    }

    /// Compares two numbers by value.
    pub fn compare(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
        }
    }

    /// Compares the absolute values.
    fn compare_size(&self, other: &Decimal) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        // Without leading and trailing zeros, digits compare like text: "12" < "121" < "13".
        self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits))
    }
}

/// Reads an exponent, held within ±`FAR`.
fn read_exponent(text: &str) -> i64 {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let size = digits.bytes().fold(0i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(FAR));
    if negative { -size } else { size }
}

/// Reads a call's number: `None` when it is over 64 characters or outside I-JSON.
pub fn read_ijson(text: &str) -> Option<Decimal> {
    if text.len() > 64 {
        return None;
    }
    let value = Decimal::parse(text);
    if value.is_zero() {
        return if text.starts_with('-') { None } else { Some(value) };
    }
    let limit = Decimal::parse("9007199254740991");
    if value.compare_size(&limit) == Ordering::Greater {
        return None;
    }
    let nearest: f64 = text.parse().ok()?;
    let shortest = Decimal::parse(&format!("{nearest:e}"));
    if shortest == value { Some(value) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ijson_table() {
        let fine = [
            "0",
            "0.0",
            "0e5",
            "0e99999999999999999999",
            "1",
            "1.0",
            "1e2",
            "1E+2",
            "0.10",
            "-5",
            "0.1",
            "5e-324",
        ];
        let also = [
            "9007199254740991",
            "-9007199254740991",
            "9007199254740991.0",
            "123456.789",
            "1e15",
            "1.7976931348623157e-300",
        ];
        for text in fine.iter().chain(&also) {
            assert!(read_ijson(text).is_some(), "{text}");
        }
        let bad = [
            "-0",
            "-0.0",
            "-0e5",
            "9007199254740992",
            "-9007199254740992",
            "1e16",
            "1e400",
            "1e-400",
            "4e-324",
        ];
        let worse = [
            "9007199254740990.7",
            "9007199254740991.5",
            "0.1000000000000000055511151231257827",
            "1e99999999999999999999",
        ];
        for text in bad.iter().chain(&worse) {
            assert!(read_ijson(text).is_none(), "{text}");
        }
        assert!(read_ijson(&format!("1.{}", "0".repeat(62))).is_some());
        assert!(read_ijson(&format!("1.{}", "0".repeat(63))).is_none());
    }

    #[test]
    fn order_table() {
        let ascending = [
            "-100", "-12.1", "-12", "-0.5", "0", "0.001", "0.01", "1", "1.2", "1.21", "1.3", "12", "1e2",
            "101",
        ];
        for (i, low) in ascending.iter().enumerate() {
            for (j, high) in ascending.iter().enumerate() {
                assert_eq!(Decimal::parse(low).compare(&Decimal::parse(high)), i.cmp(&j), "{low} {high}");
            }
        }
        assert_eq!(Decimal::parse("100"), Decimal::parse("1.00e2"));
    }

    #[test]
    fn integers() {
        for (text, whole) in [
            ("1.0", true),
            ("1e2", true),
            ("0.0", true),
            ("1.5", false),
            ("15e-1", false),
            ("150e-1", true),
            ("0.1", false),
        ] {
            assert_eq!(Decimal::parse(text).is_integer(), whole, "{text}");
        }
    }
}
