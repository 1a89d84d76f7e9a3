//! `contains`: a part of a string, or an element of an array.

use std::fmt;

use memchr::memmem::Finder;
use serde_json::Value;

use super::test::{literal, shown};
use crate::json::{Json, Literal};
use crate::problem::Problem;

/// What a value must contain.
#[derive(Debug)]
pub(super) struct Part {
    literal: Literal,
    /// For a string: finds it in time linear in the value, its tables made once.
    finder: Option<Finder<'static>>,
    shown: Box<str>,
}

impl Part {
    pub(super) fn compile(value: &Value) -> Result<Self, Problem> {
        let finder = value.as_str().map(|text| Finder::new(text).into_owned());
        Ok(Self { literal: literal("contains", value)?, finder, shown: shown(value) })
    }

    pub(super) fn holds(&self, value: &Json<'_>) -> bool {
        match (&self.finder, value) {
            (Some(finder), Json::String(text)) => finder.find(text.as_bytes()).is_some(),
            (_, Json::Array(elements)) => elements.clone().any(|element| self.literal.equals(&element.get())),
            _ => false,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "contain {}", self.shown)
    }
}
