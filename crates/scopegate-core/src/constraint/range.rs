//! `lt`, `lte`, `gt`, `gte`: numbers only, compared exactly.

use std::fmt;

use serde_json::Value;

use super::test::literal;
use crate::json::{Json, Literal};
use crate::problem::Problem;

/// A bound on a number.
#[derive(Debug)]
pub(super) struct Bound {
    side: Side,
    inclusive: bool,
    at: f64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Below,
    Above,
}

impl Bound {
    pub(super) fn compile(side: Side, inclusive: bool, value: &Value) -> Result<Self, Problem> {
        match literal("a comparison", value)? {
            Literal::Number(at) => Ok(Self { side, inclusive, at }),
            _ => Err(Problem::Value("a comparison", "a number")),
        }
    }

    pub(super) fn holds(&self, value: &Json<'_>) -> bool {
        // Both are exact decimals that binary64 holds, so this does not round.
        let Json::Number(number) = *value else { return false };
        let strictly = match self.side {
            Side::Below => number < self.at,
            Side::Above => number > self.at,
        };
        strictly || (self.inclusive && number == self.at)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match (self.side, self.inclusive) {
            (Side::Below, false) => "less than",
            (Side::Below, true) => "at most",
            (Side::Above, false) => "greater than",
            (Side::Above, true) => "at least",
        };
        write!(f, "be {side} {}", self.at)
    }
}
