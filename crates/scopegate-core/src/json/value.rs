//! Looking at the values of a [`Document`].

use std::borrow::Cow;

use super::document::{KEY_ESCAPED, KEY_NOT_ASCII, Kind, Node, Span, TEXT_ESCAPED};
use super::number::exact;
use super::text::unescape;

/// One value of a [`Document`](super::Document): a reference, cheap to copy.
#[derive(Clone, Copy)]
pub struct JsonRef<'a> {
    text: &'a str,
    /// This value's node, and at least all that belong to it.
    nodes: &'a [Node],
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
    pub(super) fn new(text: &'a str, nodes: &'a [Node]) -> Self {
        Self { text, nodes }
    }

    /// The value's place in the document's index.
    pub(crate) fn index(self) -> u16 {
        self.nodes.first().map_or(0, |node| node.at)
    }

    /// The value itself.
    pub fn get(self) -> Json<'a> {
        let Some(node) = self.nodes.first() else { return Json::Null };
        match node.kind {
            Kind::Null => Json::Null,
            Kind::True => Json::Bool(true),
            Kind::False => Json::Bool(false),
            Kind::Number => exact(raw(self.text, node.text)).map_or(Json::Null, Json::Number),
            Kind::String => Json::String(text(self.text, node.text, node.flags & TEXT_ESCAPED != 0)),
            Kind::Array => Json::Array(Elements(self.inside(node))),
            Kind::Object => Json::Object(Members(self.inside(node))),
        }
    }

    fn inside(self, node: &Node) -> Inside<'a> {
        let left = usize::from(node.size) - 1;
        Inside { text: self.text, nodes: self.nodes.get(1..).unwrap_or_default(), left }
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        self.nodes.first().is_some_and(|node| node.kind == Kind::Object)
    }

    /// The text of a scalar as it was written, or `None` for arrays and objects.
    pub(super) fn written(self) -> Option<&'a str> {
        let node = self.nodes.first()?;
        let scalar = !matches!(node.kind, Kind::Array | Kind::Object);
        scalar.then(|| raw(self.text, node.text))
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

impl std::fmt::Debug for JsonRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The member's value.
    pub value: JsonRef<'a>,
}

impl<'a> Member<'a> {
    /// The member's name, unescaped.
    pub fn name(&self) -> Cow<'a, str> {
        let Some(node) = self.value.nodes.first() else { return Cow::Borrowed("") };
        text(self.value.text, node.key, node.flags & KEY_ESCAPED != 0)
    }
}

/// A member that equals the expected one except for case: refused, because a tool with a lenient
/// reader might take the one for the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LooksLike;

/// A member name that a rule speaks of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'n> {
    name: &'n str,
    ascii: bool,
}

impl<'n> Expected<'n> {
    pub(crate) const fn new(name: &'n str) -> Self {
        Self { name, ascii: name.is_ascii() }
    }

    /// With `ascii` known from an earlier look.
    pub(crate) const fn known(name: &'n str, ascii: bool) -> Self {
        Self { name, ascii }
    }
}

impl<'a> Members<'a> {
    /// The member of that name, if no other member equals it except for case.
    pub(crate) fn named(&self, expected: Expected<'_>) -> Result<Option<JsonRef<'a>>, LooksLike> {
        let Inside { text, nodes, left } = self.0;
        let nodes = nodes.get(..left).unwrap_or_default();
        let mut found = None;
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            // ASCII names of different length differ in more than case: most end here.
            let plain = expected.ascii && node.flags & (KEY_ESCAPED | KEY_NOT_ASCII) == 0;
            if !plain || node.key.len as usize == expected.name.len() {
                match compare(text, node, expected.name, plain) {
                    NameMatch::Same => found = nodes.get(at..).map(|nodes| JsonRef { text, nodes }),
                    NameMatch::Look => return Err(LooksLike),
                    NameMatch::Other => {}
                }
            }
            at += usize::from(node.size);
        }
        Ok(found)
    }
}

/// How a member name compares with a field a rule speaks of.
enum NameMatch {
    Same,
    /// Equal except for case.
    Look,
    Other,
}

#[inline]
fn compare(all: &str, node: &Node, expected: &str, plain: bool) -> NameMatch {
    if !plain {
        return compare_folded(&text(all, node.key, node.flags & KEY_ESCAPED != 0), expected);
    }
    let (name, expected) = (bytes(all, node.key), expected.as_bytes());
    if name == expected {
        NameMatch::Same
    } else if name.eq_ignore_ascii_case(expected) {
        NameMatch::Look
    } else {
        NameMatch::Other
    }
}

#[cold]
fn compare_folded(name: &str, expected: &str) -> NameMatch {
    if name == expected {
        NameMatch::Same
    } else if fold_equal(name, expected) {
        NameMatch::Look
    } else {
        NameMatch::Other
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

#[derive(Clone, Copy, Debug)]
struct Inside<'a> {
    text: &'a str,
    nodes: &'a [Node],
    /// How many of the nodes are inside.
    left: usize,
}

impl<'a> Inside<'a> {
    #[inline]
    fn step(&mut self) -> Option<JsonRef<'a>> {
        if self.left == 0 {
            return None;
        }
        let value = JsonRef { text: self.text, nodes: self.nodes };
        let size = usize::from(self.nodes.first()?.size);
        self.nodes = self.nodes.get(size..).unwrap_or_default();
        self.left = self.left.saturating_sub(size);
        Some(value)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;
    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        self.0.step().map(|value| Member { value })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = JsonRef<'a>;
    #[inline]
    fn next(&mut self) -> Option<JsonRef<'a>> {
        self.0.step()
    }
}

fn bytes(text: &str, span: Span) -> &[u8] {
    let start = span.start as usize;
    text.as_bytes().get(start..start + span.len as usize).unwrap_or_default()
}

fn raw(text: &str, span: Span) -> &str {
    let start = span.start as usize;
    text.get(start..start + span.len as usize).unwrap_or_default()
}

fn text(all: &str, span: Span, escaped: bool) -> Cow<'_, str> {
    let raw = raw(all, span);
    if escaped { unescape(raw).unwrap_or_default() } else { Cow::Borrowed(raw) }
}
