//! Which numbers are I-JSON (RFC 7493), and their value.
//!
//! A number is accepted when it is the shortest decimal of exactly one binary64, up to trailing
//! zeros, and at most 2^53-1 in magnitude. On accepted numbers, comparing the binary64 values is
//! comparing the decimals, so nothing downstream rounds. Negative zero is refused: RFC 8785
//! writes it as `0`, and two texts with one digest must not run differently.

/// The largest magnitude, 2^53-1.
const LIMIT: f64 = 9_007_199_254_740_991.0;
/// Every decimal of so many digits survives binary64 (`f64::DIGITS`).
const SAFE_DIGITS: usize = 15;

/// Whether a number text (already of JSON's form) is accepted.
pub(crate) fn is_exact(text: &str) -> bool {
    exact(text).is_some()
}

/// The value of an accepted number text.
#[inline]
pub(crate) fn exact(text: &str) -> Option<f64> {
    if let Some(value) = small_integer(text.as_bytes()) {
        return Some(value);
    }
    decimal(text)
}

fn decimal(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    if value == 0.0 {
        let positive = !text.starts_with('-');
        return (positive && Decimal::read(text)?.digits.is_empty()).then_some(0.0);
    }
    if value.abs() > LIMIT {
        return None;
    }
    let safe = significant_digits(text) <= SAFE_DIGITS && value.is_normal();
    (safe || Decimal::read(&format!("{value:e}"))? == Decimal::read(text)?).then_some(value)
}

/// How many digits stand between the first and the last that is not zero, these included.
fn significant_digits(text: &str) -> usize {
    let (mut count, mut significant) = (0, 0);
    for byte in text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit) {
        if byte != b'0' || count > 0 {
            count += 1;
        }
        if byte != b'0' {
            significant = count;
        }
    }
    significant
}

/// How long an integer at the start of a text is, if it has few digits and is nothing more: then it
/// is accepted.
#[inline(always)]
pub(super) fn plain_integer(text: &[u8]) -> Option<usize> {
    let sign = usize::from(text.first() == Some(&b'-'));
    let digits = text.get(sign..)?;
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let zero = digits.first() == Some(&b'0') && (count > 1 || sign > 0);
    let more = matches!(digits.get(count), Some(b'.' | b'e' | b'E'));
    (count > 0 && count <= SAFE_DIGITS && !zero && !more).then_some(sign + count)
}

/// The common case: a non-zero integer of few digits.
#[inline]
fn small_integer(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > SAFE_DIGITS {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    match (value, negative) {
        (0, true) => None,
        (_, true) => Some(-value as f64),
        (_, false) => Some(value as f64),
    }
}

/// A decimal as its significant digits and the power of ten of the last one.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let kept = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - kept.len()).ok()?;
        let shift = i64::try_from(fraction.len()).ok()?;
        let exponent = exponent.parse::<i64>().ok()?.checked_sub(shift)?.checked_add(dropped)?;
        Some(Self { negative, digits: kept.trim_start_matches('0').to_owned(), exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::exact;

    #[test]
    fn accepts_what_binary64_holds() {
        for (text, value) in [
            ("0", 0.0),
            ("0.0", 0.0),
            ("0e9", 0.0),
            ("-1", -1.0),
            ("1.0", 1.0),
            ("1e2", 100.0),
            ("0.10", 0.1),
            ("9007199254740991", 9_007_199_254_740_991.0),
            ("-9007199254740991", -9_007_199_254_740_991.0),
            ("1234567890123456.5", 1_234_567_890_123_456.5),
            ("5e-324", 5e-324),
        ] {
            assert_eq!(exact(text), Some(value), "{text}");
        }
    }

    #[test]
    fn refuses_what_it_would_round() {
        for text in [
            "9007199254740992",
            "9007199254740993",
            "-9007199254740992",
            "9.007199254740993e15",
            "1e16",
            "1e400",
            "1e-400",
            "-0",
            "-0.0",
            "-0e5",
            "0.1000000000000000055511151231257827",
            "4e-324",
            "1e99999999999999999999",
        ] {
            assert_eq!(exact(text), None, "{text}");
        }
    }
}
