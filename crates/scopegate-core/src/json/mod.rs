//! The strict JSON reader: everything that is judged comes through here.
//!
//! A [`Document`] holds the text it was read from and an index of its values; nothing is copied
//! and, for ordinary calls, nothing is allocated. What the reader refuses ([`JsonError`]) never
//! reaches a rule: duplicate members, numbers outside I-JSON (RFC 7493), lone surrogates, and
//! anything beyond [`MAX_TEXT`], [`MAX_DEPTH`], [`MAX_MEMBERS`] or [`MAX_STRING`].

mod canonical;
mod document;
mod literal;
mod node;
mod number;
mod object;
mod reader;
mod text;
mod value;
mod write;

pub use self::document::Document;
pub(crate) use self::literal::Literal;
pub(crate) use self::number::exact;
pub use self::object::CanonicalObject;
pub(crate) use self::object::{write_number, write_text};
pub use self::value::{Elements, Json, JsonRef, Member, Members, fold_equal};
pub(crate) use self::value::{Expected, LooksLike};

pub(crate) use self::canonical::canonical;

/// Longest text the reader accepts, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;
/// Deepest nesting of arrays and objects; the outermost one counts as 1.
pub const MAX_DEPTH: usize = 32;
/// Most object members and array elements in one text, all levels together.
pub const MAX_MEMBERS: usize = 4096;
/// Longest string or member name, in bytes after unescaping.
pub const MAX_STRING: usize = 64 * 1024;
/// Longest number, in characters.
pub const MAX_NUMBER: usize = 64;

/// Why a text was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The bytes are not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The text is not JSON; the offset is in bytes.
    #[error("not JSON at byte {0}")]
    Syntax(u32),
    /// An object names the same member twice, perhaps by way of an escape.
    #[error("duplicate member at byte {0}")]
    Duplicate(u32),
    /// Nesting beyond [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels at byte {0}")]
    TooDeep(u32),
    /// More than [`MAX_MEMBERS`] members and elements.
    #[error("more than {MAX_MEMBERS} members and elements")]
    TooManyMembers,
    /// Longer than [`MAX_TEXT`].
    #[error("longer than {MAX_TEXT} bytes")]
    TooLong,
    /// A string longer than [`MAX_STRING`].
    #[error("a string longer than {MAX_STRING} bytes at byte {0}")]
    StringTooLong(u32),
    /// An escape that names half of a surrogate pair.
    #[error("a lone surrogate at byte {0}")]
    LoneSurrogate(u32),
    /// A number that binary64 cannot hold exactly, or a negative zero.
    #[error("a number outside I-JSON at byte {0}")]
    InexactNumber(u32),
    /// Well-formed, but arguments are a JSON object.
    #[error("the arguments are not a JSON object")]
    NotAnObject,
}

impl JsonError {
    /// Whether the text could not be read as JSON at all, as opposed to being JSON that is refused.
    pub fn is_unreadable(self) -> bool {
        matches!(self, Self::NotUtf8 | Self::Syntax(_))
    }
}
