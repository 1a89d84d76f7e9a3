//! What was answered, to be looked up: the last so many answers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::decision::ScopeDecision;

#[derive(Debug)]
pub(super) struct Ledger {
    most: usize,
    in_order: VecDeque<Arc<ScopeDecision>>,
    by_id: HashMap<String, Arc<ScopeDecision>>,
}

impl Ledger {
    pub(super) fn new(most: usize) -> Self {
        Self { most, in_order: VecDeque::new(), by_id: HashMap::new() }
    }

    pub(super) fn knows(&self, scope_id: &str) -> bool {
        self.by_id.contains_key(scope_id)
    }

    pub(super) fn get(&self, scope_id: &str) -> Option<ScopeDecision> {
        self.by_id.get(scope_id).map(|decision| ScopeDecision::clone(decision))
    }

    pub(super) fn of_trace(&self, trace_id: &str) -> Vec<ScopeDecision> {
        let of_trace = self.in_order.iter().filter(|decision| decision.trace_id == trace_id);
        of_trace.map(|decision| ScopeDecision::clone(decision)).collect()
    }

    pub(super) fn keep(&mut self, decision: &ScopeDecision) {
        let decision = Arc::new(decision.clone());
        self.by_id.insert(decision.scope_id.clone(), decision.clone());
        self.in_order.push_back(decision);
        while self.in_order.len() > self.most {
            let oldest = self.in_order.pop_front();
            oldest.iter().for_each(|oldest| drop(self.by_id.remove(&oldest.scope_id)));
        }
    }
}
