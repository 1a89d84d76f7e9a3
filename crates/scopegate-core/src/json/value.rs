//! Looking at the values of a [`Document`].

use std::borrow::Cow;

use super::node::{Kind, Mark, Node, Span};
use super::number::exact;
use super::text::unescape;

/// One value of a [`Document`](super::Document): a reference, cheap to copy.
#[derive(Clone, Copy)]
pub struct JsonRef<'a> {
    text: &'a str,
    /// This value's node, and all that come after it in the document.
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

    /// How many nodes there are from this value on, itself included.
    pub(super) fn after(self) -> usize {
        self.nodes.len()
    }

    /// The value itself.
    pub fn get(self) -> Json<'a> {
        self.look()
    }

    /// [`get`](Self::get) for the few places that every decision passes.
    #[inline(always)]
    pub(crate) fn look(self) -> Json<'a> {
        let Some(node) = self.nodes.first() else { return Json::Null };
        match node.kind() {
            Kind::Null => Json::Null,
            Kind::True => Json::Bool(true),
            Kind::False => Json::Bool(false),
            Kind::Number => exact(raw(self.text, node.text())).map_or(Json::Null, Json::Number),
            Kind::String => Json::String(text(self.text, node.text())),
            Kind::Array => Json::Array(Elements(self.inside(node))),
            Kind::Object => Json::Object(Members(self.inside(node))),
        }
    }

    fn inside(self, node: &Node) -> Inside<'a> {
        let nodes = self.nodes.get(1..).unwrap_or_default();
        Inside { text: self.text, nodes, left: node.size() - 1, marks: node.marks() }
    }

    /// The members, if this is an object.
    #[inline]
    pub(crate) fn members(self) -> Option<Members<'a>> {
        let node = self.nodes.first().filter(|node| node.kind() == Kind::Object)?;
        Some(Members(self.inside(node)))
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        self.nodes.first().is_some_and(|node| node.kind() == Kind::Object)
    }

    /// The text of a scalar as it was written, or `None` for arrays and objects.
    pub(super) fn written(self) -> Option<&'a str> {
        let node = self.nodes.first()?;
        let scalar = !matches!(node.kind(), Kind::Array | Kind::Object);
        scalar.then(|| raw(self.text, node.text()))
    }

    /// The member of an object, or the value itself for an empty path; `/a/0/b` as in RFC 6901.
    pub fn pointer(self, pointer: &str) -> Option<JsonRef<'a>> {
        let (mut value, mut rest) = (self, pointer);
        while !rest.is_empty() {
            rest = rest.strip_prefix('/')?;
            let end = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
            let (token, after) = rest.split_at_checked(end)?;
            value = value.step(token)?;
            rest = after;
        }
        Some(value)
    }

    /// The member or element that one token of a pointer names.
    fn step(self, token: &str) -> Option<JsonRef<'a>> {
        let unescaped;
        let token = match token.bytes().any(|byte| byte == b'~') {
            true => {
                unescaped = token.replace("~1", "/").replace("~0", "~");
                &unescaped
            }
            false => token,
        };
        match self.look() {
            Json::Object(members) => members.exactly(token),
            Json::Array(mut elements) => elements.nth(token.parse().ok()?),
            _ => None,
        }
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
        text(self.value.text, node.key.name())
    }

    fn is_named(&self, name: &str) -> bool {
        match self.value.nodes.first() {
            Some(node) if !node.key.name().is_escaped() => {
                bytes(self.value.text, node.key.name()) == name.as_bytes()
            }
            _ => self.name() == name,
        }
    }
}

/// A member that equals the expected one except for case: refused, because a tool with a lenient
/// reader might take the one for the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LooksLike;

/// A member name that a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected<N = &'static str> {
    name: N,
    mark: Mark,
}

impl Expected {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, mark: Mark::of(name.as_bytes()) }
    }
}

impl From<&str> for Expected<Box<str>> {
    fn from(name: &str) -> Self {
        Self { name: name.into(), mark: Mark::of(name.as_bytes()) }
    }
}

impl Expected<Box<str>> {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl<'a> Members<'a> {
    /// The member of that name, if no other member equals it except for case.
    // Inlined: every constrained field of every call comes through here.
    #[inline(always)]
    pub(crate) fn named<N: AsRef<str>>(
        &self,
        expected: &Expected<N>,
    ) -> Result<Option<JsonRef<'a>>, LooksLike> {
        if self.0.marks == 0 || expected.mark == Mark::ODD {
            return self.named_among(expected.name.as_ref());
        }
        // No other member has this mark, so no other equals the name or looks like it.
        let Some(member) = self.marked(expected.mark) else { return Ok(None) };
        let Some(node) = member.nodes.first() else { return Ok(None) };
        match compare(self.0.text, node, expected.name.as_ref()) {
            NameMatch::Same => Ok(Some(member)),
            NameMatch::Look => Err(LooksLike),
            NameMatch::Other => Ok(None),
        }
    }

    /// Whether one look tells that no member has that name, or looks like it.
    #[inline]
    pub(crate) fn lack(&self, expected: &Expected) -> bool {
        self.0.marks != 0 && expected.mark != Mark::ODD && self.0.marks & expected.mark.short() == 0
    }

    /// The first member with that mark.
    #[inline(always)]
    fn marked(&self, mark: Mark) -> Option<JsonRef<'a>> {
        let Inside { text, nodes, left, .. } = self.0;
        let members = nodes.get(..left)?;
        let mut at = 0;
        loop {
            let node = members.get(at)?;
            if node.key.mark() == mark {
                return nodes.get(at..).map(|nodes| JsonRef { text, nodes });
            }
            at += node.size();
        }
    }

    /// The same, looking at every member.
    #[inline(never)]
    fn named_among(&self, expected: &str) -> Result<Option<JsonRef<'a>>, LooksLike> {
        let mut found = None;
        for member in self.clone() {
            let Some(node) = member.value.nodes.first() else { continue };
            match compare(self.0.text, node, expected) {
                NameMatch::Same => found = Some(member.value),
                NameMatch::Look => return Err(LooksLike),
                NameMatch::Other => {}
            }
        }
        Ok(found)
    }

    /// The member of exactly that name.
    fn exactly(mut self, name: &str) -> Option<JsonRef<'a>> {
        if self.0.marks != 0 {
            let member = self.marked(Mark::of(name.as_bytes()))?;
            return Member { value: member }.is_named(name).then_some(member);
        }
        self.find(|member| member.is_named(name)).map(|member| member.value)
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
fn compare(all: &str, node: &Node, expected: &str) -> NameMatch {
    let name = node.key.name();
    if !name.is_escaped() && bytes(all, name) == expected.as_bytes() {
        NameMatch::Same
    } else {
        compare_folded(&text(all, name), expected)
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
pub fn fold_equal(a: &str, b: &str) -> bool {
    fold(a).eq(fold(b))
}

/// By way of upper case, because some readers fold that way: `ſ` is an `S`, the Kelvin sign a `k`.
fn fold(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
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
    /// The bits of the members' marks, if these all differ and none is odd; else 0.
    marks: u32,
}

impl<'a> Inside<'a> {
    #[inline]
    fn step(&mut self) -> Option<JsonRef<'a>> {
        if self.left == 0 {
            return None;
        }
        let value = JsonRef { text: self.text, nodes: self.nodes };
        let size = self.nodes.first()?.size();
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
    text.as_bytes().get(span.start()..span.end()).unwrap_or_default()
}

fn raw(text: &str, span: Span) -> &str {
    text.get(span.start()..span.end()).unwrap_or_default()
}

fn text(all: &str, span: Span) -> Cow<'_, str> {
    let raw = raw(all, span);
    if span.is_escaped() { unescape(raw).unwrap_or_default() } else { Cow::Borrowed(raw) }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn named(text: &str, name: &str) -> Result<Option<String>, LooksLike> {
        let document = Document::read(text.to_owned()).unwrap();
        let Json::Object(members) = document.root().get() else { panic!("{text}") };
        Ok(members.named(&Expected::from(name))?.map(JsonRef::to_json))
    }

    #[test]
    fn a_member_is_found_unless_another_looks_like_it() {
        for (text, name, value) in [
            (r#"{"a": 1, "ab": 2, "b": 3}"#, "ab", Some("2")),
            (r#"{"aa": 1, "ab": {"ac": 0}, "ac": 3}"#, "ac", Some("3")),
            (r#"{"\u0061": 1, "b": 2}"#, "a", Some("1")),
            (r#"{"": 1}"#, "", Some("1")),
            (r#"{"\u00e9": 1, "e": 2}"#, "é", Some("1")),
            (r#"{"x": {"a": 1}}"#, "a", None),
            (r#"{"ax": 1}"#, "ay", None),
            ("{}", "a", None),
        ] {
            assert_eq!(named(text, name).unwrap().as_deref(), value, "{text} {name}");
        }
        for (text, name) in [
            (r#"{"A": 1}"#, "a"),
            (r#"{"a": 1, "b": 2, "A": 3}"#, "a"),
            (r#"{"A": 1, "b": 2, "a": 3}"#, "a"),
            (r#"{"ab": 1, "aB": 3}"#, "ab"),
            (r#"{"k": 1, "\u212a": 2}"#, "k"),
            (r#"{"k": 1}"#, "\u{212a}"),
            (r#"{"\u0041": 1}"#, "a"),
            ("{\"É\": 1}", "é"),
        ] {
            assert!(named(text, name).is_err(), "{text} {name}");
        }
        let many: Vec<String> = (0..40).map(|n| format!(r#""m{n:02}": {n}"#)).collect();
        let many = format!("{{{}, \"M07\": 0}}", many.join(","));
        assert_eq!(named(&many, "m08").unwrap().as_deref(), Some("8"));
        assert!(named(&many, "m07").is_err());
    }
}
