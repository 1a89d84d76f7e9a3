//! `content_pattern`: what the arguments say. Linear in what is looked through, and paid for.

use regex::bytes::Regex;

use super::written::Conditions;
use crate::budget::{Budget, ELEMENT};
use crate::call::Args;
use crate::constraint::search_pattern;
use crate::json::{Json, JsonRef};
use crate::problem::{PolicyError, Problem};

/// Most patterns of one policy.
const MOST: usize = 32;
/// Steps for each byte that a pattern looks at.
const REGEX: usize = 8;

/// Patterns, one of which has to be found.
#[derive(Debug)]
pub(super) struct Patterns(Box<[Regex]>);

impl Patterns {
    pub(super) fn compile(conditions: &Conditions) -> Result<Self, PolicyError> {
        let place =
            |problem: Problem| PolicyError::from(problem).in_member("patterns").in_member("conditions");
        if conditions.patterns.is_empty() {
            let problem = Problem::PolicyNeeds("content_pattern", "patterns");
            return Err(PolicyError::from(problem).in_member("conditions"));
        }
        if conditions.patterns.len() > MOST {
            return Err(place(Problem::TooMany(conditions.patterns.len(), MOST)));
        }
        let compile = |(index, source): (usize, &crate::id::Name)| {
            search_pattern(source).map_err(|problem| {
                PolicyError::from(problem).in_element(index).in_member("patterns").in_member("conditions")
            })
        };
        conditions.patterns.iter().enumerate().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one is found: in a text, a name or a number (in plain decimals, however it was spelt), or in the
    /// whole as compact JSON. What cannot be looked at, or not be paid for, counts as found.
    pub(super) fn matches(&self, args: &Args, budget: &Budget) -> bool {
        let Some(root) = args.get() else { return true };
        let mut whole = String::new();
        self.inside(root, budget, &mut whole) || self.hit(&whole, budget)
    }

    fn inside(&self, value: JsonRef<'_>, budget: &Budget, whole: &mut String) -> bool {
        if !budget.pay(ELEMENT) {
            return true;
        }
        match value.get() {
            Json::Null => word("null", whole),
            Json::Bool(truth) => word(if truth { "true" } else { "false" }, whole),
            Json::Number(number) => {
                let number = number.to_string();
                whole.push_str(&number);
                self.hit(&number, budget)
            }
            Json::String(text) => self.text(&text, budget, whole),
            Json::Array(elements) => {
                let found =
                    separated(elements, whole, '[', |element, whole| self.inside(element, budget, whole));
                whole.push(']');
                found
            }
            Json::Object(members) => {
                let found = separated(members, whole, '{', |member, whole| {
                    let named = self.text(&member.name(), budget, whole);
                    whole.push(':');
                    named || self.inside(member.value, budget, whole)
                });
                whole.push('}');
                found
            }
        }
    }

    fn text(&self, text: &str, budget: &Budget, whole: &mut String) -> bool {
        // A text always has a form in JSON.
        whole.push_str(&serde_json::to_string(text).unwrap_or_default());
        self.hit(text, budget)
    }

    fn hit(&self, text: &str, budget: &Budget) -> bool {
        let cost = text.len() * REGEX;
        self.0.iter().any(|pattern| !budget.pay(cost) || pattern.is_match(text.as_bytes()))
    }

    pub(super) fn words(&self) -> String {
        let sources: Vec<_> = self.0.iter().map(|pattern| format!("`{}`", pattern.as_str())).collect();
        format!("when its arguments hold {}", sources.join(" or "))
    }
}

fn word(word: &str, whole: &mut String) -> bool {
    whole.push_str(word);
    false
}

/// Whether one of the items is found, each written behind the one before it.
fn separated<T>(
    items: impl Iterator<Item = T>,
    whole: &mut String,
    open: char,
    mut look: impl FnMut(T, &mut String) -> bool,
) -> bool {
    let mut before = open;
    let mut items = items.map(|item| {
        whole.push(std::mem::replace(&mut before, ','));
        look(item, whole)
    });
    let found = items.any(|found| found);
    if before == open {
        whole.push(open); // nothing is inside
    }
    found
}
