//! API keys: what kinds there are, how a secret is made, and what is kept of it.
//!
//! A secret reads `sb-agt-<id>-<random>`: a prefix that leak scanners know, its kind, its id, and
//! 43 letters and digits, which are 256 random bits. Only its SHA-256 is kept.

use std::fmt;

use scopegate_core::Name;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a key may do. Kinds exclude each other: who acts cannot also agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a new kind must be placed on every route")]
pub enum Kind {
    /// Opens sessions and asks.
    Agent,
    /// Writes roles and ends sessions.
    Admin,
    /// Decides on held calls.
    Approver,
    /// Reads the log.
    Auditor,
    /// Opens emergency access.
    Breakglass,
    /// Everything, for development: its records say `separation_off`.
    Dev,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Agent, Self::Admin, Self::Approver, Self::Auditor, Self::Breakglass, Self::Dev];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
            Self::Breakglass => "breakglass",
            Self::Dev => "dev",
        }
    }

    /// Its name inside a secret.
    const fn short(self) -> &'static str {
        match self {
            Self::Agent => "agt",
            Self::Admin => "adm",
            Self::Approver => "apr",
            Self::Auditor => "aud",
            Self::Breakglass => "bgl",
            Self::Dev => "dev",
        }
    }

    /// Reads its name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How a secret begins: the same key in the clothes of either dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum Prefix {
    /// `sb-`
    #[default]
    Sb,
    /// `xb_`
    Xb,
}

impl Prefix {
    /// Reads a prefix.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "sb-" => Some(Self::Sb),
            "xb_" => Some(Self::Xb),
            _ => None,
        }
    }

    const fn parts(self) -> (&'static str, char) {
        match self {
            Self::Sb => ("sb", '-'),
            Self::Xb => ("xb", '_'),
        }
    }
}

/// A new key. The secret is shown once and kept nowhere.
pub struct NewKey {
    /// The key itself.
    pub secret: String,
    /// Its id.
    pub id: Name,
    /// What is kept of it.
    pub hash: [u8; 32],
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes a key.
///
/// # Errors
/// When the system has no randomness.
pub fn make(prefix: Prefix, kind: Kind) -> Result<NewKey, getrandom::Error> {
    let (word, dash) = prefix.parts();
    let id = letters(12)?;
    let secret = format!("{word}{dash}{}{dash}{id}{dash}{}", kind.short(), letters(43)?);
    let hash = hash(&secret);
    Ok(NewKey { secret, id: id.into(), hash })
}

/// The id inside a secret, if it has the form of one.
pub fn id_of(secret: &str) -> Option<&str> {
    let dash = match secret.get(..3)? {
        "sb-" => '-',
        "xb_" => '_',
        _ => return None,
    };
    let mut parts = secret.split(dash).skip(1);
    let (kind, id, random) = (parts.next()?, parts.next()?, parts.next()?);
    let known = Kind::ALL.iter().any(|known| known.short() == kind);
    let plain = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_alphanumeric());
    (known && plain(id, 12) && plain(random, 43) && parts.next().is_none()).then_some(id)
}

/// What is kept of a secret: it has 256 random bits, so no slow hash is needed.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whether a secret is the one of which `hash` was kept, in constant time.
pub fn matches(secret: &str, kept: &[u8; 32]) -> bool {
    hash(secret).ct_eq(kept).into()
}

/// So many random letters and digits, each as likely as the others.
pub(crate) fn letters(count: usize) -> Result<String, getrandom::Error> {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(count);
    let mut bytes = [0; 64];
    while text.len() < count {
        getrandom::fill(&mut bytes)?;
        // 248 is four times 62: what is beyond would make the first letters likelier.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        text.extend(fair.filter_map(|byte| LETTERS.get(usize::from(byte % 62))).map(|b| char::from(*b)));
    }
    text.truncate(count);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_names_its_id_and_is_known_again() {
        for prefix in [Prefix::Sb, Prefix::Xb] {
            for kind in Kind::ALL {
                let key = make(prefix, kind).unwrap();
                assert_eq!(id_of(&key.secret), Some(&*key.id), "{}", key.secret);
                assert!(matches(&key.secret, &key.hash));
                let mut other = key.secret.clone();
                other.pop();
                other.push(if key.secret.ends_with('a') { 'b' } else { 'a' });
                assert!(!matches(&other, &key.hash));
                assert!(!format!("{key:?}").contains(&key.secret));
            }
        }
    }

    #[test]
    fn what_has_not_the_form_has_no_id() {
        let good = make(Prefix::Sb, Kind::Agent).unwrap().secret;
        for bad in [
            "",
            "sb-",
            "sb-agt",
            "sb-agt-x-y",
            &good[1..],
            &good[..good.len() - 1],
            &format!("{good}x"),
            &format!("{good}-x"),
            &good.replace("agt", "xxx"),
            &good.replace('-', "_"),
            &good.to_uppercase(),
            &format!(" {good}"),
            "sb-é",
        ] {
            assert_eq!(id_of(bad), None, "{bad}");
        }
    }
}
