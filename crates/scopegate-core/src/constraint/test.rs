//! One comparison of an argument with a value of the policy.

use std::fmt;

use serde_json::Value;

use super::contains::Part;
use super::host::Hosts;
use super::membership::List;
use super::network::Networks;
use super::path::Directory;
use super::pattern::Pattern;
use super::range::{Bound, Side};
use crate::budget::Budget;
use crate::json::{Json, Literal};
use crate::problem::Problem;
use crate::role::Operator;

/// A compiled comparison. A new operator is a file, a variant here, and a fixture.
#[derive(Debug)]
pub(super) enum Test {
    Equal(Literal, Box<str>),
    Range(Bound),
    Contains(Box<Part>),
    Listed(List),
    Pattern(Box<Pattern>),
    Prefix(Box<str>),
    Within(Directory),
    MaxLength(u64),
    Cidr(Networks),
    UrlHost(Hosts),
}

impl Test {
    pub(super) fn compile(operator: Operator, value: &Value) -> Result<Self, Problem> {
        Ok(match operator {
            Operator::Eq => Self::Equal(literal("eq", value)?, shown(value)),
            Operator::Lt => Self::Range(Bound::compile(Side::Below, false, value)?),
            Operator::Lte => Self::Range(Bound::compile(Side::Below, true, value)?),
            Operator::Gt => Self::Range(Bound::compile(Side::Above, false, value)?),
            Operator::Gte => Self::Range(Bound::compile(Side::Above, true, value)?),
            Operator::Contains => Self::Contains(Box::new(Part::compile(value)?)),
            Operator::In => Self::Listed(List::compile(true, value)?),
            Operator::NotIn => Self::Listed(List::compile(false, value)?),
            Operator::Regex => Self::Pattern(Box::new(Pattern::compile(text("regex", value)?)?)),
            Operator::Prefix => Self::Prefix(text("prefix", value)?.into()),
            Operator::PathWithin => Self::Within(Directory::compile(text("path_within", value)?)?),
            Operator::MaxLength => {
                Self::MaxLength(value.as_u64().ok_or(Problem::Value("max_length", "a whole number"))?)
            }
            Operator::Cidr => Self::Cidr(Networks::compile(value)?),
            Operator::UrlHost => Self::UrlHost(Hosts::compile(value)?),
        })
    }

    /// Whether the argument (never null) passes.
    #[inline(always)]
    pub(super) fn holds(&self, budget: &Budget, value: &Json<'_>) -> bool {
        match self {
            Self::Equal(expected, _) => expected.equals(value),
            Self::Range(bound) => bound.holds(value),
            Self::Contains(part) => part.holds(value),
            Self::Listed(list) => list.holds(budget, value),
            Self::Pattern(pattern) => matches!(value, Json::String(s) if pattern.matches(budget, s)),
            Self::Prefix(prefix) => matches!(value, Json::String(s) if s.starts_with(&**prefix)),
            Self::Within(directory) => matches!(value, Json::String(s) if directory.holds(s)),
            Self::MaxLength(max) => match value {
                Json::String(s) => s.chars().count() as u64 <= *max,
                Json::Array(elements) => elements.clone().count() as u64 <= *max,
                _ => false,
            },
            Self::Cidr(networks) => matches!(value, Json::String(s) if networks.holds(s)),
            Self::UrlHost(hosts) => matches!(value, Json::String(s) if hosts.holds(s)),
        }
    }
}

pub(super) fn literal(operator: &'static str, value: &Value) -> Result<Literal, Problem> {
    let literal = Literal::from_value(value).filter(|literal| *literal != Literal::Null);
    literal.ok_or(Problem::Value(operator, "a value other than null, with exact numbers"))
}

fn text<'a>(operator: &'static str, value: &'a Value) -> Result<&'a str, Problem> {
    value.as_str().ok_or(Problem::Value(operator, "a string"))
}

/// A string, or a list of some.
pub(super) fn texts<'a>(
    operator: &'static str,
    expected: &'static str,
    value: &'a Value,
) -> Result<Vec<&'a str>, Problem> {
    let texts: Option<Vec<_>> = match value {
        Value::String(text) => Some(vec![text.as_str()]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    };
    texts.filter(|texts| !texts.is_empty()).ok_or(Problem::Value(operator, expected))
}

/// `a, b or c`.
pub(super) fn join(items: &[impl fmt::Display]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    match &*items {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        items => items.concat(),
    }
}

pub(super) fn shown(value: &Value) -> Box<str> {
    value.to_string().into()
}

/// Reads after `must`: `be less than 10000`.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(_, shown) => write!(f, "equal {shown}"),
            Self::Range(bound) => bound.fmt(f),
            Self::Contains(part) => part.fmt(f),
            Self::Listed(list) => list.fmt(f),
            Self::Pattern(pattern) => pattern.fmt(f),
            Self::Prefix(prefix) => write!(f, "start with {prefix:?}"),
            Self::Within(directory) => directory.fmt(f),
            Self::MaxLength(max) => write!(f, "be at most {max} long"),
            Self::Cidr(networks) => networks.fmt(f),
            Self::UrlHost(hosts) => hosts.fmt(f),
        }
    }
}
