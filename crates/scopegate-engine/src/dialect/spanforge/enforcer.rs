//! The client itself: a check, from the question to its record.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scopegate_core::{Decision, Lack, Manifest, Name, PermitId, PolicyError, SessionId};

use super::builder::ScopeBuilder;
use super::circuit::Circuit;
use super::decision::ScopeDecision;
use super::ids;
use super::ledger::Ledger;
use super::policy::{PolicyQuestion, ScopePolicy};
use super::question::{ScopeError, ScopeQuestion};
use super::record::{Envelope, Head, SignedRecord};
use super::signing::SigningKey;
use super::sink::ScopeSink;
use super::words::{CIRCUIT_OPEN, UNRECORDED};
use crate::clock::Clock;
use crate::local::LocalEnforcer;
use crate::random;

const SERVICE: &str = "sf_scope";
const CONTROL: &str = "capability_enforcement";

/// Checks what agents may do to which resource, as SpanForge's scope client does, over the manifests of a
/// [`LocalEnforcer`]: those of its policy file and those that are registered here.
///
/// # Examples
/// ```
/// use scopegate_core::Manifest;
/// use scopegate_engine::spanforge::{MemoryScopeSink, ScopeEnforcer, ScopeQuestion, SigningKey};
/// use scopegate_engine::{LocalEnforcer, Policy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let enforcer = LocalEnforcer::new("{version: 1, allow_empty: true}".parse::<Policy>()?)?;
/// let key = SigningKey::new("an example's key, and not a good one")?;
/// let records = MemoryScopeSink::new();
/// let scope = ScopeEnforcer::builder(enforcer, key, records.clone()).build()?;
///
/// scope.register_agent(&Manifest::new("claims-agent").with_actions("claims", ["read"]))?;
/// let question = ScopeQuestion::new("trace-1", "claims-agent", "claims", "read", "2026-01-02T03:04:05Z");
/// let answer = scope.evaluate(&question)?;
/// assert!(answer.allowed);
/// assert_eq!(answer.reason, "agent 'claims-agent' is permitted on claims:read");
/// assert_eq!(records.records().len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct ScopeEnforcer {
    pub(super) enforcer: LocalEnforcer,
    pub(super) key: SigningKey,
    pub(super) policy: Box<dyn ScopePolicy>,
    pub(super) strict: bool,
    pub(super) audit_required: bool,
    pub(super) project_id: String,
    pub(super) clock: Box<dyn Clock>,
    pub(super) monotonic: Box<dyn Fn() -> Duration + Send + Sync>,
    /// What permits are named after.
    pub(super) session: SessionId,
    /// Held from the check to its record, so that records stand in the order of the answers.
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) circuit: Circuit,
    pub(super) sink: Box<dyn ScopeSink>,
    pub(super) head: Head,
    pub(super) ledger: Ledger,
    pub(super) total_checks: u64,
    pub(super) blocked_checks: u64,
}

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeStatus {
    /// `ok`, or `circuit_open` while every check is refused.
    pub status: &'static str,
    /// Agents with a manifest.
    pub registered_agents: usize,
    /// Checks since the start.
    pub total_checks: u64,
    /// Those that were refused, whatever that was called.
    pub blocked_checks: u64,
}

/// The agent has no such capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("agent '{agent_id}' is missing required capability '{capability}'")]
#[non_exhaustive]
pub struct MissingCapability {
    /// The agent.
    pub agent_id: String,
    /// The capability.
    pub capability: String,
}

impl ScopeEnforcer {
    /// Starts putting one together. Records are signed with `key` and emitted to `sink`.
    pub fn builder(enforcer: LocalEnforcer, key: SigningKey, sink: impl ScopeSink) -> ScopeBuilder {
        ScopeBuilder::new(enforcer, key, sink)
    }

    /// Registers an agent's manifest, in the place of the earlier one. Empty names are left out.
    ///
    /// # Errors
    /// [`PolicyError`]: there is no agent, or a name is too long.
    pub fn register_agent(&self, manifest: &Manifest) -> Result<(), PolicyError> {
        self.enforcer.put_manifest(&without_empty_names(manifest))
    }

    /// An agent's manifest: every list sorted, each name once.
    pub fn get_manifest(&self, agent_id: &str) -> Option<Manifest> {
        self.enforcer.manifest(agent_id).map(|manifest| Manifest::clone(&manifest))
    }

    /// Checks. What a policy said, where the question has it, labels a refusal and makes none.
    ///
    /// # Errors
    /// [`ScopeError`]: there is no answer, and whoever asked may not go on.
    pub fn evaluate(&self, question: &ScopeQuestion) -> Result<ScopeDecision, ScopeError> {
        question.check()?;
        self.judge(question, false)
    }

    /// Checks, with what the policy engine says of `control`, or of `capability_enforcement`. Where this is
    /// strict, as it is unless built otherwise, a policy that does not allow refuses.
    ///
    /// # Errors
    /// [`ScopeError`]: there is no answer, and whoever asked may not go on.
    pub fn evaluate_with_policy(
        &self,
        question: &ScopeQuestion,
        control: Option<&str>,
    ) -> Result<ScopeDecision, ScopeError> {
        question.check()?;
        if self.is_open() {
            // Then nobody is asked.
            return self.judge(question, self.strict);
        }
        let observed = if self.ask(question).is_ok() { 1.0 } else { 0.0 };
        let answer = self.policy.ask(&PolicyQuestion {
            service: SERVICE,
            control: control.unwrap_or(CONTROL),
            observed,
            agent_id: &question.agent_id,
            resource: &question.resource,
            action_name: &question.action_name,
        });
        let answer = answer.map_err(ScopeError::Policy)?;
        let question = ScopeQuestion {
            policy_id: Some(answer.policy_id),
            policy_action: Some(answer.action),
            ..question.clone()
        };
        question.check()?;
        self.judge(&question, self.strict)
    }

    /// Whether an agent holds a capability.
    ///
    /// # Errors
    /// [`MissingCapability`], also of an agent without a manifest.
    pub fn require_capability(&self, agent_id: &str, capability: &str) -> Result<(), MissingCapability> {
        let manifest = self.enforcer.manifest(agent_id);
        let held =
            manifest.is_some_and(|manifest| manifest.capabilities.iter().any(|held| held == capability));
        let missing =
            || MissingCapability { agent_id: agent_id.to_owned(), capability: capability.to_owned() };
        held.then_some(()).ok_or_else(missing)
    }

    /// An answer by its name; the last 10,000 are remembered unless built otherwise.
    pub fn get(&self, scope_id: &str) -> Option<ScopeDecision> {
        self.state().ledger.get(scope_id)
    }

    /// The answers of a trace, in their order. Those of an open circuit are not among them.
    pub fn list_for_trace(&self, trace_id: &str) -> Vec<ScopeDecision> {
        self.state().ledger.of_trace(trace_id)
    }

    /// How things stand.
    pub fn get_status(&self) -> ScopeStatus {
        let open = self.is_open();
        let state = self.state();
        ScopeStatus {
            status: if open { "circuit_open" } else { "ok" },
            registered_agents: self.enforcer.manifests(),
            total_checks: state.total_checks,
            blocked_checks: state.blocked_checks,
        }
    }

    /// The end of the chain of records: keep it elsewhere, and a later cut at the end shows.
    pub fn head(&self) -> Head {
        self.state().head.clone()
    }

    /// An answer in Scopegate's own words.
    pub fn decision(&self, answer: &ScopeDecision) -> Decision {
        answer.decision(PermitId { session: self.session, number: answer.number })
    }

    fn judge(&self, question: &ScopeQuestion, strict: bool) -> Result<ScopeDecision, ScopeError> {
        let (scope_id, record_id) = self.names(question)?;
        let mut state = self.state();
        if state.ledger.knows(&scope_id) {
            return Err(ScopeError::Duplicate(scope_id));
        }
        let now = (self.monotonic)();
        if state.circuit.is_open(now) {
            tracing::warn!(alert = "sf.scope.circuit_open", severity = "high", "{CIRCUIT_OPEN}");
            let mut answer = ScopeDecision::blocked(question, scope_id, CIRCUIT_OPEN);
            state.count(&mut answer);
            return Ok(answer);
        }
        let mut answer = ScopeDecision::of(question, scope_id, self.ask(question), strict);
        if let Err(error) = self.emit(&mut state, &answer, record_id) {
            tracing::error!(%error, "a scope record was not emitted");
            state.circuit.failed((self.monotonic)());
            if self.audit_required && answer.allowed {
                answer = ScopeDecision::blocked(question, answer.scope_id, UNRECORDED);
            }
        } else {
            state.circuit.succeeded();
        }
        state.count(&mut answer);
        state.ledger.keep(&answer);
        Ok(answer)
    }

    fn ask(&self, question: &ScopeQuestion) -> Result<(), Lack> {
        let ScopeQuestion { agent_id, resource, action_name, capability, .. } = question;
        self.enforcer.ask_manifest(agent_id, capability.as_deref(), resource, action_name)
    }

    /// Signs and emits. The chain goes on only when the record is kept.
    fn emit(&self, state: &mut State, answer: &ScopeDecision, record_id: String) -> std::io::Result<()> {
        let timestamp = ids::micros(self.clock.now());
        let envelope = Envelope { record_id, project_id: &self.project_id, timestamp };
        let record = SignedRecord::sign(&self.key, &state.head, envelope, answer.fields());
        state.sink.emit(&record)?;
        state.head = record.head();
        Ok(())
    }

    /// The check's own name, and its record's.
    fn names(&self, question: &ScopeQuestion) -> Result<(String, String), ScopeError> {
        let fresh = || random::fill().map(|random| ids::ulid(self.clock.now(), random));
        let scope_id = question.scope_id.clone().map_or_else(fresh, Ok);
        let record_id = random::fill().map(ids::uuid);
        scope_id.and_then(|scope_id| Ok((scope_id, record_id?))).map_err(|_| ScopeError::Randomness)
    }

    fn is_open(&self) -> bool {
        let now = (self.monotonic)();
        self.state().circuit.is_open(now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A sink that panicked kept nothing; what was counted before stays counted.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, answer: &mut ScopeDecision) {
        self.total_checks += 1;
        answer.number = self.total_checks;
        self.blocked_checks += u64::from(!answer.allowed);
    }
}

fn without_empty_names(manifest: &Manifest) -> Manifest {
    let mut kept = manifest.clone();
    let named = |name: &Name| !name.is_empty();
    kept.capabilities.retain(named);
    kept.resource_actions.retain(|resource, _| named(resource));
    kept.resource_actions.values_mut().for_each(|actions| actions.retain(named));
    kept
}

impl std::fmt::Debug for ScopeEnforcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScopeEnforcer")
            .field("strict", &self.strict)
            .field("audit_required", &self.audit_required)
            .finish_non_exhaustive()
    }
}
