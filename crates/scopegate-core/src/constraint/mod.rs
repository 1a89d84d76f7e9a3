//! Line 8: do the arguments satisfy every constraint of the roles in force?
//!
//! [`Program`] is what constraints compile to. A role's programs are compiled and checked by the
//! decider; on its own, a program answers one question: do these arguments satisfy these rules?

mod contains;
mod field;
mod host;
mod membership;
mod network;
mod path;
mod pattern;
mod range;
mod test;

use std::sync::Arc;

pub(crate) use self::field::top;
pub(crate) use self::pattern::search as search_pattern;

use crate::budget::Budget;
use crate::constraint::field::Field;
use crate::constraint::test::Test;
use crate::denial::{Denial, DenyCode, Detail};
use crate::grant::Granted;
use crate::json::{Json, Members};
use crate::problem::{PolicyError, Problem};
use crate::role::{Constraint, WhenAbsent};

/// All constraints on one tool, grouped by field so that each field is looked up once.
///
/// # Examples
/// ```
/// use scopegate_core::constraint::Program;
/// use scopegate_core::json::{Document, Json};
/// use scopegate_core::{Constraint, Operator};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let program = Program::compile(&[Constraint::new("amount", Operator::Lt, 10_000)])?;
///
/// let document = Document::read(r#"{"amount": 25000}"#)?;
/// let Json::Object(args) = document.root().get() else { panic!("not an object") };
/// let broken = program.check(&args).unwrap_err();
/// assert_eq!(&**broken, "`amount` must be less than 10000");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Program(Box<[Group]>);

#[derive(Debug)]
struct Group {
    field: Field,
    rules: Vec<Rule>,
}

/// One constraint: some alternative must hold.
#[derive(Debug)]
struct Rule {
    test: Test,
    /// The other alternatives.
    or: Box<[Test]>,
    absent_passes: bool,
    /// How the rule reads, made once so that a denial formats nothing.
    words: Arc<str>,
}

/// The rule that a call breaks, in words made when it was compiled.
pub type Broken<'a> = &'a Arc<str>;

impl Program {
    /// Compiles a list of constraints, all of which must hold.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the list.
    pub fn compile(constraints: &[Constraint]) -> Result<Self, PolicyError> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, constraint) in constraints.iter().enumerate() {
            let field = Field::parse(&constraint.field)
                .map_err(|problem| PolicyError::from(problem).in_member("field").in_element(index))?;
            let rule = Rule::compile(constraint).map_err(|error| error.in_element(index))?;
            match groups.iter_mut().find(|group| group.field == field) {
                Some(group) => group.rules.push(rule),
                None => groups.push(Group { field, rules: vec![rule] }),
            }
        }
        Ok(Self(groups.into()))
    }

    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks every rule. A field that cannot be looked up breaks its rules, as an absent one does
    /// unless the rule lets it be absent. So does one that takes too much work.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn check(&self, args: &Members<'_>) -> Result<(), Broken<'_>> {
        self.check_within(&Budget::new(), args)
    }

    /// The same, as long as the steps last.
    #[inline(always)]
    pub(crate) fn check_within(&self, budget: &Budget, args: &Members<'_>) -> Result<(), Broken<'_>> {
        self.0.iter().try_for_each(|group| group.check(budget, args))
    }

    /// How each rule reads.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().flat_map(|group| group.rules.iter().map(|rule| &rule.words))
    }
}

impl Group {
    fn check(&self, budget: &Budget, args: &Members<'_>) -> Result<(), Broken<'_>> {
        let broken = |value: Option<&Json<'_>>| self.rules.iter().find(|rule| !rule.holds(budget, value));
        let outcome = self.field.each(budget, args, broken);
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(broken)) => Err(&broken.words),
            // The field cannot be looked up at all: whichever rule stands first is broken.
            Err(_) => self.rules.first().map_or(Ok(()), |rule| Err(&rule.words)),
        }
    }
}

impl Rule {
    fn compile(constraint: &Constraint) -> Result<Self, PolicyError> {
        let any_of: Vec<Test> = match (constraint.operator, &constraint.value, &*constraint.any_of) {
            (Some(operator), Some(value), []) => {
                let test =
                    Test::compile(operator, value).map_err(|p| PolicyError::from(p).in_member("value"))?;
                vec![test]
            }
            (None, None, alternatives @ [_, ..]) => alternatives
                .iter()
                .enumerate()
                .map(|(index, one)| {
                    Test::compile(one.operator, &one.value).map_err(|problem| {
                        PolicyError::from(problem).in_member("value").in_element(index).in_member("any_of")
                    })
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(Problem::Shape.into()),
        };
        let absent_passes = constraint.when_absent == WhenAbsent::Allow;
        let alternatives = any_of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let optional = if absent_passes { ", if given," } else { "" };
        let words = format!("`{}`{optional} must {alternatives}", constraint.field).into();
        let mut any_of = any_of.into_iter();
        let test = any_of.next().ok_or(Problem::Shape)?;
        Ok(Self { test, or: any_of.collect(), absent_passes, words })
    }

    #[inline(always)]
    fn holds(&self, budget: &Budget, value: Option<&Json<'_>>) -> bool {
        match value {
            None => self.absent_passes,
            Some(value) => self.test.holds(budget, value) || self.another_holds(budget, value),
        }
    }

    // Apart: few rules have other alternatives.
    #[inline(never)]
    fn another_holds(&self, budget: &Budget, value: &Json<'_>) -> bool {
        self.or.iter().any(|test| test.holds(budget, value))
    }
}

/// Checks the constraints of every role in force.
#[inline(always)]
pub(crate) fn check(
    granted: &[Granted<'_>],
    args: Option<&Members<'_>>,
    budget: &Budget,
) -> Result<(), Denial> {
    for rules in granted.iter().filter_map(|granted| granted.rules) {
        if rules.constraints.is_empty() {
            continue;
        }
        let Some(args) = args else { return Err(Denial::new(DenyCode::InvalidArguments)) };
        rules.constraints.check_within(budget, args).map_err(|rule| broken(rule, budget))?;
    }
    Ok(())
}

#[cold]
fn broken(rule: Broken<'_>, budget: &Budget) -> Denial {
    match budget.is_used_up() {
        true => Denial::new(DenyCode::EvaluationBudget),
        false => Denial::with(DenyCode::ParameterViolation, Detail::Rule(rule.clone())),
    }
}
