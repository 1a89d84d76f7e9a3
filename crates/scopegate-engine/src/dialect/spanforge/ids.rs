//! Fresh names and times, in the forms that the dialect's readers expect.

use scopegate_core::Timestamp;

/// A ULID: milliseconds, then chance, in Crockford's base 32; its first digit is at most 7.
pub(super) fn ulid(at: Timestamp, random: [u8; 10]) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let chance = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let bits = u128::from(at.nanos() / 1_000_000) << 80 | chance;
    let digit = |place: u32| DIGITS.get((bits >> (5 * place)) as usize % 32).copied().unwrap_or(b'0');
    (0..26).rev().map(|place| char::from(digit(place))).collect()
}

/// A UUID of version 4.
pub(super) fn uuid(random: [u8; 16]) -> String {
    let bits = u128::from_be_bytes(random) & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// UTC with exactly six decimals.
pub(super) fn micros(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.get(..19).unwrap_or_default();
    format!("{seconds}.{:06}Z", at.nanos() / 1000 % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let at = Timestamp::from_nanos(1_767_323_045_000_001_999);
        assert_eq!(micros(at), "2026-01-02T03:04:05.000001Z");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(ulid(Timestamp::from_nanos(0), [0; 10]), "0".repeat(26));
        // The example of the ULID specification's authors: 1469918176385 ms.
        let at = Timestamp::from_nanos(1_469_918_176_385_000_000);
        assert!(ulid(at, [0xff; 10]) == format!("01ARYZ6S41{}", "Z".repeat(16)));
    }
}
