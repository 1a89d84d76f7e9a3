//! Where in an answer a field stands: `customer.iban`, `items[*].card`.

use serde_json::Value;

use super::REDACTED;
use crate::json::fold_equal;
use crate::problem::Problem;

/// A parsed path. It errs on the side of redacting: a list is gone through also where the path does not say
/// so, and a member that is named like the field but for its case is the field.
#[derive(Clone, Debug)]
pub(crate) struct Path(Box<[Box<str>]>);

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let step = |part: &str| {
            let name = part.trim_end_matches("[*]");
            let good = !name.is_empty() && !name.contains(['[', ']']);
            good.then(|| name.into()).ok_or_else(|| Problem::Field(text.to_owned()))
        };
        text.split('.').map(step).collect::<Result<_, _>>().map(Self)
    }

    /// Puts a mark in the place of the field, wherever it stands; how often it did.
    pub(super) fn strike(&self, value: &mut Value) -> u32 {
        strike(&self.0, value)
    }
}

fn strike(steps: &[Box<str>], value: &mut Value) -> u32 {
    match (steps, value) {
        (_, Value::Null) => 0,
        (steps, Value::Array(elements)) if !steps.is_empty() => {
            elements.iter_mut().map(|element| strike(steps, element)).sum()
        }
        ([], value) => {
            *value = Value::String(REDACTED.to_owned());
            1
        }
        ([name, rest @ ..], Value::Object(members)) => {
            let fields = members.iter_mut().filter(|(member, _)| fold_equal(member, name));
            fields.map(|(_, field)| strike(rest, field)).sum()
        }
        _ => 0,
    }
}
