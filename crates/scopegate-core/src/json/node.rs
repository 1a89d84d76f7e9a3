//! One value in the index of a document, in two words.

/// How many bits a place in the text takes: [`MAX_TEXT`](super::MAX_TEXT) is 2^18.
const PLACE: u32 = 18;
const PLACES: u64 = (1 << PLACE) - 1;
const ESCAPED: u64 = 1 << 36;
const KIND: u32 = 40;
/// Where the mark begins, beside a name.
const MARK: u32 = 40;
/// Where the size begins, beside a value.
const SIZE: u32 = 48;

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

/// A stretch of the text, such as a string between its quotes, and whether it has escapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span(u64);

impl Span {
    /// From byte `start`, below [`MAX_TEXT`](super::MAX_TEXT), and `len` bytes long.
    #[inline]
    pub(super) const fn new(start: usize, len: usize) -> Self {
        Self(start as u64 & PLACES | (len as u64 & PLACES) << PLACE)
    }

    #[inline]
    pub(super) const fn with_escapes(self) -> Self {
        Self(self.0 | ESCAPED)
    }

    #[inline]
    pub(super) const fn start(self) -> usize {
        (self.0 & PLACES) as usize
    }

    #[inline]
    pub(super) const fn len(self) -> usize {
        (self.0 >> PLACE & PLACES) as usize
    }

    /// Where it ends.
    #[inline]
    pub(super) const fn end(self) -> usize {
        self.start() + self.len()
    }

    #[inline]
    pub(super) const fn is_escaped(self) -> bool {
        self.0 & ESCAPED != 0
    }
}

/// A member name in short: names that are equal, or equal except for case, have the same mark, or
/// one of them is [`Mark::ODD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u32);

impl Mark {
    /// Of a name with escapes or beyond ASCII: only the names themselves tell.
    pub(super) const ODD: Self = Self(0x00FF_FFFF);

    /// Of a name as it stands in the text, which has no escapes.
    #[inline]
    pub(super) const fn of(name: &[u8]) -> Self {
        if name.is_ascii() { Self::of_ascii(name) } else { Self::ODD }
    }

    /// Of a name known to be ASCII: its length, its first and its last letter.
    #[inline(always)]
    pub(super) const fn of_ascii(name: &[u8]) -> Self {
        let (first, last) = match name {
            [] => (0, 0),
            [only] => (*only, *only),
            [first, .., last] => (*first, *last),
        };
        // Upper and lower case differ in this bit. ASCII never sets the highest, so no such mark is
        // the odd one.
        let case = 0x20;
        Self((name.len() as u32 & 0xFF) << 16 | ((first | case) as u32) << 8 | (last | case) as u32)
    }

    /// One bit of 64, the same for equal marks.
    #[inline]
    pub(super) const fn bit(self) -> u64 {
        1 << (self.0.wrapping_mul(0x9E37_79B1) >> 26)
    }

    /// One bit of 32, the same for equal marks.
    #[inline]
    pub(super) const fn short(self) -> u32 {
        shorten(self.bit())
    }
}

/// Bits of 64 as bits of 32.
#[inline]
const fn shorten(bits: u64) -> u32 {
    (bits | bits >> 32) as u32
}

/// A member name as it stands in the text, and its mark.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u64);

impl Key {
    /// Of elements and of the outermost value.
    pub(super) const NONE: Self = Self::new(Span(0), Mark::of(b""));

    #[inline]
    pub(super) const fn new(name: Span, mark: Mark) -> Self {
        Self(name.0 | (mark.0 as u64) << MARK)
    }

    #[inline]
    pub(super) const fn name(self) -> Span {
        Span(self.0)
    }

    #[inline]
    pub(super) const fn mark(self) -> Mark {
        Mark((self.0 >> MARK) as u32)
    }
}

/// One value: its name, where its text lies, and where its next sibling stands in the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) key: Key,
    value: u64,
}

impl Node {
    /// A scalar; the text of a string is without its quotes.
    #[inline]
    pub(super) const fn scalar(key: Key, kind: Kind, text: Span) -> Self {
        Self { key, value: text.0 | (kind as u64) << KIND | 1 << SIZE }
    }

    /// An array or object of `size` nodes, itself included.
    #[inline]
    pub(super) const fn nest(key: Key, kind: Kind, size: u16) -> Self {
        Self { key, value: (kind as u64) << KIND | (size as u64) << SIZE }
    }

    /// An object whose members have marks that all differ, and none is odd: with the bits of all of them,
    /// in the place where a scalar says where its text lies.
    #[inline]
    pub(super) const fn distinct(self, bits: u64) -> Self {
        Self { value: self.value | shorten(bits) as u64, ..self }
    }

    #[inline]
    pub(super) const fn kind(self) -> Kind {
        match self.value >> KIND & 7 {
            0 => Kind::Null,
            1 => Kind::True,
            2 => Kind::False,
            3 => Kind::Number,
            4 => Kind::String,
            5 => Kind::Array,
            _ => Kind::Object,
        }
    }

    #[inline]
    pub(super) const fn text(self) -> Span {
        Span(self.value)
    }

    /// How many nodes the value takes, itself included.
    #[inline]
    pub(super) const fn size(self) -> usize {
        (self.value >> SIZE) as usize
    }

    /// The bits of the members' marks, where these are distinct; else 0. Of arrays and objects.
    #[inline]
    pub(super) const fn marks(self) -> u32 {
        self.value as u32
    }
}
