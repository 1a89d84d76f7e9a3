//! Which argument a constraint speaks of: `amount`, `recipient.country`, `items[*].sku`.

use crate::json::{Json, JsonRef, NameMatch};
use crate::problem::Problem;

/// A parsed field path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field(Box<[Step]>);

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Member(Box<str>),
    /// `[*]`: every element of a non-empty array.
    Each,
}

/// The path leads nowhere: into a scalar, or past a member that only looks like the field.
#[derive(Debug)]
pub(super) struct Astray;

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
    pub(super) fn each<T>(
        &self,
        args: JsonRef<'_>,
        visit: &mut impl FnMut(Option<&Json<'_>>) -> Option<T>,
    ) -> Result<Option<T>, Astray> {
        walk(&self.0, args, visit)
    }
}

fn walk<T>(
    steps: &[Step],
    value: JsonRef<'_>,
    visit: &mut impl FnMut(Option<&Json<'_>>) -> Option<T>,
) -> Result<Option<T>, Astray> {
    let value = value.get();
    match (steps, value) {
        (_, Json::Null) => Ok(visit(None)),
        ([], value) => Ok(visit(Some(&value))),
        ([Step::Member(name), rest @ ..], Json::Object(members)) => match find(members, name)? {
            Some(member) => walk(rest, member, visit),
            None => Ok(visit(None)),
        },
        ([Step::Each, rest @ ..], Json::Array(elements)) => {
            let mut elements = elements.peekable();
            if elements.peek().is_none() {
                return Ok(visit(None));
            }
            for element in elements {
                if let Some(stop) = walk(rest, element, visit)? {
                    return Ok(Some(stop));
                }
            }
            Ok(None)
        }
        _ => Err(Astray),
    }
}

/// The member of that name. A member that equals it except for case is refused even beside it: a
/// tool with a lenient reader might take the one for the other.
fn find<'a>(members: crate::json::Members<'a>, name: &str) -> Result<Option<JsonRef<'a>>, Astray> {
    let mut found = None;
    for member in members {
        match member.matches(name) {
            NameMatch::Same => found = Some(member.value),
            NameMatch::Look => return Err(Astray),
            NameMatch::Other => {}
        }
    }
    Ok(found)
}

/// The top-level member of that name, not null, for rules with a field of their own.
pub(crate) fn top<'a>(args: JsonRef<'a>, name: &str) -> Result<Option<Json<'a>>, LooksLike> {
    let Json::Object(members) = args.get() else { return Ok(None) };
    match find(members, name).map_err(|Astray| LooksLike)?.map(JsonRef::get) {
        Some(Json::Null) | None => Ok(None),
        Some(value) => Ok(Some(value)),
    }
}

/// A member that equals the field except for case.
#[derive(Debug)]
pub(crate) struct LooksLike;

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
