//! The dialect's published sentences, and what cannot be asked.

mod circuit;
mod outcomes;
mod records;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scopegate_core::Manifest;

use super::*;
use crate::{LocalEnforcer, Policy};

pub(super) const KEY: &str = "scopegate-test-key-0123456789abcdef";

pub(super) fn key() -> SigningKey {
    SigningKey::new(KEY).unwrap()
}

/// The agents `a`, with what the table of outcomes needs, and `b`, which may do nothing.
pub(super) fn enforcer() -> LocalEnforcer {
    let policy = r#"{version: 1, allow_empty: true, manifests: [
        {agent_id: a, capabilities: [claim.read],
         resource_actions: {claims: [read], empty: [], "*": [list, "*"]}},
        {agent_id: b}]}"#;
    LocalEnforcer::new(policy.parse::<Policy>().unwrap()).unwrap()
}

pub(super) fn question(agent: &str, resource: &str, action: &str) -> ScopeQuestion {
    ScopeQuestion::new("trace-1", agent, resource, action, "2026-01-02T03:04:05Z")
}

/// A sink that fails while it is told to.
#[derive(Clone, Default)]
pub(super) struct Moody {
    pub(super) fails: Arc<AtomicBool>,
    pub(super) kept: MemoryScopeSink,
}

impl Moody {
    pub(super) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }
}

impl ScopeSink for Moody {
    fn head(&self) -> Head {
        self.kept.head()
    }

    fn emit(&mut self, record: &SignedRecord) -> io::Result<()> {
        match self.fails.load(Ordering::Relaxed) {
            true => Err(io::Error::other("no disk")),
            false => self.kept.emit(record),
        }
    }
}

/// A policy engine that always says the same.
pub(super) struct Says(pub(super) Result<PolicyAction, &'static str>);

impl ScopePolicy for Says {
    fn ask(&self, question: &PolicyQuestion<'_>) -> Result<PolicyAnswer, String> {
        assert_eq!(question.service, "sf_scope");
        let action = self.0.map_err(str::to_owned)?;
        Ok(PolicyAnswer { policy_id: format!("{}:{}", question.control, question.observed), action })
    }
}

pub(super) fn manifest(agent: &str) -> Manifest {
    Manifest::new(agent)
}
