//! `action_type`: what is called. Every policy speaks of some calls; one of this type asks no more.

use crate::call::ToolCall;
use crate::forbid::glob;
use crate::id::Name;
use crate::problem::{self, PolicyError, Problem};

/// Most patterns of one policy.
const MOST: usize = 256;

/// The calls a policy speaks of.
#[derive(Debug)]
pub(super) struct ActionTypes(Box<[Name]>);

impl ActionTypes {
    pub(super) fn compile(patterns: &[Name]) -> Result<Self, PolicyError> {
        if patterns.len() > MOST {
            return Err(PolicyError::from(Problem::TooMany(patterns.len(), MOST)).in_member("action_types"));
        }
        for (index, pattern) in patterns.iter().enumerate() {
            check(pattern)
                .map_err(|problem| PolicyError::from(problem).in_element(index).in_member("action_types"))?;
        }
        Ok(Self(patterns.into()))
    }

    /// Whether the policy speaks of this call: of its tool, or of the action it names.
    pub(super) fn cover(&self, call: &ToolCall) -> bool {
        self.0.is_empty()
            || self.names(&call.tool)
            || call.action.as_ref().is_some_and(|action| self.names(action))
    }

    /// Whether it speaks of every call of a tool.
    pub(super) fn cover_tool(&self, tool: &str) -> bool {
        self.0.is_empty() || self.names(tool)
    }

    fn names(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| glob(pattern, name))
    }

    /// How it reads.
    pub(super) fn words(&self) -> String {
        if self.0.is_empty() { "every call".to_owned() } else { self.0.join(", ") }
    }
}

/// A name in which `*` stands for any characters; a pattern costs as much as it is long.
fn check(pattern: &str) -> Result<(), Problem> {
    let sound = problem::name(&pattern.replace('*', "x")).is_ok();
    if sound { Ok(()) } else { Err(Problem::Glob(pattern.to_owned())) }
}
