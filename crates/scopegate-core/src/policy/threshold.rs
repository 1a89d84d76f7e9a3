//! `threshold`: how far the agent is trusted.

use crate::problem::{PolicyError, Problem};
use crate::trust::Trust;

/// Matches below a level of trust.
#[derive(Debug)]
pub(super) struct Threshold(Trust);

impl Threshold {
    pub(super) fn compile(level: Option<Trust>) -> Result<Self, PolicyError> {
        let place = |problem: Problem| PolicyError::from(problem).in_member("trust_threshold");
        match level {
            None => Err(place(Problem::PolicyNeeds("threshold", "trust_threshold"))),
            // Nobody is trusted less than that.
            Some(Trust::LEAST) => Err(place(Problem::NeverMatches)),
            Some(level) => Ok(Self(level)),
        }
    }

    /// Where nobody keeps count, nobody is trusted.
    pub(super) fn matches(&self, trust: Option<Trust>) -> bool {
        trust.is_none_or(|trust| trust < self.0)
    }

    pub(super) fn words(&self) -> String {
        format!("while the agent is trusted less than {}", self.0)
    }
}
