//! Session tokens: a JWT (RFC 7519) of one algorithm, Ed25519, that names a session and permits
//! nothing by itself.

use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use schemars::JsonSchema;
use scopegate_core::json::Json;
use scopegate_core::{Name, SessionId, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::jws::{self, Parts, encode, member, members};
use crate::store::{SessionRow, SigningKeyRow, TenantId};

/// Longer texts are no tokens.
const MAX_LEN: usize = 2048;
const ISSUER: &str = "scopegate";
const TYPE: &str = "sg-session+jwt";

/// What a presented token came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    /// No token of ours.
    Nothing,
    /// A token that we signed, whatever became of its session.
    Session { tenant: TenantId, session: SessionId, expired: bool },
}

/// A token that we signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) tenant: TenantId,
    pub(crate) session: SessionId,
    pub(crate) expires_at: Timestamp,
}

/// A public key that verifies tokens.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PublishedKey {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    r#use: &'static str,
    kid: Name,
    /// The key, base64url.
    x: String,
}

impl Verified {
    pub(crate) fn at(&self, now: Timestamp) -> Presented {
        let (tenant, session) = (self.tenant.clone(), self.session);
        Presented::Session { tenant, session, expired: now >= self.expires_at }
    }
}

/// The keys that sign tokens, those that did, and those that will.
pub(crate) struct Signer {
    /// The one that signs last, first.
    keys: Vec<Known>,
}

struct Known {
    id: Name,
    key: SigningKey,
    signs_from: Timestamp,
    retired: bool,
}

/// No session lives longer, and so no token.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The keys of which no token can be good any more: another has signed for longer than one lives.
pub(crate) fn outlived(rows: &[SigningKeyRow], now: Timestamp) -> Vec<Name> {
    let later = |row: &SigningKeyRow| {
        let others = rows.iter().filter(|other| other.retired_at.is_none());
        others
            .map(|other| other.signs_from.max(other.created_at))
            .filter(|from| *from > row.signs_from.max(row.created_at))
            .min()
    };
    let outlived = |row: &&SigningKeyRow| later(row).is_some_and(|from| now >= from.after(LONGEST));
    rows.iter().filter(outlived).map(|row| row.id.clone()).collect()
}

impl Signer {
    /// A signer of these keys. `None` when none of them may ever sign.
    pub(crate) fn new(rows: &[SigningKeyRow]) -> Option<Self> {
        let mut keys: Vec<Known> = rows.iter().map(Known::new).collect();
        keys.sort_by_key(|known| std::cmp::Reverse(known.signs_from));
        keys.iter().any(|known| !known.retired).then_some(Self { keys })
    }

    /// The newest key whose time has come; before that of the first one has, the first one.
    fn current(&self, now: Timestamp) -> Option<&Known> {
        let usable = || self.keys.iter().filter(|known| !known.retired);
        usable().find(|known| known.signs_from <= now).or_else(|| usable().next_back())
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub(crate) fn published(&self) -> Vec<PublishedKey> {
        self.keys.iter().map(Known::published).collect()
    }

    /// Whether `other` verifies all that this one does.
    pub(crate) fn is_known_to(&self, other: &Self) -> bool {
        self.keys.iter().all(|known| other.keys.iter().any(|key| key.id == known.id && key.key == known.key))
    }

    /// The token of a session.
    pub(crate) fn sign(&self, session: &SessionRow) -> Option<String> {
        let Known { id, key, .. } = self.current(session.created_at)?;
        let header = json!({ "alg": "EdDSA", "kid": id, "typ": TYPE });
        let issued = session.created_at.secs();
        let claims = json!({
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": session.owner,
            "tid": session.tenant,
            "sid": session.id,
            "rid": session.role_id,
            "key": session.key,
            "iat": issued,
            "nbf": issued,
            "exp": session.expires_at.secs(),
            "jti": session.id,
        });
        let text = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = key.sign(text.as_bytes());
        Some(format!("{text}.{}", encode(signature.to_bytes())))
    }

    /// Whether we signed a token; nothing in it is believed before.
    pub(crate) fn verify(&self, token: &str) -> Option<Verified> {
        if token.len() > MAX_LEN {
            return None;
        }
        let Parts { text, header, claims, signature } = jws::split(token)?;
        let kid = member(&header, "kid")?;
        let exact =
            members(&header) == 3 && member(&header, "alg")? == "EdDSA" && member(&header, "typ")? == TYPE;
        let known = self.keys.iter().find(|known| exact && known.id == kid)?;
        known.key.verifying_key().verify_strict(text.as_bytes(), &signature).ok()?;
        let ours = member(&claims, "iss")? == ISSUER && member(&claims, "aud")? == ISSUER;
        let expires_at = match claims.root().pointer("/exp")?.get() {
            Json::Number(seconds) if seconds >= 0.0 && seconds.fract() == 0.0 => {
                Timestamp::from_secs(seconds as u64)
            }
            _ => return None,
        };
        let tenant = TenantId::parse(member(&claims, "tid")?).ok()?;
        let session = SessionId::parse(&member(&claims, "sid")?)?;
        ours.then_some(Verified { tenant, session, expires_at })
    }
}

impl Known {
    fn new(row: &SigningKeyRow) -> Self {
        Self {
            id: row.id.clone(),
            key: SigningKey::from_bytes(&row.seed),
            signs_from: row.signs_from.max(row.created_at),
            retired: row.retired_at.is_some(),
        }
    }

    fn published(&self) -> PublishedKey {
        PublishedKey {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            r#use: "sig",
            kid: self.id.clone(),
            x: encode(self.key.verifying_key().to_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use scopegate_core::json::Document;

    use super::*;
    use crate::jws::decode;

    fn row(id: &str, seed: u8) -> SigningKeyRow {
        SigningKeyRow {
            id: id.into(),
            seed: [seed; 32],
            created_at: Timestamp::from_secs(1),
            signs_from: Timestamp::from_secs(1),
            retired_at: None,
        }
    }

    fn session() -> SessionRow {
        SessionRow {
            tenant: TenantId::parse("default").unwrap(),
            id: SessionId::from_bits(77),
            key: "k".into(),
            owner: "ann".into(),
            role_id: "r".into(),
            role: "clerk".into(),
            task_type: String::new(),
            framework: String::new(),
            requested_ttl: 0,
            created_at: Timestamp::from_secs(100),
            expires_at: Timestamp::from_secs(200),
            parent: None,
            end: None,
            records: 0,
            max_calls: None,
            spent: 0,
        }
    }

    fn parts(token: &str) -> [String; 3] {
        let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        parts.try_into().unwrap()
    }

    /// A token with this header and these claims, signed by the key of `row("a", 1)`.
    fn signed(header: &str, claims: &str) -> String {
        let text = format!("{}.{}", encode(header), encode(claims));
        let signature = SigningKey::from_bytes(&[1; 32]).sign(text.as_bytes());
        format!("{text}.{}", encode(signature.to_bytes()))
    }

    #[test]
    fn a_token_names_its_session_until_it_expires() {
        let signer = Signer::new(&[row("a", 1)]).unwrap();
        let verified = signer.verify(&signer.sign(&session()).unwrap()).unwrap();
        assert_eq!(verified.session, SessionId::from_bits(77));
        let expired = |secs| {
            matches!(verified.at(Timestamp::from_secs(secs)), Presented::Session { expired: true, .. })
        };
        assert!(!expired(199) && expired(200));
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        let signer = Signer::new(&[row("a", 1)]).unwrap();
        let token = signer.sign(&session()).unwrap();
        for at in 0..token.len() {
            for with in ["A", "b", "-", ".", "="] {
                let mut other = token.clone();
                other.replace_range(at..=at, with);
                assert!(other == token || signer.verify(&other).is_none(), "byte {at} as {with}");
            }
        }
        for other in [format!("{token}="), format!("{token}.x"), format!(" {token}"), token.to_uppercase()] {
            assert_eq!(signer.verify(&other), None);
        }
    }

    #[test]
    fn a_header_of_another_form_is_refused_although_it_is_signed() {
        let signer = Signer::new(&[row("a", 1)]).unwrap();
        let [_, claims, _] = parts(&signer.sign(&session()).unwrap());
        let claims = String::from_utf8(decode(&claims).unwrap()).unwrap();
        let good = r#"{"alg":"EdDSA","kid":"a","typ":"sg-session+jwt"}"#;
        assert!(signer.verify(&signed(good, &claims)).is_some());
        for bad in [
            r#"{"alg":"none","kid":"a","typ":"sg-session+jwt"}"#,
            r#"{"alg":"HS256","kid":"a","typ":"sg-session+jwt"}"#,
            r#"{"alg":"EdDSA","kid":"b","typ":"sg-session+jwt"}"#,
            r#"{"alg":"EdDSA","kid":"a","typ":"JWT"}"#,
            r#"{"alg":"EdDSA","kid":"a"}"#,
            r#"{"alg":"EdDSA","kid":"a","typ":"sg-session+jwt","jwk":{}}"#,
            r#"{"alg":"EdDSA","kid":"a","typ":"sg-session+jwt","crit":["x"]}"#,
            r#"{"alg":"EdDSA","alg":"EdDSA","kid":"a","typ":"sg-session+jwt"}"#,
            r#"{"alg":"EdDSA","kid":["a"],"typ":"sg-session+jwt"}"#,
            "[]",
            "",
        ] {
            assert_eq!(signer.verify(&signed(bad, &claims)), None, "{bad}");
        }
    }

    #[test]
    fn claims_of_another_form_are_refused_although_they_are_signed() {
        let signer = Signer::new(&[row("a", 1)]).unwrap();
        let header = r#"{"alg":"EdDSA","kid":"a","typ":"sg-session+jwt"}"#;
        let sid = SessionId::from_bits(77);
        let claims = |extra: &str| {
            format!(r#"{{"iss":"scopegate","aud":"scopegate","tid":"default","sid":"{sid}"{extra}}}"#)
        };
        assert!(signer.verify(&signed(header, &claims(r#","exp":200"#))).is_some());
        for bad in
            ["", r#","exp":"200""#, r#","exp":null"#, r#","exp":-1"#, r#","exp":1.5"#, r#","exp":1,"exp":2"#]
        {
            assert_eq!(signer.verify(&signed(header, &claims(bad))), None, "{bad}");
        }
        let other = claims(r#","exp":200"#);
        for (from, to) in [
            ("\"iss\":\"scopegate\"", "\"iss\":\"x\""),
            ("\"aud\":\"scopegate\"", "\"aud\":[]"),
            ("default", "NOT OK"),
        ] {
            assert_eq!(signer.verify(&signed(header, &other.replace(from, to))), None, "{to}");
        }
    }

    #[test]
    fn retired_keys_verify_and_do_not_sign() {
        let retired = SigningKeyRow { retired_at: Some(Timestamp::from_secs(5)), ..row("a", 1) };
        let old = Signer::new(&[row("a", 1)]).unwrap().sign(&session()).unwrap();
        let signer = Signer::new(&[retired.clone(), row("b", 2)]).unwrap();
        assert!(signer.verify(&old).is_some());
        assert!(Signer::new(&[row("b", 2)]).unwrap().verify(&old).is_none());
        assert!(Signer::new(&[retired]).is_none());
        assert!(Signer::new(&[]).is_none());
    }

    #[test]
    fn what_a_key_verified_is_looked_at_again_once_the_key_is_gone() {
        let signer = |rows: &[SigningKeyRow]| Signer::new(rows).unwrap();
        let (first, both, other) =
            (signer(&[row("a", 1)]), signer(&[row("a", 1), row("b", 2)]), signer(&[row("b", 2)]));
        assert!(first.is_known_to(&first) && first.is_known_to(&both) && other.is_known_to(&both));
        assert!(!both.is_known_to(&first) && !first.is_known_to(&other));
        assert!(!first.is_known_to(&signer(&[row("a", 3)])), "another key of the same name");
    }

    #[test]
    fn a_new_key_is_known_before_it_signs_and_the_old_one_until_its_tokens_are_over() {
        let kid = |signer: &Signer, now| {
            let issued = SessionRow { created_at: Timestamp::from_secs(now), ..session() };
            let token = signer.sign(&issued).unwrap();
            let [header, ..] = parts(&token);
            let header = Document::read(decode(&header).unwrap()).unwrap();
            (member(&header, "kid").unwrap(), token)
        };
        let next = SigningKeyRow {
            created_at: Timestamp::from_secs(1_000),
            signs_from: Timestamp::from_secs(1_600),
            ..row("b", 2)
        };
        let rows = [row("a", 1), next];
        let signer = Signer::new(&rows).unwrap();
        assert_eq!(signer.published().len(), 2);
        for (now, expected) in [(0, "a"), (1_000, "a"), (1_599, "a"), (1_600, "b"), (9_999, "b")] {
            let (kid, token) = kid(&signer, now);
            assert_eq!(kid, expected, "at {now}");
            assert!(signer.verify(&token).is_some());
        }
        let last = 1_600 + LONGEST.as_secs();
        assert_eq!(outlived(&rows, Timestamp::from_secs(last - 1)), Vec::<Name>::new());
        assert_eq!(outlived(&rows, Timestamp::from_secs(last)), [Name::new_static("a")]);
        assert_eq!(outlived(&rows[..1], Timestamp::from_secs(u64::MAX / 2_000_000_000)), Vec::<Name>::new());
    }
}
