//! A read text and the index of its values.

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::node::Node;
use super::reader::Reader;
use super::value::JsonRef;
use super::{JsonError, MAX_TEXT};

/// Values of ordinary calls fit here without an allocation.
pub(super) const INLINE_NODES: usize = 16;

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
        let mut document = Self { text, nodes: Nodes::new() };
        Reader::read(&document.text, &mut document.nodes)?;
        Ok(document)
    }

    /// The outermost value.
    pub fn root(&self) -> JsonRef<'_> {
        self.value(0)
    }

    /// The value at a place of the index.
    pub(crate) fn value(&self, index: u16) -> JsonRef<'_> {
        JsonRef::new(&self.text, self.nodes.get(usize::from(index)..).unwrap_or_default())
    }

    /// The place of a value of this document in the index.
    pub(crate) fn index_of(&self, value: JsonRef<'_>) -> u16 {
        // The reader accepts fewer values than that.
        (self.nodes.len() - value.after().min(self.nodes.len())) as u16
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}
