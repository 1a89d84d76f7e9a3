//! Writing an object straight in its canonical form (RFC 8785).

use std::fmt::Display;
use std::io::Write as _;

use super::canonical;

/// Largest integer that every reader of JSON understands the same way.
const EXACT: u64 = 1 << 53;

/// An object that is written member by member, in the order of their names, which is what makes
/// it canonical: the caller names them in that order.
#[derive(Debug)]
pub struct CanonicalObject<'a> {
    out: &'a mut Vec<u8>,
    last: &'static str,
}

impl<'a> CanonicalObject<'a> {
    /// Begins an object at the end of `out`.
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, last: "" }
    }

    /// A text.
    pub fn text(&mut self, name: &'static str, text: &str) {
        write_text(text, self.value(name));
    }

    /// A text that needs no escapes, such as a time or an id.
    pub fn plain(&mut self, name: &'static str, text: impl Display) {
        // Writing to memory cannot fail.
        let _ = write!(self.value(name), "\"{text}\"");
    }

    /// A number.
    pub fn number(&mut self, name: &'static str, number: u64) {
        write_number(number, self.value(name));
    }

    /// A text, if there is one.
    pub fn maybe_text(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A text, or `null`.
    pub fn text_or_null(&mut self, name: &'static str, text: Option<&str>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.value(name).extend_from_slice(b"null"),
        }
    }

    /// A number, if there is one.
    pub fn maybe_number(&mut self, name: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    /// `true`, or no such member.
    pub fn maybe_true(&mut self, name: &'static str, so: bool) {
        if so {
            self.value(name).extend_from_slice(b"true");
        }
    }

    /// Whatever is canonical JSON already: the caller appends it to what this returns.
    pub fn value(&mut self, name: &'static str) -> &mut Vec<u8> {
        debug_assert!(self.last < name, "`{name}` after `{}`", self.last);
        if !self.last.is_empty() {
            self.out.push(b',');
        }
        self.last = name;
        write_text(name, self.out);
        self.out.push(b':');
        self.out
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }
}

/// serde_json escapes exactly what RFC 8785 does, and in the same spelling.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    // A text always has a form, and memory takes it.
    let _ = serde_json::to_writer(out, text);
}

pub(crate) fn write_number(number: u64, out: &mut Vec<u8>) {
    if number <= EXACT {
        let _ = write!(out, "{number}");
    } else {
        // Larger ones are written as the nearest double is.
        out.extend(canonical(&number).unwrap_or_default());
    }
}
