//! Which argument a constraint speaks of: `amount`, `recipient.country`, `items[*].sku`.

use crate::budget::{Budget, ELEMENT};
use crate::json::{Expected, Json, JsonRef, LooksLike, Members};
use crate::problem::Problem;

/// A parsed field path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field(Box<[Step]>);

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Member(Expected<Box<str>>),
    /// `[*]`: every element of a non-empty array.
    Each,
}

/// The path leads nowhere: into a scalar, past a member that only looks like the field, or too far.
#[derive(Debug)]
pub(super) struct Astray;

impl From<LooksLike> for Astray {
    fn from(_: LooksLike) -> Self {
        Self
    }
}

impl Field {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let name = part.trim_end_matches("[*]");
            if name.is_empty() || name.contains(['[', ']']) {
                return Err(Problem::Field(text.to_owned()));
            }
            steps.push(Step::Member(name.into()));
            steps.extend((name.len()..part.len()).step_by("[*]".len()).map(|_| Step::Each));
        }
        Ok(Self(steps.into()))
    }

    /// Calls `visit` with every value of the field (`None` where it is absent or null), until
    /// one answers `Some`.
    #[inline(always)]
    pub(super) fn each<T>(
        &self,
        budget: &Budget,
        args: &Members<'_>,
        mut visit: impl FnMut(Option<&Json<'_>>) -> Option<T>,
    ) -> Result<Option<T>, Astray> {
        match &*self.0 {
            // Most fields are plain names.
            [Step::Member(name)] => Ok(match args.named(name)?.map(|value| value.look()) {
                Some(Json::Null) | None => visit(None),
                Some(value) => visit(Some(&value)),
            }),
            steps => walk(budget, steps, Json::Object(args.clone()), &mut visit),
        }
    }
}

fn walk<T>(
    budget: &Budget,
    steps: &[Step],
    value: Json<'_>,
    visit: &mut impl FnMut(Option<&Json<'_>>) -> Option<T>,
) -> Result<Option<T>, Astray> {
    match (steps, value) {
        (_, Json::Null) => Ok(visit(None)),
        ([], value) => Ok(visit(Some(&value))),
        ([Step::Member(name), rest @ ..], Json::Object(members)) => {
            let member = members.named(name)?;
            walk(budget, rest, member.map_or(Json::Null, JsonRef::get), visit)
        }
        ([Step::Each, ..], Json::Array(elements)) if elements.clone().next().is_none() => Ok(visit(None)),
        ([Step::Each, rest @ ..], Json::Array(elements)) => {
            for element in elements {
                if !budget.pay(ELEMENT) {
                    return Err(Astray);
                }
                if let Some(stop) = walk(budget, rest, element.get(), visit)? {
                    return Ok(Some(stop));
                }
            }
            Ok(None)
        }
        _ => Err(Astray),
    }
}

/// The top-level member of that name, not null, for rules with a field of their own.
#[inline]
pub(crate) fn top<'a>(args: &Members<'a>, name: &Expected) -> Result<Option<Json<'a>>, LooksLike> {
    // Most calls do not have it.
    if args.lack(name) {
        return Ok(None);
    }
    match args.named(name)?.map(JsonRef::get) {
        Some(Json::Null) | None => Ok(None),
        Some(value) => Ok(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_paths_that_mean_nothing() {
        for bad in ["", ".", "a.", ".a", "a..b", "a[0]", "[*]", "a[*", "a[*]b"] {
            assert!(Field::parse(bad).is_err(), "{bad}");
        }
        for good in ["a", "a.b", "a[*]", "a[*][*].b", "a-b.c d"] {
            assert!(Field::parse(good).is_ok(), "{good}");
        }
    }
}
