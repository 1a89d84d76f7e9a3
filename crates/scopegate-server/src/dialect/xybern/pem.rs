//! Ed25519 keys as PEM, which every library reads: PKCS#8 for the private key, SPKI for the public one
//! (RFC 8410).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What stands before the 32 bytes of a private key.
const PRIVATE: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// What stands before the 32 bytes of a public key.
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

pub(super) fn private(seed: &[u8; 32]) -> String {
    pem("PRIVATE KEY", &[PRIVATE.as_slice(), seed].concat())
}

pub(super) fn public(key: &[u8; 32]) -> String {
    pem("PUBLIC KEY", &[PUBLIC.as_slice(), key].concat())
}

/// Both kinds are so short that they stand on one line.
fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8410, sections 10.1 and 10.3.
    #[test]
    fn keys_read_as_the_standard_has_them() {
        let seed = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
        let seed = crate::audit::unhex(seed).unwrap();
        let private = private(&seed);
        assert!(
            private.contains("\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"),
            "{private}"
        );
        let public_key = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        let public = public(&public_key);
        assert!(
            public.contains("\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"),
            "{public}"
        );
    }
}
