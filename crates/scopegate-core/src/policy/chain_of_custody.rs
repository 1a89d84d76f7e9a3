//! `chain_of_custody`: through whose hands the call came.

use super::written::Conditions;
use crate::call::ToolCall;
use crate::facts::Facts;
use crate::id::Name;
use crate::problem::{PolicyError, Problem};

/// Most agents that one policy names.
const MOST: usize = 1024;

/// How long a chain may be, and who must not be in it.
#[derive(Debug)]
pub(super) struct Custody {
    most: Option<u64>,
    forbidden: Box<[Name]>,
}

impl Custody {
    pub(super) fn compile(conditions: &Conditions) -> Result<Self, PolicyError> {
        let agents = &conditions.forbidden_agents;
        let place = |problem: Problem| PolicyError::from(problem).in_member("conditions");
        if conditions.max_chain_depth.is_none() && agents.is_empty() {
            let fields = "max_chain_depth` or `forbidden_agents";
            return Err(place(Problem::PolicyNeeds("chain_of_custody", fields)));
        }
        let of_agents = |error: PolicyError| error.in_member("forbidden_agents").in_member("conditions");
        if agents.len() > MOST {
            return Err(of_agents(Problem::TooMany(agents.len(), MOST).into()));
        }
        if let Some(index) = agents.iter().position(|agent| agent.is_empty()) {
            return Err(of_agents(PolicyError::from(Problem::EmptyName).in_element(index)));
        }
        Ok(Self { most: conditions.max_chain_depth, forbidden: agents.as_slice().into() })
    }

    pub(super) fn matches(&self, facts: &Facts<'_>, call: &ToolCall) -> bool {
        let via = call.via.as_deref().unwrap_or_default();
        let above = facts.links.len().saturating_sub(1);
        let depth = u64::try_from(above + via.len()).unwrap_or(u64::MAX);
        self.most.is_some_and(|most| depth > most)
            || self.forbidden.contains(facts.owner)
            || via.iter().any(|agent| self.forbidden.contains(agent))
    }

    pub(super) fn words(&self) -> String {
        let depth = self.most.map(|most| format!("after more than {most} hands"));
        let agents = match &*self.forbidden {
            [] => None,
            agents => Some(format!("when {} had a hand in it", agents.join(" or "))),
        };
        depth.into_iter().chain(agents).collect::<Vec<_>>().join(", and ")
    }
}
