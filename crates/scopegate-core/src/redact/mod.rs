//! Output rules: what is taken out of a tool's answer before the agent sees it.
//!
//! An adapter that performs the duties of a permit hands every part of the answer to a [`Redactor`]. What
//! cannot be looked through is withheld as a whole, never let pass.

mod path;
mod rule;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

pub use self::rule::Redaction;
pub(crate) use self::rule::{check, compile, duties};
use crate::decision::Obligation;

/// Stands where something was taken out.
const REDACTED: &str = "[redacted]";
/// Stands for a part that was not shown at all.
const WITHHELD: &str = "[withheld: it cannot be looked through for what has to be left out]";
/// Stands for a structured answer that is too large.
const TOO_LARGE: &str = "[withheld: it is larger than this role is shown]";

/// Takes out of one answer what the duties of its permit name, part by part, and counts.
///
/// Texts of the answer share the room that `max_bytes` gives; its structured form, which says the same
/// again, has that room once more.
#[derive(Debug)]
pub struct Redactor<'a> {
    rules: Vec<&'a Redaction>,
    room: Option<usize>,
    left: Option<usize>,
    parts: u32,
}

impl<'a> Redactor<'a> {
    /// For the answer to one call.
    pub fn new(duties: &'a [Obligation]) -> Self {
        let rules: Vec<_> = duties.iter().map(|Obligation::Redact(rule)| rule).collect();
        let room = rules.iter().filter_map(|rule| rule.size()).min();
        Self { rules, room, left: room, parts: 0 }
    }

    /// Whether anything has to be done at all.
    pub fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }

    /// How many places were redacted, cut or withheld so far.
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// A text of the answer. One that is a JSON object or list is looked through as such; where a rule
    /// names a path any other text is withheld, because nobody can tell where in it the field stands.
    pub fn text(&mut self, text: &str) -> String {
        let told = self.looked_through(text);
        let told = self.without_patterns(told);
        self.fit(told).into_owned()
    }

    /// The structured form of the answer.
    pub fn value(&mut self, value: Value) -> Value {
        if self.names_fields() && !matches!(value, Value::Object(_) | Value::Array(_) | Value::Null) {
            return self.withhold().into();
        }
        let value = self.without_fields(value);
        match self.room {
            Some(room) if value.to_string().len() > room => {
                self.count(1);
                json!({ "withheld": TOO_LARGE })
            }
            _ => value,
        }
    }

    /// What stands for a part that no rule can look into: a picture, a sound, an embedded file.
    pub fn withhold(&mut self) -> String {
        self.count(1);
        WITHHELD.to_owned()
    }

    fn names_fields(&self) -> bool {
        self.rules.iter().any(|rule| rule.path().is_some())
    }

    fn looked_through<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let paths = self.names_fields();
        let document = serde_json::from_str::<Value>(text).ok();
        match document.filter(|value| value.is_object() || value.is_array()) {
            // Written anew also where nothing was found: a member that stood there twice was looked at once.
            Some(value) if paths => self.without_fields(value).to_string().into(),
            Some(value) => {
                let before = self.parts;
                let value = self.without_fields(value);
                if self.parts == before { text.into() } else { value.to_string().into() }
            }
            None if paths => self.withhold().into(),
            None => text.into(),
        }
    }

    /// The value without the fields that rules name, and without their patterns in texts, numbers and
    /// names.
    fn without_fields(&mut self, mut value: Value) -> Value {
        let found: u32 =
            self.rules.iter().filter_map(|rule| rule.path()).map(|path| path.strike(&mut value)).sum();
        self.count(found);
        self.without_patterns_inside(value)
    }

    fn without_patterns_inside(&mut self, value: Value) -> Value {
        if !self.rules.iter().any(|rule| rule.is_pattern()) {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.without_patterns(text.into()).into_owned()),
            Value::Number(number) => {
                let (text, before) = (number.to_string(), self.parts);
                let told = self.without_patterns(text.into()).into_owned();
                if self.parts == before { Value::Number(number) } else { Value::String(told) }
            }
            Value::Array(elements) => {
                elements.into_iter().map(|element| self.without_patterns_inside(element)).collect()
            }
            Value::Object(members) => {
                let member = |(name, value): (String, Value)| {
                    (self.without_patterns(name.into()).into_owned(), self.without_patterns_inside(value))
                };
                Value::Object(members.into_iter().map(member).collect::<Map<_, _>>())
            }
            plain @ (Value::Null | Value::Bool(_)) => plain,
        }
    }

    fn without_patterns<'t>(&mut self, mut text: Cow<'t, str>) -> Cow<'t, str> {
        let mut found = 0;
        for rule in &self.rules {
            if let Some((told, count)) = rule.replace(&text) {
                text = told.into();
                found += count;
            }
        }
        self.count(found);
        text
    }

    /// As much of a text as there is room left for.
    fn fit<'t>(&mut self, text: Cow<'t, str>) -> Cow<'t, str> {
        let Some(left) = self.left else { return text };
        self.left = Some(left.saturating_sub(text.len()));
        if text.len() <= left {
            return text;
        }
        self.count(1);
        let shown = text.get(..text.floor_char_boundary(left)).unwrap_or_default();
        format!("{shown}… [cut: {} of {} bytes are shown]", shown.len(), text.len()).into()
    }

    fn count(&mut self, parts: u32) {
        self.parts = self.parts.saturating_add(parts);
    }
}

#[cfg(test)]
mod tests;
