//! Trust in agents, in tenths: where it starts, and what a decision does to it.

use std::collections::HashMap;

/// Everyone starts here.
const START: u64 = 500;

/// The trust in every agent.
#[derive(Debug, Default)]
pub struct Trusted(HashMap<String, u64>);

impl Trusted {
    /// How far an agent is trusted.
    pub fn of(&self, owner: &str) -> u64 {
        self.0.get(owner).copied().unwrap_or(START)
    }

    /// Moves it; never below 0 or above 100.
    pub(crate) fn move_by(&mut self, owner: &str, tenths: i64) {
        let moved = (self.of(owner) as i64 + tenths).clamp(0, 1000);
        self.0.insert(owner.to_string(), moved as u64);
    }
}
