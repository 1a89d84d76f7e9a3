//! Signed notes (C2SP `signed-note`): a text, and who signed it with Ed25519.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The algorithm byte of Ed25519.
const ED25519: u8 = 1;
/// What begins a signature line: an em dash and a space.
pub(super) const DASH: &str = "\u{2014} ";

/// Signs notes under a name.
pub struct NoteSigner {
    key: SigningKey,
    public: NoteKey,
}

/// Verifies notes: a name and the public key that signs under it. Written as
/// `<name>+<key id>+<base64>`, the form of `signed-note`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: VerifyingKey,
    id: [u8; 4],
}

/// Why a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// It is not a note, or a key is not a key.
    #[error("{0}")]
    Malformed(&'static str),
    /// Nobody with this key signed it.
    #[error("the note is not signed by `{0}`")]
    Unsigned(String),
    /// The signature is another text's.
    #[error("the signature of `{0}` does not fit the note")]
    Forged(String),
}

impl NoteSigner {
    /// Signs as `name` with the key of this seed.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] when the name cannot stand in a note.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let public = NoteKey::new(name, key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// What verifies its notes.
    pub fn public(&self) -> &NoteKey {
        &self.public
    }

    /// Signs a text, which must end with a newline.
    pub fn sign(&self, text: &str) -> String {
        let mut bytes = self.public.id.to_vec();
        bytes.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n{DASH}{} {}\n", self.public.name, BASE64_STANDARD.encode(bytes))
    }
}

impl std::fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NoteSigner").field("public", &self.public).finish_non_exhaustive()
    }
}

impl NoteKey {
    fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(NoteError::Malformed("a key name has no spaces, control characters or plus"));
        }
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        let mut id = [0; 4];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Ok(Self { name: name.to_owned(), key, id })
    }

    /// The key of this name with these bytes.
    pub(crate) fn of(name: &str, public: &[u8; 32]) -> Result<Self, NoteError> {
        let key = VerifyingKey::from_bytes(public).map_err(|_| NoteError::Malformed("not a public key"))?;
        Self::new(name, key)
    }

    /// Reads what [`Display`](std::fmt::Display) writes.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Malformed("a key reads `<name>+<8 hexadecimal digits>+<base64>`");
        let key = (|| {
            let mut parts = text.splitn(3, '+');
            let (name, _, encoded) = (parts.next()?, parts.next()?, parts.next()?);
            let bytes = BASE64_STANDARD.decode(encoded).ok()?;
            let (algorithm, key) = bytes.split_first()?;
            let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
            let key = Self::new(name, key).ok()?;
            // One key has one spelling, its id included.
            (*algorithm == ED25519 && key.to_string() == text).then_some(key)
        })();
        key.ok_or(bad)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note, once its signature was verified. Signatures of others are ignored.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let malformed = NoteError::Malformed("not a signed note");
        let (text, signatures) = note.rsplit_once("\n\n").ok_or_else(|| malformed.clone())?;
        let text = note.get(..=text.len()).ok_or_else(|| malformed.clone())?;
        let signatures = signatures.strip_suffix('\n').ok_or_else(|| malformed.clone())?;
        let mut found = None;
        for line in signatures.split('\n') {
            let (name, encoded) = line
                .strip_prefix(DASH)
                .and_then(|line| line.split_once(' '))
                .ok_or_else(|| malformed.clone())?;
            let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| malformed.clone())?;
            let (id, signature) = bytes.split_at_checked(4).ok_or_else(|| malformed.clone())?;
            if name == self.name && id == self.id {
                found = Some(signature.to_vec());
            }
        }
        let signature = found.ok_or_else(|| NoteError::Unsigned(self.name.clone()))?;
        let forged = || NoteError::Forged(self.name.clone());
        let signature = Signature::from_slice(&signature).map_err(|_| forged())?;
        self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| forged())?;
        Ok(text)
    }
}

impl std::fmt::Display for NoteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.as_bytes());
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, BASE64_STANDARD.encode(bytes))
    }
}
