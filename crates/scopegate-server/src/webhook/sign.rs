//! Signatures of events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of `X-Scopebound-Signature`: HMAC-SHA256 of the body as lower-case hexadecimal.
pub fn scopebound_signature(secret: &str, body: &[u8]) -> String {
    let mac = mac(secret.as_bytes(), &[body]);
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of `webhook-signature` (Standard Webhooks 1.0): HMAC-SHA256 of `id.timestamp.body`. A
/// secret that begins with `whsec_` is base64, any other one stands for itself.
pub fn standard_signature(secret: &str, id: &str, timestamp: u64, body: &[u8]) -> String {
    let decoded = secret.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    let head = format!("{id}.{timestamp}.");
    format!("v1,{}", STANDARD.encode(mac(&key, &[head.as_bytes(), body])))
}

/// A secret that whoever verifies would read as we do. It is never repeated.
pub(super) fn check_secret(secret: &str) -> Result<(), String> {
    let encoded = secret.strip_prefix("whsec_").map(|encoded| STANDARD.decode(encoded));
    match encoded {
        Some(Err(_)) => Err("begins with `whsec_`, so what follows must be base64".to_owned()),
        Some(Ok(key)) if key.is_empty() => Err("holds no secret behind `whsec_`".to_owned()),
        _ => Ok(()),
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_others_do() {
        // Made with `openssl dgst -sha256 -hmac secret`.
        assert_eq!(
            scopebound_signature("secret", b"hello"),
            "88aab3ede8d3adf94d26ab90d3bafd4a2083070c3bcce9c014ee04a443847c0b"
        );
        // The example of the Standard Webhooks specification.
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            standard_signature(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                body
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
