//! `in` and `not_in`: one of a list, or none of it.

use std::fmt;

use serde_json::Value;

use super::test::literal;
use crate::budget::Budget;
use crate::json::{Json, Literal};
use crate::problem::Problem;

/// A list that a scalar must, or must not, be on.
#[derive(Debug)]
pub(super) struct List {
    values: Box<[Literal]>,
    member: bool,
    shown: Box<str>,
}

impl List {
    pub(super) fn compile(member: bool, value: &Value) -> Result<Self, Problem> {
        let operator = if member { "in" } else { "not_in" };
        let Value::Array(values) = value else { return Err(Problem::Value(operator, "a list")) };
        let shown = values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ").into();
        let values = values.iter().map(|value| literal(operator, value)).collect::<Result<_, _>>()?;
        Ok(Self { values, member, shown })
    }

    pub(super) fn holds(&self, budget: &Budget, value: &Json<'_>) -> bool {
        // An array or object is neither on the list nor safely off it.
        let scalar = !matches!(value, Json::Array(_) | Json::Object(_));
        scalar && budget.pay(self.values.len()) && self.lists(value) == self.member
    }

    fn lists(&self, value: &Json<'_>) -> bool {
        match value {
            Json::String(text) => self.values.iter().any(|listed| listed.is_text(text)),
            value => self.values.iter().any(|listed| listed.equals(value)),
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "be {} {}", if self.member { "one of" } else { "none of" }, self.shown)
    }
}
