//! Text in, index out, or the first reason to refuse it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::document::{DISTINCT, KEY_ESCAPED, Kind, Mark, Node, Nodes, Span, TEXT_ESCAPED};
use super::number::is_exact;
use super::text::{unescape, unescaped_len};
use super::{JsonError, MAX_DEPTH, MAX_MEMBERS, MAX_NUMBER, MAX_STRING};

/// Objects with more members than this look duplicates up in a set.
const FEW: usize = 24;

pub(super) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Nodes,
}

/// A string as it stands in the text, between its quotes.
#[derive(Clone, Copy, Default)]
struct Quoted {
    span: Span,
    escaped: bool,
}

/// A member name, or none.
#[derive(Clone, Copy)]
struct Key {
    name: Quoted,
    mark: Mark,
}

impl Key {
    const NONE: Self =
        Self { name: Quoted { span: Span { start: 0, len: 0 }, escaped: false }, mark: Mark::of(b"") };
}

/// How a member name stands to the names before it.
enum Among {
    /// It differs from each of them in its mark.
    Distinct,
    /// It is another name.
    New,
    Repeated,
}

impl<'a> Reader<'a> {
    pub(super) fn read(text: &'a str) -> Result<Nodes, JsonError> {
        let mut reader = Self { text, bytes: text.as_bytes(), at: 0, nodes: Nodes::new() };
        reader.value(Key::NONE, 0)?;
        reader.space();
        if reader.at < reader.bytes.len() { Err(reader.syntax()) } else { Ok(reader.nodes) }
    }

    fn value(&mut self, key: Key, depth: usize) -> Result<(), JsonError> {
        if self.nodes.len() > MAX_MEMBERS {
            return Err(JsonError::TooManyMembers);
        }
        self.space();
        let Key { name: key, mark } = key;
        let flags = if key.escaped { KEY_ESCAPED } else { 0 };
        // The check above keeps the count within MAX_MEMBERS.
        let (index, at) = (self.nodes.len() as u16, self.nodes.len());
        let blank =
            Node { key: key.span, text: Span::default(), at: index, size: 1, mark, kind: Kind::Null, flags };
        self.nodes.push(blank);
        let (kind, text, more) = match self.peek() {
            Some(b'"') => {
                let string = self.string()?;
                (Kind::String, string.span, if string.escaped { TEXT_ESCAPED } else { 0 })
            }
            Some(b'{') => {
                let distinct = self.object(depth + 1)?;
                (Kind::Object, Span::default(), if distinct { DISTINCT } else { 0 })
            }
            Some(b'[') => {
                self.array(depth + 1)?;
                (Kind::Array, Span::default(), 0)
            }
            Some(b't') => (Kind::True, self.word("true")?, 0),
            Some(b'f') => (Kind::False, self.word("false")?, 0),
            Some(b'n') => (Kind::Null, self.word("null")?, 0),
            _ => (Kind::Number, self.number()?, 0),
        };
        let size = u16::try_from(self.nodes.len() - at).map_err(|_| JsonError::TooManyMembers)?;
        if let Some(node) = self.nodes.get_mut(at) {
            *node = Node { key: key.span, text, at: index, size, mark, kind, flags: flags | more };
        }
        Ok(())
    }

    /// Reads an object; whether its members have marks that all differ, and none is odd.
    fn object(&mut self, depth: usize) -> Result<bool, JsonError> {
        self.open(depth)?;
        if self.close(b'}') {
            return Ok(true);
        }
        let mut distinct = true;
        let first = self.nodes.len();
        let mut count = 0;
        let mut seen = BTreeSet::new();
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.expect(b':')?;
            count += 1;
            let mark = if name.escaped { Mark::ODD } else { Mark::of(self.slice(name.span)) };
            let key = Key { name, mark };
            match self.among(key, first, count, &mut seen) {
                Among::Distinct => {}
                Among::New => distinct = false,
                Among::Repeated => return Err(JsonError::Duplicate(name.span.start)),
            }
            self.value(key, depth)?;
            if !self.another(b'}')? {
                return Ok(distinct);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.open(depth)?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            self.value(Key::NONE, depth)?;
            if !self.another(b']')? {
                return Ok(());
            }
        }
    }

    /// How `key` stands to the members that start at node `first`.
    fn among(&self, key: Key, first: usize, count: usize, seen: &mut BTreeSet<Cow<'a, str>>) -> Among {
        if count < FEW {
            let mut among = if key.mark == Mark::ODD { Among::New } else { Among::Distinct };
            for earlier in self.siblings(first) {
                if earlier.mark == key.mark || earlier.mark == Mark::ODD || key.mark == Mark::ODD {
                    if self.same(key.name, earlier.name) {
                        return Among::Repeated;
                    }
                    among = Among::New;
                }
            }
            return among;
        }
        if count == FEW {
            seen.extend(self.siblings(first).map(|earlier| self.name(earlier.name)));
        }
        if seen.insert(self.name(key.name)) { Among::New } else { Among::Repeated }
    }

    /// The names of the members read so far, from node `first` on.
    fn siblings(&self, first: usize) -> impl Iterator<Item = Key> + '_ {
        let mut nodes = self.nodes.get(first..).unwrap_or_default();
        std::iter::from_fn(move || {
            let node = nodes.first()?;
            nodes = nodes.get(usize::from(node.size)..).unwrap_or_default();
            let name = Quoted { span: node.key, escaped: node.flags & KEY_ESCAPED != 0 };
            Some(Key { name, mark: node.mark })
        })
    }

    fn same(&self, a: Quoted, b: Quoted) -> bool {
        if a.escaped || b.escaped {
            self.name(a) == self.name(b)
        } else {
            a.span.len == b.span.len && self.slice(a.span) == self.slice(b.span)
        }
    }

    fn name(&self, key: Quoted) -> Cow<'a, str> {
        let raw = self.raw(key.span);
        if key.escaped { unescape(raw).unwrap_or(Cow::Borrowed(raw)) } else { Cow::Borrowed(raw) }
    }

    fn raw(&self, span: Span) -> &'a str {
        let start = span.start as usize;
        self.text.get(start..start + span.len as usize).unwrap_or_default()
    }

    fn slice(&self, span: Span) -> &'a [u8] {
        let start = span.start as usize;
        self.bytes.get(start..start + span.len as usize).unwrap_or_default()
    }

    fn string(&mut self) -> Result<Quoted, JsonError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at += plain(rest);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2; // the escaped character is looked at below
                }
                _ => return Err(self.syntax()),
            }
        }
        let span = self.span(start);
        self.at += 1;
        let len = if escaped { self.escapes(span)? } else { span.len as usize };
        if len > MAX_STRING {
            Err(JsonError::StringTooLong(span.start))
        } else {
            Ok(Quoted { span, escaped })
        }
    }

    fn escapes(&self, span: Span) -> Result<usize, JsonError> {
        unescaped_len(self.raw(span)).map_err(|lone| {
            if lone { JsonError::LoneSurrogate(span.start) } else { JsonError::Syntax(span.start) }
        })
    }

    fn number(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.digits() {
            0 => return Err(self.syntax()),
            n if n > 1 && self.bytes.get(self.at - n) == Some(&b'0') => return Err(self.syntax()),
            _ => {}
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.syntax());
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(self.syntax());
            }
        }
        let span = self.span(start);
        let exact = span.len as usize <= MAX_NUMBER && is_exact(self.raw(span));
        if exact { Ok(span) } else { Err(JsonError::InexactNumber(span.start)) }
    }

    fn digits(&mut self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn word(&mut self, word: &str) -> Result<Span, JsonError> {
        let start = self.at;
        if !self.bytes.get(start..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(self.syntax());
        }
        self.at += word.len();
        Ok(self.span(start))
    }

    fn open(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep(self.at as u32));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn close(&mut self, byte: u8) -> bool {
        let closes = self.peek() == Some(byte);
        self.at += usize::from(closes);
        closes
    }

    /// After a member or element: `true` at a comma, `false` at the end.
    fn another(&mut self, end: u8) -> Result<bool, JsonError> {
        self.space();
        if self.close(end) {
            return Ok(false);
        }
        self.expect(b',')?;
        Ok(true)
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.syntax());
        }
        self.at += 1;
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn span(&self, start: usize) -> Span {
        // The text is at most MAX_TEXT bytes, so both fit.
        Span { start: start as u32, len: (self.at - start) as u32 }
    }

    fn syntax(&self) -> JsonError {
        JsonError::Syntax(self.at as u32)
    }
}

/// How many bytes stand before the first quote, backslash or control character.
fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        let ends = ends(u64::from_le_bytes(*word));
        if ends != 0 {
            return bytes.len() - rest.len() + ends.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let end = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
    bytes.len() - rest.len() + end.unwrap_or(rest.len())
}

/// Looks at eight bytes at once: the lowest bit set is the high bit of the first byte that ends a
/// plain stretch. Bits above it mean nothing, because a subtraction may borrow upwards.
fn ends(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    const HIGH: u64 = EACH << 7;
    let below = |word: u64, least: u64| word.wrapping_sub(EACH * least) & !word & HIGH;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    is(b'"') | is(b'\\') | below(word, 0x20)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_plain_stretch_ends_where_it_should() {
        for byte in 0..=u8::MAX {
            let ends = byte == b'"' || byte == b'\\' || byte < 0x20;
            for (before, around) in [(0, b'a'), (3, 0xFF), (7, b'!'), (8, 0x80), (13, b']'), (21, b' ')] {
                let mut text = [around; 32];
                text[before] = byte;
                assert_eq!(plain(&text), if ends { before } else { 32 }, "{byte} after {before}");
                text[before + 1] = b'"';
                assert_eq!(plain(&text), if ends { before } else { before + 1 }, "{byte} after {before}");
            }
        }
    }
}
