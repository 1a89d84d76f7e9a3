//! Whether an event came from the plane: its signature, in constant time.
//!
//! A plane signs each event twice with the role's `webhook_secret`: in `X-Scopebound-Signature`, and by
//! Standard Webhooks. The second binds the time and the event's id, so an event cannot be sent again
//! later: prefer it.
//!
//! ```
//! use scopegate_client::webhook::{Standard, verify};
//!
//! # fn handle(body: &[u8], header: impl Fn(&str) -> String, now: u64) -> Result<(), Box<dyn std::error::Error>> {
//! let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
//! let signatures = header("webhook-signature");
//! verify(body, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Standard::new(&id, &timestamp, &signatures, now))?;
//! # Ok(())
//! # }
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the time of an event may lie from now, in seconds.
pub const TOLERANCE: u64 = 300;

/// A signature, in one of the styles in which events are signed.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum Signature<'a> {
    /// `X-Scopebound-Signature`: HMAC-SHA256 of the body in hexadecimal, `sha256=` before it or not.
    Scopebound(&'a str),
    /// The three headers of Standard Webhooks.
    Standard(Standard<'a>),
}

/// The headers of Standard Webhooks, and what time it is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Standard<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`: several may stand there, and one has to fit.
    pub signatures: &'a str,
    /// Seconds since 1970, now.
    pub now: u64,
}

impl<'a> Standard<'a> {
    /// What an event came with.
    pub const fn new(id: &'a str, timestamp: &'a str, signatures: &'a str, now: u64) -> Self {
        Self { id, timestamp, signatures, now }
    }
}

impl<'a> From<&'a str> for Signature<'a> {
    fn from(signature: &'a str) -> Self {
        Self::Scopebound(signature)
    }
}

impl<'a> From<Standard<'a>> for Signature<'a> {
    fn from(standard: Standard<'a>) -> Self {
        Self::Standard(standard)
    }
}

/// Why an event is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// With an empty secret anybody can sign.
    #[error("the secret is empty")]
    EmptySecret,
    /// It says that it is base64, and is not.
    #[error("the secret begins with `whsec_` and is not base64 after that")]
    Secret,
    /// The header does not have the form of a signature.
    #[error("the signature is malformed")]
    Malformed,
    /// The time is no number of seconds.
    #[error("the timestamp is malformed")]
    Timestamp,
    /// It was signed too long ago, or lies ahead: it may be sent again by someone else.
    #[error("the event is older or newer than {TOLERANCE} s")]
    Stale,
    /// It was not signed with this secret, or is not what was signed.
    #[error("the signature does not fit")]
    Mismatch,
}

/// Whether an event's body, as it came, was signed with this secret.
///
/// # Errors
/// [`SignatureError`]; the event must then not be acted upon.
pub fn verify<'a>(
    payload: &[u8],
    secret: &str,
    signature: impl Into<Signature<'a>>,
) -> Result<(), SignatureError> {
    if secret.is_empty() {
        return Err(SignatureError::EmptySecret);
    }
    match signature.into() {
        Signature::Scopebound(header) => scopebound(payload, secret, header),
        Signature::Standard(standard) => self::standard(payload, secret, standard),
    }
}

fn scopebound(payload: &[u8], secret: &str, header: &str) -> Result<(), SignatureError> {
    let digits = header.trim();
    let digits = digits.strip_prefix("sha256=").unwrap_or(digits);
    let signature = unhex(digits).ok_or(SignatureError::Malformed)?;
    fits(secret.as_bytes(), &[payload], &signature)
}

fn standard(payload: &[u8], secret: &str, standard: Standard<'_>) -> Result<(), SignatureError> {
    let Standard { id, timestamp, signatures, now } = standard;
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|b| b.is_ascii_digit());
    let at = timestamp.parse::<u64>().ok().filter(|_| digits).ok_or(SignatureError::Timestamp)?;
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_| SignatureError::Secret)?,
        None => secret.as_bytes().to_vec(),
    };
    if key.is_empty() {
        return Err(SignatureError::EmptySecret);
    }
    let head = format!("{id}.{timestamp}.");
    // Other versions are other ways to sign, and not ours to judge.
    let ours = signatures.split_ascii_whitespace().filter_map(|one| one.strip_prefix("v1,"));
    let decoded: Vec<_> = ours.filter_map(|encoded| STANDARD.decode(encoded).ok()).collect();
    if decoded.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let one_fits = decoded.iter().any(|one| fits(&key, &[head.as_bytes(), payload], one).is_ok());
    match one_fits {
        false => Err(SignatureError::Mismatch),
        // Last, so that only who knows the secret is told about clocks.
        true if at.abs_diff(now) > TOLERANCE => Err(SignatureError::Stale),
        true => Ok(()),
    }
}

/// Compares in constant time.
fn fits(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> Result<(), SignatureError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| SignatureError::Secret)?;
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(signature).map_err(|_| SignatureError::Mismatch)
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    const RFC_4231: (&str, &[u8], &str) = (
        "Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );

    #[test]
    fn a_body_and_its_signature_fit() {
        let (secret, body, signature) = RFC_4231;
        let upper = signature.to_uppercase();
        for good in [signature, &upper, &format!("sha256={signature}"), &format!(" {signature} ")] {
            assert_eq!(verify(body, secret, good), Ok(()), "{good}");
        }
        for (payload, secret, signature, error) in [
            (&b"what do ya want for nothing!"[..], secret, signature, SignatureError::Mismatch),
            (body, "jefe", signature, SignatureError::Mismatch),
            (body, "", signature, SignatureError::EmptySecret),
            (body, secret, "", SignatureError::Malformed),
            (body, secret, &signature[1..], SignatureError::Malformed),
            (body, secret, &format!("{signature}00"), SignatureError::Malformed),
            (body, secret, &format!("sha1={signature}"), SignatureError::Malformed),
            (body, secret, &format!("sha256=sha256={signature}"), SignatureError::Malformed),
            (body, secret, &signature.replace('5', "+"), SignatureError::Malformed),
            (body, secret, &"0".repeat(64), SignatureError::Mismatch),
        ] {
            assert_eq!(verify(payload, secret, signature), Err(error), "{signature}");
        }
    }

    /// The example of the Standard Webhooks specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: &str = "1614265330";
    const NOW: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn a_standard_webhook_fits() {
        let signed = |signatures, now| verify(BODY, SECRET, Standard::new(ID, AT, signatures, now));
        assert_eq!(signed(SIGNATURE, NOW), Ok(()));
        let others = format!("v1a,AAAA v1,AAAA {SIGNATURE} v2,{}", &SIGNATURE[3..]);
        assert_eq!(signed(&others, NOW), Ok(()));
        for now in [NOW - 300, NOW + 300] {
            assert_eq!(signed(SIGNATURE, now), Ok(()));
        }
        for now in [NOW - 301, NOW + 301, 0, u64::MAX] {
            assert_eq!(signed(SIGNATURE, now), Err(SignatureError::Stale));
            assert_eq!(signed("v1,AAAA", now), Err(SignatureError::Mismatch));
        }
        for (signatures, error) in [
            ("", SignatureError::Malformed),
            ("v1,", SignatureError::Mismatch),
            ("v1,***", SignatureError::Malformed),
            (&SIGNATURE[3..], SignatureError::Malformed),
            (&SIGNATURE.replace("v1", "v2"), SignatureError::Malformed),
            (&SIGNATURE.replace("g0", "g1"), SignatureError::Mismatch),
        ] {
            assert_eq!(signed(signatures, NOW), Err(error), "{signatures}");
        }
    }

    #[test]
    fn its_id_and_time_are_signed_too() {
        for (id, at, error) in [
            ("msg_other", AT, SignatureError::Mismatch),
            (ID, "1614265331", SignatureError::Mismatch),
            (ID, "", SignatureError::Timestamp),
            (ID, "+1614265330", SignatureError::Timestamp),
            (ID, "-1", SignatureError::Timestamp),
            (ID, "1614265330.0", SignatureError::Timestamp),
            (ID, "99999999999999999999", SignatureError::Timestamp),
        ] {
            assert_eq!(verify(BODY, SECRET, Standard::new(id, at, SIGNATURE, NOW)), Err(error), "{id} {at}");
        }
        for (secret, error) in [
            ("whsec_", SignatureError::EmptySecret),
            ("whsec_***", SignatureError::Secret),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SignatureError::Mismatch),
        ] {
            let told = verify(BODY, secret, Standard::new(ID, AT, SIGNATURE, NOW));
            assert_eq!(told, Err(error), "{secret}");
        }
    }
}
