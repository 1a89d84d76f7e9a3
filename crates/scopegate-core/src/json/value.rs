//! Looking at the values of a [`Document`].

use std::borrow::Cow;

use super::document::{Document, KEY_ESCAPED, KEY_NOT_ASCII, Kind, Node, TEXT_ESCAPED};
use super::number::exact;
use super::text::unescape;

/// One value of a [`Document`]: a reference, cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct JsonRef<'a> {
    document: &'a Document,
    at: u16,
}

/// A value, ready to compare.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "JSON has these kinds and no others")]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An I-JSON number: binary64 holds it exactly.
    Number(f64),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Elements<'a>),
    /// An object.
    Object(Members<'a>),
}

impl<'a> JsonRef<'a> {
    pub(super) fn at(document: &'a Document, at: u16) -> Self {
        Self { document, at }
    }

    /// The value's place in the document's index.
    pub(crate) fn index(self) -> u16 {
        self.at
    }

    fn node(self) -> Option<&'a Node> {
        self.document.node(self.at)
    }

    /// The value itself.
    pub fn get(self) -> Json<'a> {
        let Some(node) = self.node() else { return Json::Null };
        let inside = Inside { document: self.document, next: self.at + 1, end: node.end };
        match node.kind {
            Kind::Null => Json::Null,
            Kind::True => Json::Bool(true),
            Kind::False => Json::Bool(false),
            Kind::Number => exact(raw(self.document, node.text)).map_or(Json::Null, Json::Number),
            Kind::String => Json::String(text(self.document, node.text, node.flags & TEXT_ESCAPED != 0)),
            Kind::Array => Json::Array(Elements(inside)),
            Kind::Object => Json::Object(Members(inside)),
        }
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        self.node().is_some_and(|node| node.kind == Kind::Object)
    }

    /// The text of a scalar as it was written, or `None` for arrays and objects.
    pub(super) fn written(self) -> Option<(bool, &'a str)> {
        let node = self.node()?;
        let is_string = node.kind == Kind::String;
        let scalar = !matches!(node.kind, Kind::Array | Kind::Object);
        scalar.then(|| (is_string, raw(self.document, node.text)))
    }

    /// The member of an object, or the value itself for an empty path; `/a/0/b` as in RFC 6901.
    pub fn pointer(self, pointer: &str) -> Option<JsonRef<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| {
            let token = match token.contains('~') {
                true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
                false => Cow::Borrowed(token),
            };
            match value.get() {
                Json::Object(mut members) => members.find(|m| m.name() == token).map(|m| m.value),
                Json::Array(mut elements) => elements.nth(token.parse().ok()?),
                _ => None,
            }
        })
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    document: &'a Document,
    node: &'a Node,
    /// The member's value.
    pub value: JsonRef<'a>,
}

impl<'a> Member<'a> {
    /// The member's name, unescaped.
    pub fn name(&self) -> Cow<'a, str> {
        text(self.document, self.node.key, self.node.flags & KEY_ESCAPED != 0)
    }

    /// How the name compares with an expected one.
    pub(crate) fn matches(&self, expected: &str) -> NameMatch {
        if self.node.flags & (KEY_ESCAPED | KEY_NOT_ASCII) != 0 || !expected.is_ascii() {
            return compare_folded(&self.name(), expected);
        }
        let name = self.document.slice(self.node.key);
        if name.len() != expected.len() || !name.eq_ignore_ascii_case(expected.as_bytes()) {
            NameMatch::Other
        } else if name == expected.as_bytes() {
            NameMatch::Same
        } else {
            NameMatch::Look
        }
    }
}

/// How a member name compares with a field a rule speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameMatch {
    Same,
    /// Equal except for case: refused, because a lenient tool might read it as the field.
    Look,
    Other,
}

fn compare_folded(name: &str, expected: &str) -> NameMatch {
    match (name == expected, fold_equal(name, expected)) {
        (true, _) => NameMatch::Same,
        (_, true) => NameMatch::Look,
        _ => NameMatch::Other,
    }
}

/// Whether two names are equal under Unicode lower-casing.
fn fold_equal(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

/// The members of an object, in the order written.
#[derive(Clone, Debug)]
pub struct Members<'a>(Inside<'a>);

/// The elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'a>(Inside<'a>);

#[derive(Clone, Debug)]
struct Inside<'a> {
    document: &'a Document,
    next: u16,
    end: u16,
}

impl<'a> Inside<'a> {
    fn step(&mut self) -> Option<(&'a Node, JsonRef<'a>)> {
        if self.next >= self.end {
            return None;
        }
        let value = JsonRef { document: self.document, at: self.next };
        let node = value.node()?;
        self.next = node.end;
        Some((node, value))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;
    fn next(&mut self) -> Option<Member<'a>> {
        let (node, value) = self.0.step()?;
        Some(Member { document: self.0.document, node, value })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = JsonRef<'a>;
    fn next(&mut self) -> Option<JsonRef<'a>> {
        self.0.step().map(|(_, value)| value)
    }
}

fn raw(document: &Document, span: super::document::Span) -> &str {
    // The reader checked the whole text and cut at ASCII quotes, so every span is UTF-8.
    std::str::from_utf8(document.slice(span)).unwrap_or_default()
}

fn text(document: &Document, span: super::document::Span, escaped: bool) -> Cow<'_, str> {
    let raw = raw(document, span);
    if escaped { unescape(raw).unwrap_or_default() } else { Cow::Borrowed(raw) }
}
