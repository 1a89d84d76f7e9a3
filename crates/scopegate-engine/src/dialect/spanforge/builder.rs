//! Putting a [`ScopeEnforcer`] together.

use std::time::{Duration, Instant};

use super::circuit::Circuit;
use super::enforcer::{ScopeEnforcer, State};
use super::ledger::Ledger;
use super::policy::{ImplicitDefault, ScopePolicy};
use super::signing::SigningKey;
use super::sink::ScopeSink;
use crate::clock::{Clock, SystemClock};
use crate::local::LocalEnforcer;
use crate::random;

/// Most answers that can be looked up, unless said otherwise.
const REMEMBERED: usize = 10_000;

/// Puts a [`ScopeEnforcer`] together. Strict in both ways unless told otherwise.
pub struct ScopeBuilder {
    pub(super) enforcer: LocalEnforcer,
    key: SigningKey,
    sink: Box<dyn ScopeSink>,
    policy: Box<dyn ScopePolicy>,
    strict: bool,
    audit_required: bool,
    project_id: String,
    cb_threshold: u32,
    cb_reset_seconds: f64,
    remember: usize,
    clock: Box<dyn Clock>,
    monotonic: Box<dyn Fn() -> Duration + Send + Sync>,
}

/// Why there is no [`ScopeEnforcer`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeBuildError {
    /// Open from the start, for ever.
    #[error("cb_threshold is 0: at least one failure opens the circuit")]
    Threshold,
    /// Negative, endless, or no number.
    #[error("cb_reset_seconds is {0}: it needs to be a number of at least 0, and not endless")]
    Reset(f64),
    /// The system has no randomness to give.
    #[error("no randomness")]
    Randomness,
}

impl ScopeBuilder {
    pub(super) fn new(enforcer: LocalEnforcer, key: SigningKey, sink: impl ScopeSink) -> Self {
        let start = Instant::now();
        Self {
            enforcer,
            key,
            sink: Box::new(sink),
            policy: Box::new(ImplicitDefault),
            strict: true,
            audit_required: true,
            project_id: String::new(),
            cb_threshold: 5,
            cb_reset_seconds: 30.0,
            remember: REMEMBERED,
            clock: Box::new(SystemClock::new()),
            monotonic: Box::new(move || start.elapsed()),
        }
    }

    /// The policy engine that [`evaluate_with_policy`](ScopeEnforcer::evaluate_with_policy) asks.
    #[must_use]
    pub fn policy(mut self, policy: impl ScopePolicy) -> Self {
        self.policy = Box::new(policy);
        self
    }

    /// Whether a policy that does not say `allow` or `allow+log` refuses what the manifest allows; yes unless
    /// said otherwise. SpanForge itself lets it stand, whatever the policy says.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Whether what is allowed is refused when its record cannot be emitted; yes unless said otherwise. SpanForge
    /// itself lets up to `cb_threshold` answers out without a record.
    #[must_use]
    pub fn audit_required(self, audit_required: bool) -> Self {
        Self { audit_required, ..self }
    }

    /// The project that stands in records.
    #[must_use]
    pub fn project_id(self, project_id: impl Into<String>) -> Self {
        Self { project_id: project_id.into(), ..self }
    }

    /// So many failed emissions in a row open the circuit; 5 unless said otherwise.
    #[must_use]
    pub fn cb_threshold(self, cb_threshold: u32) -> Self {
        Self { cb_threshold, ..self }
    }

    /// It closes after so many seconds; 30 unless said otherwise.
    #[must_use]
    pub fn cb_reset_seconds(self, cb_reset_seconds: f64) -> Self {
        Self { cb_reset_seconds, ..self }
    }

    /// How many answers can be looked up; the last 10,000 unless said otherwise.
    #[must_use]
    pub fn remember(self, remember: usize) -> Self {
        Self { remember, ..self }
    }

    /// Another wall clock, for the times in records.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Another clock for the circuit; it must never run backwards.
    #[must_use]
    pub fn monotonic(mut self, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.monotonic = Box::new(now);
        self
    }

    /// Puts it together.
    ///
    /// # Errors
    /// [`ScopeBuildError`].
    pub fn build(self) -> Result<ScopeEnforcer, ScopeBuildError> {
        if self.cb_threshold == 0 {
            return Err(ScopeBuildError::Threshold);
        }
        let wrong = ScopeBuildError::Reset(self.cb_reset_seconds);
        let reset = Duration::try_from_secs_f64(self.cb_reset_seconds).map_err(|_| wrong)?;
        Ok(ScopeEnforcer {
            session: random::session_id().map_err(|_| ScopeBuildError::Randomness)?,
            enforcer: self.enforcer,
            key: self.key,
            policy: self.policy,
            strict: self.strict,
            audit_required: self.audit_required,
            project_id: self.project_id,
            clock: self.clock,
            monotonic: self.monotonic,
            state: std::sync::Mutex::new(State {
                circuit: Circuit::new(self.cb_threshold, reset),
                head: self.sink.head(),
                sink: self.sink,
                ledger: Ledger::new(self.remember),
                total_checks: 0,
                blocked_checks: 0,
            }),
        })
    }
}

impl std::fmt::Debug for ScopeBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScopeBuilder")
            .field("strict", &self.strict)
            .field("audit_required", &self.audit_required)
            .finish_non_exhaustive()
    }
}
