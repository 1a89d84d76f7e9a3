//! Checkpoints (C2SP `tlog-checkpoint`): "the log of this name has so many records, and this root".

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::merkle::{Frontier, Hash};
use super::note::{DASH, NoteError, NoteKey, NoteSigner};

/// What the names of all logs begin with.
const PREFIX: &str = "scopegate/";

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The log's name: [`origin`] of its chain.
    pub origin: String,
    /// How many records it covers.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// The name of the log of a chain.
pub fn origin(chain: &str) -> String {
    format!("{PREFIX}{chain}")
}

impl Checkpoint {
    /// The checkpoint of a log as it stands.
    pub fn of(origin: &str, tree: &Frontier) -> Self {
        Self { origin: origin.to_owned(), size: tree.size(), root: tree.root() }
    }

    /// The signed note.
    pub fn sign(&self, signer: &NoteSigner) -> String {
        signer.sign(&format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root)))
    }

    /// Reads a note, once its signature was verified. The signer must bear the log's own name.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(note: &str, key: &NoteKey) -> Result<Self, NoteError> {
        let text = key.open(note)?;
        let bad = NoteError::Malformed("not a checkpoint");
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(bad);
        };
        let root = BASE64_STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let number = size.parse::<u64>().ok().filter(|number| number.to_string() == size);
        match (number, root) {
            (Some(size), Some(root)) if origin == key.name() => {
                Ok(Self { origin: origin.to_owned(), size, root })
            }
            _ => Err(bad),
        }
    }
}

/// The notes in a file of checkpoints, which are separated by empty lines. What a crash left
/// unfinished is no note and is left out.
pub fn notes(text: &str) -> Vec<String> {
    let (mut notes, mut note) = (Vec::new(), String::new());
    let whole = |note: &str| {
        note.ends_with('\n') && note.lines().next_back().is_some_and(|line| line.starts_with(DASH))
    };
    for line in text.split_inclusive('\n') {
        if line.starts_with(PREFIX) || (whole(&note) && !line.starts_with(DASH)) {
            notes.push(std::mem::take(&mut note));
        }
        note.push_str(line);
    }
    notes.push(note);
    notes.retain(|note| note.starts_with(PREFIX) && whole(note));
    notes
}
