//! Text in, index out, or the first reason to refuse it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::document::Nodes;
use super::node::{Key, Kind, Mark, Node, Span};
use super::number::{is_exact, plain_integer};
use super::text::{unescape, unescaped_len};
use super::{JsonError, MAX_DEPTH, MAX_MEMBERS, MAX_NUMBER, MAX_STRING};

/// Objects with more members than this look duplicates up in a set.
const FEW: usize = 24;

/// What reads a part of the text is given the place where it begins, and says where it ended.
pub(super) struct Reader<'a> {
    text: &'a str,
    nodes: &'a mut Nodes,
}

type Place = usize;

/// The names of one object, as far as they have been read.
struct Names<'a> {
    /// The node of the first member.
    first: usize,
    count: usize,
    /// A bit for each mark; all of them once a mark is odd.
    marks: u64,
    /// Whether the marks all differ, and none is odd.
    distinct: bool,
    /// The names themselves, once they are more than a few.
    many: Option<BTreeSet<Cow<'a, str>>>,
}

impl<'a> Reader<'a> {
    /// Fills the index, which must be empty.
    pub(super) fn read(text: &'a str, nodes: &'a mut Nodes) -> Result<(), JsonError> {
        let at = Self { text, nodes }.value(0, Key::NONE, 0)?;
        let at = space(text.as_bytes(), at);
        if at < text.len() { Err(syntax(at)) } else { Ok(()) }
    }

    #[inline(always)]
    fn value(&mut self, at: Place, key: Key, depth: usize) -> Result<Place, JsonError> {
        if self.nodes.len() > MAX_MEMBERS {
            return Err(JsonError::TooManyMembers);
        }
        let text = self.text;
        let at = space(text.as_bytes(), at);
        let (kind, (span, end)) = match peek(text.as_bytes(), at) {
            b'"' => (Kind::String, string(text, at + 1)?),
            b'{' => return self.object(at, key, depth + 1),
            b'[' => return self.array(at, key, depth + 1),
            b't' => (Kind::True, word(text, at, "true")?),
            b'f' => (Kind::False, word(text, at, "false")?),
            b'n' => (Kind::Null, word(text, at, "null")?),
            _ => (Kind::Number, number(text, at)?),
        };
        self.nodes.push(Node::scalar(key, kind, span));
        Ok(end)
    }

    fn object(&mut self, at: Place, key: Key, depth: usize) -> Result<Place, JsonError> {
        let text = self.text;
        let bytes = text.as_bytes();
        let (nest, mut at) = self.open(at, key, depth)?;
        let mut names = Names { first: nest + 1, count: 0, marks: 0, distinct: true, many: None };
        if peek(bytes, at) == b'}' {
            self.close(nest, key, Kind::Object, Some(0));
            return Ok(at + 1);
        }
        loop {
            at = expect(bytes, at, b'"')?;
            let key;
            (key, at) = name(text, at)?;
            at = expect(bytes, at, b':')?;
            names.count += 1;
            let bit = key.mark().bit();
            // A bit that nobody has set says that no name before is like this one.
            if (names.marks & bit != 0 || key.mark() == Mark::ODD || names.count >= FEW)
                && self.repeats(key, &mut names)
            {
                return Err(JsonError::Duplicate(key.name().start() as u32));
            }
            names.marks |= bit;
            at = self.value(at, key, depth)?;
            let more;
            (more, at) = another(bytes, at, b'}')?;
            if !more {
                break;
            }
        }
        self.close(nest, key, Kind::Object, names.distinct.then_some(names.marks));
        Ok(at)
    }

    fn array(&mut self, at: Place, key: Key, depth: usize) -> Result<Place, JsonError> {
        let bytes = self.text.as_bytes();
        let (nest, mut at) = self.open(at, key, depth)?;
        if peek(bytes, at) == b']' {
            at += 1;
        } else {
            loop {
                at = self.value(at, Key::NONE, depth)?;
                let more;
                (more, at) = another(bytes, at, b']')?;
                if !more {
                    break;
                }
            }
        }
        self.close(nest, key, Kind::Array, None);
        Ok(at)
    }

    /// Enters an array or object: where its node will stand, and the text inside begins.
    #[inline(always)]
    fn open(&mut self, at: Place, key: Key, depth: usize) -> Result<(usize, Place), JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep(at as u32));
        }
        let nest = self.nodes.len();
        self.nodes.push(Node::nest(key, Kind::Array, 1));
        Ok((nest, space(self.text.as_bytes(), at + 1)))
    }

    /// Leaves an array or object: its node says how much is inside, and the bits of distinct members.
    #[inline(always)]
    fn close(&mut self, nest: usize, key: Key, kind: Kind, distinct: Option<u64>) {
        // At most one more than MAX_MEMBERS.
        let size = (self.nodes.len() - nest) as u16;
        if let Some(node) = self.nodes.get_mut(nest) {
            let plain = Node::nest(key, kind, size);
            *node = distinct.map_or(plain, |bits| plain.distinct(bits));
        }
    }

    /// Whether `key` is a name that the object has already.
    #[inline(never)]
    fn repeats(&self, key: Key, names: &mut Names<'a>) -> bool {
        if names.count >= FEW {
            names.distinct = false;
            let many = names.many.get_or_insert_with(|| {
                self.siblings(names.first).map(|earlier| self.name(earlier.name())).collect()
            });
            return !many.insert(self.name(key.name()));
        }
        if key.mark() == Mark::ODD {
            (names.distinct, names.marks) = (false, u64::MAX);
        }
        for earlier in self.siblings(names.first) {
            if earlier.mark() == key.mark() || earlier.mark() == Mark::ODD || key.mark() == Mark::ODD {
                names.distinct = false;
                if self.same(key.name(), earlier.name()) {
                    return true;
                }
            }
        }
        false
    }

    /// The names of the members read so far, from node `first` on.
    fn siblings(&self, first: usize) -> impl Iterator<Item = Key> + '_ {
        let mut nodes = self.nodes.get(first..).unwrap_or_default();
        std::iter::from_fn(move || {
            let node = nodes.first()?;
            nodes = nodes.get(node.size()..).unwrap_or_default();
            Some(node.key)
        })
    }

    fn same(&self, a: Span, b: Span) -> bool {
        match a.is_escaped() || b.is_escaped() {
            true => self.name(a) == self.name(b),
            false => raw(self.text, a) == raw(self.text, b),
        }
    }

    fn name(&self, name: Span) -> Cow<'a, str> {
        let raw = raw(self.text, name);
        if name.is_escaped() { unescape(raw).unwrap_or(Cow::Borrowed(raw)) } else { Cow::Borrowed(raw) }
    }
}

/// A member name, from behind its first quote.
#[inline(always)]
fn name(text: &str, start: Place) -> Result<(Key, Place), JsonError> {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let len = stretch::<true>(rest);
    if let Some((name, [b'"', ..])) = rest.split_at_checked(len)
        && len <= MAX_STRING
    {
        return Ok((Key::new(Span::new(start, len), Mark::of_ascii(name)), start + len + 1));
    }
    let (name, end) = unusual(text, start)?;
    let mark = if name.is_escaped() { Mark::ODD } else { Mark::of(raw(text, name).as_bytes()) };
    Ok((Key::new(name, mark), end))
}

/// A string, from behind its first quote.
#[inline(always)]
fn string(text: &str, start: Place) -> Result<(Span, Place), JsonError> {
    let bytes = text.as_bytes();
    let len = stretch::<false>(bytes.get(start..).unwrap_or_default());
    if peek(bytes, start + len) == b'"' && len <= MAX_STRING {
        return Ok((Span::new(start, len), start + len + 1));
    }
    unusual(text, start)
}

/// Any string: with escapes, or refused, or beyond ASCII.
#[cold]
fn unusual(text: &str, start: Place) -> Result<(Span, Place), JsonError> {
    let (mut at, mut escaped) = (start, false);
    loop {
        at += stretch::<false>(text.as_bytes().get(at..).unwrap_or_default());
        match peek(text.as_bytes(), at) {
            b'"' => break,
            b'\\' => {
                escaped = true;
                at += 2; // the escaped character is looked at below
            }
            _ => return Err(syntax(at)),
        }
    }
    let span = Span::new(start, at - start);
    let (span, len) = match escaped {
        true => (span.with_escapes(), escapes(text, span)?),
        false => (span, span.len()),
    };
    if len > MAX_STRING { Err(JsonError::StringTooLong(start as u32)) } else { Ok((span, at + 1)) }
}

fn escapes(text: &str, span: Span) -> Result<usize, JsonError> {
    let start = span.start() as u32;
    unescaped_len(raw(text, span))
        .map_err(|lone| if lone { JsonError::LoneSurrogate(start) } else { JsonError::Syntax(start) })
}

#[inline(always)]
fn number(text: &str, start: Place) -> Result<(Span, Place), JsonError> {
    match plain_integer(text.as_bytes().get(start..).unwrap_or_default()) {
        Some(len) => Ok((Span::new(start, len), start + len)),
        None => any_number(text, start),
    }
}

#[inline(never)]
fn any_number(text: &str, start: Place) -> Result<(Span, Place), JsonError> {
    let bytes = text.as_bytes();
    let whole = start + usize::from(peek(bytes, start) == b'-');
    let mut at = digits(bytes, whole)?;
    if at > whole + 1 && peek(bytes, whole) == b'0' {
        return Err(syntax(at));
    }
    if peek(bytes, at) == b'.' {
        at = digits(bytes, at + 1)?;
    }
    if matches!(peek(bytes, at), b'e' | b'E') {
        at += 1;
        at += usize::from(matches!(peek(bytes, at), b'+' | b'-'));
        at = digits(bytes, at)?;
    }
    let span = Span::new(start, at - start);
    let exact = at - start <= MAX_NUMBER && is_exact(raw(text, span));
    if exact { Ok((span, at)) } else { Err(JsonError::InexactNumber(start as u32)) }
}

/// At least one digit.
fn digits(bytes: &[u8], at: Place) -> Result<Place, JsonError> {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
        0 => Err(syntax(at)),
        count => Ok(at + count),
    }
}

fn word(text: &str, at: Place, word: &str) -> Result<(Span, Place), JsonError> {
    if !text.as_bytes().get(at..).unwrap_or_default().starts_with(word.as_bytes()) {
        return Err(syntax(at));
    }
    Ok((Span::new(at, word.len()), at + word.len()))
}

/// After a member or element: `true` at a comma, `false` at the end.
#[inline(always)]
fn another(bytes: &[u8], at: Place, end: u8) -> Result<(bool, Place), JsonError> {
    let at = space(bytes, at);
    let byte = peek(bytes, at);
    if byte == b',' || byte == end { Ok((byte == b',', at + 1)) } else { Err(syntax(at)) }
}

/// That byte, after any space.
#[inline(always)]
fn expect(bytes: &[u8], at: Place, byte: u8) -> Result<Place, JsonError> {
    let at = space(bytes, at);
    if peek(bytes, at) == byte { Ok(at + 1) } else { Err(syntax(at)) }
}

#[inline(always)]
fn space(bytes: &[u8], at: Place) -> Place {
    match peek(bytes, at) {
        // One space is what ordinary writers put.
        b' ' if peek(bytes, at + 1) > b' ' => at + 1,
        0..=b' ' => spaces(bytes, at),
        _ => at,
    }
}

#[inline(never)]
fn spaces(bytes: &[u8], mut at: Place) -> Place {
    while matches!(peek(bytes, at), b' ' | b'\t' | b'\n' | b'\r') {
        at += 1;
    }
    at
}

/// The byte at a place. At the end a NUL, which JSON has no place for outside of strings either.
#[inline(always)]
fn peek(bytes: &[u8], at: Place) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

fn raw(text: &str, span: Span) -> &str {
    text.get(span.start()..span.end()).unwrap_or_default()
}

#[cold]
fn syntax(at: Place) -> JsonError {
    JsonError::Syntax(at as u32)
}

/// How many bytes stand before the first quote, backslash or control character; with `ASCII`, also
/// before the first byte of another character.
#[inline(always)]
fn stretch<const ASCII: bool>(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        let ends = ends::<ASCII>(u64::from_le_bytes(*word));
        if ends != 0 {
            return bytes.len() - rest.len() + ends.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let ends = |&b: &u8| b == b'"' || b == b'\\' || b < 0x20 || (ASCII && !b.is_ascii());
    bytes.len() - rest.len() + rest.iter().position(ends).unwrap_or(rest.len())
}

/// Looks at eight bytes at once: the lowest bit set is the high bit of the first byte that ends a
/// stretch. Bits above it mean nothing, because a subtraction may borrow upwards.
#[inline(always)]
fn ends<const ASCII: bool>(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    // Changes the places of quote and space, so that a quote stands just above the control characters.
    let control_or_quote = (word ^ (EACH * 0x02)).wrapping_sub(EACH * 0x21);
    let backslash = (word ^ (EACH * u64::from(b'\\'))).wrapping_sub(EACH);
    let other = if ASCII { word } else { 0 };
    ((control_or_quote | backslash) & !word | other) & (EACH << 7)
}

#[cfg(test)]
mod tests {
    use super::stretch;

    #[test]
    fn a_plain_stretch_ends_where_it_should() {
        for byte in 0..=u8::MAX {
            let ends = byte == b'"' || byte == b'\\' || byte < 0x20;
            for (before, around) in [(0, b'a'), (3, 0xFF), (7, b'!'), (8, 0x80), (13, b']'), (21, b' ')] {
                let mut text = [around; 32];
                text[before] = byte;
                assert_eq!(stretch::<false>(&text), if ends { before } else { 32 }, "{byte} after {before}");
                let ascii = text.iter().position(|b| !b.is_ascii()).unwrap_or(32);
                assert_eq!(stretch::<true>(&text), ascii.min(if ends { before } else { 32 }));
                text[before + 1] = b'"';
                assert_eq!(
                    stretch::<false>(&text),
                    if ends { before } else { before + 1 },
                    "{byte} after {before}"
                );
            }
        }
    }
}
