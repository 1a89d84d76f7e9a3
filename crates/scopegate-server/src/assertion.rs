//! Assertions: what an agent signs, once for each request, to say that it is itself. A JWT (RFC 7519) of
//! one algorithm, Ed25519, with exactly four claims, good for five minutes and for one use.

use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use scopegate_core::json::Json;
use scopegate_core::{Name, Timestamp};

use crate::jws::{self, Parts, member, members};
use crate::store::TenantId;

/// Longer texts are no assertions.
const MAX_LEN: usize = 2048;
const TYPE: &str = "sg-assertion+jwt";
/// How long one is good.
pub(crate) const LIFE: Duration = Duration::from_secs(300);
/// How far the clock of an agent may be ahead of the plane's.
const AHEAD: Duration = Duration::from_secs(30);
/// How long the name of an assertion may be. It is random, so a short one is none.
const JTI: std::ops::RangeInclusive<usize> = 8..=128;

/// Why an assertion is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it is not a JWT: three parts in base64url, the first two JSON objects, at most 2048 characters")]
    Form,
    #[error("the header's `alg` must be `EdDSA`")]
    Algorithm,
    #[error("the header's `typ` must be `sg-assertion+jwt`")]
    Type,
    #[error("the header has exactly `alg`, `typ` and `kid`, each a text")]
    Header,
    #[error("no credential has the header's `kid`")]
    Kid,
    #[error("the signature is not that of the credential")]
    Signature,
    #[error("the claims are exactly `iss`, `aud`, `iat` and `jti`")]
    Claims,
    #[error("`iss` must be the id of the agent that the credential belongs to")]
    Issuer,
    #[error("`aud` must be `scopegate:` and the name of the agent's tenant")]
    Audience,
    #[error("`iat` must be a time in whole seconds")]
    Iat,
    #[error("`jti` must be a text of 8 to 128 printable ASCII characters, random for each assertion")]
    Jti,
    #[error("`iat` lies in the future")]
    Future,
    #[error("`iat` is more than five minutes ago")]
    Old,
    #[error("its `jti` was used before: an assertion is good for one request")]
    Replayed,
    #[error("too many assertions in five minutes")]
    TooMany,
    #[error("the credential is revoked")]
    Revoked,
    #[error("the credential has expired, or another has taken its place")]
    Expired,
}

/// Whether a credential of a request is meant as one: no API key has a dot.
pub(crate) fn is_meant(text: &str) -> bool {
    text.contains('.')
}

/// The `aud` of a tenant's assertions.
pub(crate) fn audience(tenant: &TenantId) -> String {
    format!("scopegate:{tenant}")
}

/// An assertion whose signature nobody has looked at.
#[derive(Debug)]
pub(crate) struct Unverified<'a> {
    parts: Parts<'a>,
    kid: String,
}

/// What the holder of a credential said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) issuer: Name,
    pub(crate) jti: String,
    issued: Timestamp,
}

impl<'a> Unverified<'a> {
    /// Reads an assertion: its form, and its header, which has to be exact.
    pub(crate) fn read(text: &'a str) -> Result<Self, Refused> {
        let parts = if text.len() <= MAX_LEN { jws::split(text) } else { None };
        let parts = parts.ok_or(Refused::Form)?;
        let header = |name| member(&parts.header, name);
        if header("alg").as_deref() != Some("EdDSA") {
            return Err(Refused::Algorithm);
        }
        if header("typ").as_deref() != Some(TYPE) {
            return Err(Refused::Type);
        }
        let kid = header("kid").filter(|_| members(&parts.header) == 3).ok_or(Refused::Header)?;
        Ok(Self { parts, kid })
    }

    /// The credential that it names.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// What it says, once its signature is that of the credential it names.
    pub(crate) fn verify(self, public_key: &[u8; 32], tenant: &TenantId) -> Result<Claims, Refused> {
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| Refused::Signature)?;
        let Parts { text, claims, signature, .. } = self.parts;
        key.verify_strict(text.as_bytes(), &signature).map_err(|_| Refused::Signature)?;
        let all = ["iss", "aud", "iat", "jti"].map(|name| claims.root().pointer(&format!("/{name}")));
        if members(&claims) != all.len() || all.iter().any(Option::is_none) {
            return Err(Refused::Claims);
        }
        let issuer = member(&claims, "iss").ok_or(Refused::Issuer)?.into();
        if member(&claims, "aud").as_deref() != Some(&audience(tenant)) {
            return Err(Refused::Audience);
        }
        let issued = match all.get(2).copied().flatten().map(|value| value.get()) {
            Some(Json::Number(secs)) if (0.0..1e10).contains(&secs) && secs.fract() == 0.0 => secs as u64,
            _ => return Err(Refused::Iat),
        };
        let plain =
            |jti: &String| JTI.contains(&jti.len()) && jti.bytes().all(|byte| byte.is_ascii_graphic());
        let jti = member(&claims, "jti").filter(plain).ok_or(Refused::Jti)?;
        Ok(Claims { issuer, jti, issued: Timestamp::from_secs(issued) })
    }
}

impl Claims {
    /// Until when it is good; or why it is not now.
    pub(crate) fn until(&self, now: Timestamp) -> Result<Timestamp, Refused> {
        let until = self.issued.after(LIFE);
        if self.issued > now.after(AHEAD) {
            return Err(Refused::Future);
        }
        if until <= now {
            return Err(Refused::Old);
        }
        Ok(until)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use serde_json::{Value, json};

    use super::*;
    use crate::jws::encode;

    const SEED: [u8; 32] = [7; 32];

    fn tenant() -> TenantId {
        TenantId::parse("default").unwrap()
    }

    fn signed_by(seed: [u8; 32], header: &str, claims: &str) -> String {
        let text = format!("{}.{}", encode(header), encode(claims));
        let signature = SigningKey::from_bytes(&seed).sign(text.as_bytes());
        format!("{text}.{}", encode(signature.to_bytes()))
    }

    fn header() -> Value {
        json!({ "alg": "EdDSA", "typ": "sg-assertion+jwt", "kid": "cred_1" })
    }

    fn claims() -> Value {
        json!({ "iss": "agent_1", "aud": "scopegate:default", "iat": 1_000, "jti": "0123456789abcdef" })
    }

    fn check(header: &str, claims: &str, expected: Result<(), Refused>) {
        let text = signed_by(SEED, header, claims);
        let public = SigningKey::from_bytes(&SEED).verifying_key().to_bytes();
        let read = Unverified::read(&text).and_then(|read| read.verify(&public, &tenant()));
        assert_eq!(read.map(drop), expected, "{header} {claims}");
    }

    fn with(mut value: Value, member: &str, other: Value) -> String {
        value[member] = other;
        value.to_string()
    }

    fn without(mut value: Value, member: &str) -> String {
        value.as_object_mut().unwrap().remove(member);
        value.to_string()
    }

    #[test]
    fn an_agent_says_who_it_is_and_when() {
        let text = signed_by(SEED, &header().to_string(), &claims().to_string());
        let read = Unverified::read(&text).unwrap();
        assert_eq!(read.kid(), "cred_1");
        let public = SigningKey::from_bytes(&SEED).verifying_key().to_bytes();
        let said = read.verify(&public, &tenant()).unwrap();
        assert_eq!((said.issuer.as_str(), said.jti.as_str()), ("agent_1", "0123456789abcdef"));
        let at = |secs| said.until(Timestamp::from_secs(secs));
        let until = Ok(Timestamp::from_secs(1_300));
        assert_eq!(
            (at(969), at(970), at(1_000), at(1_299), at(1_300)),
            (Err(Refused::Future), until, until, until, Err(Refused::Old))
        );
    }

    #[test]
    fn the_header_is_exact() {
        let claims = claims().to_string();
        for (bad, why) in [
            (with(header(), "alg", json!("none")), Refused::Algorithm),
            (with(header(), "alg", json!("HS256")), Refused::Algorithm),
            (with(header(), "alg", json!("eddsa")), Refused::Algorithm),
            (with(header(), "alg", json!(["EdDSA"])), Refused::Algorithm),
            (without(header(), "alg"), Refused::Algorithm),
            (with(header(), "typ", json!("JWT")), Refused::Type),
            (with(header(), "typ", json!("sg-session+jwt")), Refused::Type),
            (with(header(), "typ", json!("SG-ASSERTION+JWT")), Refused::Type),
            (without(header(), "typ"), Refused::Type),
            (with(header(), "kid", json!(7)), Refused::Header),
            (with(header(), "kid", Value::Null), Refused::Header),
            (without(header(), "kid"), Refused::Header),
            (with(header(), "jwk", json!({})), Refused::Header),
            (with(header(), "crit", json!(["b64"])), Refused::Header),
            (with(header(), "x5u", json!("https://evil.example")), Refused::Header),
            (header().to_string().replace("{", "{\"kid\":\"cred_2\","), Refused::Form),
            ("[]".to_owned(), Refused::Algorithm),
            ("{".to_owned(), Refused::Form),
        ] {
            check(&bad, &claims, Err(why));
        }
    }

    #[test]
    fn the_claims_are_exact() {
        let header = header().to_string();
        check(&header, &claims().to_string(), Ok(()));
        let long = "x".repeat(129);
        for (bad, why) in [
            (without(claims(), "iss"), Refused::Claims),
            (without(claims(), "aud"), Refused::Claims),
            (without(claims(), "iat"), Refused::Claims),
            (without(claims(), "jti"), Refused::Claims),
            (with(claims(), "exp", json!(2_000)), Refused::Claims),
            (with(claims(), "sub", json!("agent_2")), Refused::Claims),
            (with(claims(), "iss", json!(["agent_1"])), Refused::Issuer),
            (with(claims(), "aud", json!("scopegate:other")), Refused::Audience),
            (with(claims(), "aud", json!("default")), Refused::Audience),
            (with(claims(), "aud", json!(["scopegate:default"])), Refused::Audience),
            (with(claims(), "aud", Value::Null), Refused::Audience),
            (with(claims(), "iat", json!("1000")), Refused::Iat),
            (with(claims(), "iat", json!(-1)), Refused::Iat),
            (with(claims(), "iat", json!(1000.5)), Refused::Iat),
            (with(claims(), "iat", json!(1e15)), Refused::Iat),
            (with(claims(), "iat", Value::Null), Refused::Iat),
            (with(claims(), "jti", json!("short")), Refused::Jti),
            (with(claims(), "jti", json!(long)), Refused::Jti),
            (with(claims(), "jti", json!("with a space")), Refused::Jti),
            (with(claims(), "jti", json!("non\u{e4}scii_text")), Refused::Jti),
            (with(claims(), "jti", json!(123_456_789)), Refused::Jti),
            (with(claims(), "jti", Value::Null), Refused::Jti),
            (claims().to_string().replace("{", "{\"jti\":\"another one\","), Refused::Form),
            ("[]".to_owned(), Refused::Claims),
        ] {
            check(&header, &bad, Err(why));
        }
    }

    #[test]
    fn nothing_is_believed_before_the_signature_is() {
        let public = SigningKey::from_bytes(&SEED).verifying_key().to_bytes();
        let verify = |text: &str| Unverified::read(text)?.verify(&public, &tenant()).map(drop);
        let wrong = with(claims(), "aud", json!("scopegate:other"));
        let other = signed_by([8; 32], &header().to_string(), &wrong);
        assert_eq!(verify(&other), Err(Refused::Signature));
        let good = signed_by(SEED, &header().to_string(), &claims().to_string());
        let [head, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
        let swapped = format!("{head}.{}.{signature}", encode(wrong));
        assert_eq!(verify(&swapped), Err(Refused::Signature));
        for bad in [
            format!("{head}.{body}."),
            format!("{head}.{body}"),
            format!("{head}.{body}.{signature}="),
            format!("{good}.{signature}"),
            format!(".{body}.{signature}"),
            "..".to_owned(),
            "a.b.c".to_owned(),
            "x".repeat(2049),
        ] {
            assert_eq!(verify(&bad), Err(Refused::Form), "{bad}");
        }
    }
}
