//! Text in, index out, or the first reason to refuse it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::document::{KEY_ESCAPED, KEY_NOT_ASCII, Kind, Node, Nodes, Span, TEXT_ESCAPED};
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

impl<'a> Reader<'a> {
    pub(super) fn read(text: &'a str) -> Result<Nodes, JsonError> {
        let mut reader = Self { text, bytes: text.as_bytes(), at: 0, nodes: Nodes::new() };
        reader.value(Quoted::default(), 0)?;
        reader.space();
        if reader.at < reader.bytes.len() { Err(reader.syntax()) } else { Ok(reader.nodes) }
    }

    fn value(&mut self, key: Quoted, depth: usize) -> Result<(), JsonError> {
        if self.nodes.len() > MAX_MEMBERS {
            return Err(JsonError::TooManyMembers);
        }
        self.space();
        let flags = if key.escaped { KEY_ESCAPED } else { 0 } | self.not_ascii(key.span);
        // The check above keeps the count within MAX_MEMBERS.
        let (index, at) = (self.nodes.len() as u16, self.nodes.len());
        let blank =
            Node { key: key.span, text: Span::default(), at: index, size: 1, kind: Kind::Null, flags };
        self.nodes.push(blank);
        let (kind, text, more) = match self.peek() {
            Some(b'"') => {
                let string = self.string()?;
                (Kind::String, string.span, if string.escaped { TEXT_ESCAPED } else { 0 })
            }
            Some(b'{') => {
                self.object(depth + 1)?;
                (Kind::Object, Span::default(), 0)
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
            *node = Node { key: key.span, text, at: index, size, kind, flags: flags | more };
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.open(depth)?;
        if self.close(b'}') {
            return Ok(());
        }
        let first = self.nodes.len();
        let mut count = 0;
        let mut seen = BTreeSet::new();
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            count += 1;
            if self.repeats(key, first, count, &mut seen) {
                return Err(JsonError::Duplicate(key.span.start));
            }
            self.value(key, depth)?;
            if !self.another(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.open(depth)?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            self.value(Quoted::default(), depth)?;
            if !self.another(b']')? {
                return Ok(());
            }
        }
    }

    /// Whether `key` already names one of the members that start at node `first`.
    fn repeats(&self, key: Quoted, first: usize, count: usize, seen: &mut BTreeSet<Cow<'a, str>>) -> bool {
        if count < FEW {
            return self.siblings(first).any(|earlier| self.same(key, earlier));
        }
        if count == FEW {
            seen.extend(self.siblings(first).map(|earlier| self.name(earlier)));
        }
        !seen.insert(self.name(key))
    }

    /// The names of the members read so far, from node `first` on.
    fn siblings(&self, first: usize) -> impl Iterator<Item = Quoted> + '_ {
        let mut at = first;
        std::iter::from_fn(move || {
            let node = self.nodes.get(at)?;
            at += usize::from(node.size);
            Some(Quoted { span: node.key, escaped: node.flags & KEY_ESCAPED != 0 })
        })
    }

    fn same(&self, a: Quoted, b: Quoted) -> bool {
        if a.escaped || b.escaped {
            self.name(a) == self.name(b)
        } else {
            self.raw(a.span) == self.raw(b.span)
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

    fn not_ascii(&self, key: Span) -> u8 {
        if self.raw(key).is_ascii() { 0 } else { KEY_NOT_ASCII }
    }

    fn string(&mut self) -> Result<Quoted, JsonError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let stop = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
            self.at += stop.unwrap_or(rest.len());
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
