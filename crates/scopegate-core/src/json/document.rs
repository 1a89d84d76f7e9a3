//! A read text and the index of its values.

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::reader::Reader;
use super::value::JsonRef;
use super::{JsonError, MAX_TEXT};

/// Values of ordinary calls fit here without an allocation.
pub(super) const INLINE_NODES: usize = 16;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

/// One value: where its text lies and where its next sibling stands in the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The member name without its quotes; empty for elements and the root.
    pub(super) key: Span,
    /// The value's text; for a string without its quotes, for arrays and objects unused.
    pub(super) text: Span,
    /// The value's place in the index.
    pub(super) at: u16,
    /// How many nodes the value takes, itself included.
    pub(super) size: u16,
    /// What is compared first when a member is looked for.
    pub(super) mark: Mark,
    pub(super) kind: Kind,
    /// Bit 0: the key has escapes; bit 1: the string has escapes; bit 2: the members of the object
    /// have marks that all differ, and none is odd.
    pub(super) flags: u8,
}

pub(super) const KEY_ESCAPED: u8 = 1;
pub(super) const TEXT_ESCAPED: u8 = 2;
pub(super) const DISTINCT: u8 = 4;

/// A member name in short: names that are equal, or equal except for case, have the same mark, or
/// one of them is [`Mark::ODD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u16);

impl Mark {
    /// Of a name with escapes or beyond ASCII: only the names themselves tell.
    pub(super) const ODD: Self = Self(u16::MAX);

    /// Of a name as it stands in the text, which has no escapes.
    pub(super) const fn of(name: &[u8]) -> Self {
        if !name.is_ascii() {
            return Self::ODD;
        }
        let initial = match name {
            [] => 0,
            [initial, ..] => initial.to_ascii_lowercase(),
        };
        // ASCII never sets the high bit of the initial, so no such mark is the odd one.
        Self(u16::from_be_bytes([name.len() as u8, initial]))
    }
}

/// A range of the text, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u32,
}

pub(super) type Nodes = SmallVec<[Node; INLINE_NODES]>;

/// A JSON text that passed the strict reader.
#[derive(Clone)]
pub struct Document {
    text: ByteString,
    nodes: Nodes,
}

impl Document {
    /// Reads one JSON value.
    ///
    /// # Errors
    /// Refuses everything listed at [`JsonError`].
    pub fn read(text: impl Into<Bytes>) -> Result<Self, JsonError> {
        let text = text.into();
        if text.len() > MAX_TEXT {
            return Err(JsonError::TooLong);
        }
        let text = ByteString::try_from(text).map_err(|_| JsonError::NotUtf8)?;
        let nodes = Reader::read(&text)?;
        Ok(Self { text, nodes })
    }

    /// The outermost value.
    pub fn root(&self) -> JsonRef<'_> {
        self.value(0)
    }

    /// The value at a place of the index.
    pub(crate) fn value(&self, index: u16) -> JsonRef<'_> {
        JsonRef::new(&self.text, self.nodes.get(usize::from(index)..).unwrap_or_default())
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}
