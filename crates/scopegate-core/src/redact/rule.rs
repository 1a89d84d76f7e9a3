//! From an output rule as written to one that is applied.

use std::fmt;
use std::sync::Arc;

use regex::bytes::Regex;

use super::REDACTED;
use super::path::Path;
use crate::constraint::search_pattern;
use crate::decision::Obligation;
use crate::grant::Granted;
use crate::problem::{PolicyError, Problem};
use crate::role::OutputRule;

/// Most output rules on one tool of one role.
const MOST: usize = 64;

/// One thing that is taken out of an answer.
#[derive(Clone)]
pub struct Redaction {
    written: OutputRule,
    what: What,
}

#[derive(Clone)]
enum What {
    Path(Path),
    Pattern(Regex),
    Size(usize),
}

impl Redaction {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`Problem`], when it is none, or several at once.
    pub fn compile(written: &OutputRule) -> Result<Self, Problem> {
        let what = match written {
            OutputRule { path: Some(path), pattern: None, max_bytes: None } => What::Path(Path::parse(path)?),
            OutputRule { path: None, pattern: Some(pattern), max_bytes: None } => {
                What::Pattern(search_pattern(pattern)?)
            }
            OutputRule { path: None, pattern: None, max_bytes: Some(most @ 1..) } => {
                What::Size(usize::try_from(*most).unwrap_or(usize::MAX))
            }
            OutputRule { path: None, pattern: None, max_bytes: Some(0) } => {
                return Err(Problem::NothingShown);
            }
            _ => return Err(Problem::OutputShape),
        };
        Ok(Self { written: written.clone(), what })
    }

    /// The rule as it was written.
    pub fn written(&self) -> &OutputRule {
        &self.written
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.what {
            What::Path(path) => Some(path),
            What::Pattern(_) | What::Size(_) => None,
        }
    }

    pub(super) fn size(&self) -> Option<usize> {
        match self.what {
            What::Size(most) => Some(most),
            What::Path(_) | What::Pattern(_) => None,
        }
    }

    pub(super) fn is_pattern(&self) -> bool {
        matches!(self.what, What::Pattern(_))
    }

    /// The text with a mark for each place that matches, and their number; `None` where none does.
    pub(super) fn replace(&self, text: &str) -> Option<(String, u32)> {
        let What::Pattern(regex) = &self.what else { return None };
        let (mut told, mut end, mut found) = (String::new(), 0, 0);
        for place in regex.find_iter(text.as_bytes()) {
            // By ASCII rules a match may begin or end inside a character: the whole character goes.
            let from = text.floor_char_boundary(place.start()).max(end);
            told.push_str(text.get(end..from).unwrap_or_default());
            told.push_str(REDACTED);
            end = text.ceil_char_boundary(place.end()).max(from);
            found += 1;
        }
        told.push_str(text.get(end..).unwrap_or_default());
        (found > 0).then_some((told, found))
    }
}

/// Rules are equal that were written alike: they take out the same.
impl PartialEq for Redaction {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Redaction {}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redaction({self})")
    }
}

impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            OutputRule { path: Some(path), .. } => write!(f, "without `{path}`"),
            OutputRule { pattern: Some(pattern), .. } => write!(f, "without what matches `{pattern}`"),
            OutputRule { max_bytes, .. } => write!(f, "at most {} bytes", max_bytes.unwrap_or_default()),
        }
    }
}

/// Whether the rules of one tool are sound, with the place of what is not.
pub(crate) fn check(rules: &[OutputRule]) -> Result<(), PolicyError> {
    if rules.len() > MOST {
        return Err(Problem::TooMany(rules.len(), MOST).into());
    }
    compile(rules).map(drop)
}

/// The duties that rules make.
pub(crate) fn compile(rules: &[OutputRule]) -> Result<Vec<Obligation>, PolicyError> {
    let duty = |(index, rule): (usize, &OutputRule)| match Redaction::compile(rule) {
        Ok(redaction) => Ok(Obligation::Redact(redaction)),
        Err(problem) => Err(PolicyError::from(problem).in_element(index)),
    };
    rules.iter().enumerate().map(duty).collect()
}

/// What has to be done to the answer: what every scope in force wants. Only where several want something is
/// a list made for it.
#[inline(always)]
pub(crate) fn duties(granted: &[Granted<'_>]) -> Option<Arc<[Obligation]>> {
    let mut wanted = granted.iter().filter_map(|granted| granted.rules?.duties.as_ref());
    let first = wanted.next()?;
    let mut rest = wanted.peekable();
    if rest.peek().is_none() {
        return Some(first.clone());
    }
    Some(std::iter::once(first).chain(rest).flat_map(|duties| duties.iter().cloned()).collect())
}
