//! Denials of a plane that lends nothing, remembered for a moment.
//!
//! Only denials, and only those that nothing but the role and the call decide: a permit has to be
//! recorded by whoever gives it, every time.

use std::time::Duration;

use moka::sync::Cache;
use scopegate_core::{CallDigest, Decision, Denial, DenyCode, Name, SessionId, ToolCall};

/// Denials that are kept at most.
const MOST: u64 = 10_000;
/// The longest that one is kept.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// By token and call.
pub(super) struct Answers(Cache<CallDigest, Denial>);

impl Answers {
    pub(super) fn new(length: Duration) -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(length.min(LONGEST)).build())
    }

    pub(super) fn find(&self, token: &str, call: &ToolCall) -> Option<Denial> {
        self.0.get(&key(token, call)?)
    }

    pub(super) fn keep(&self, token: &str, call: &ToolCall, decision: &Decision) {
        if let (Decision::Deny(denial), Some(key)) = (decision, key(token, call))
            && lasts(denial.code)
        {
            self.0.insert(key, denial.clone());
        }
    }
}

fn lasts(code: DenyCode) -> bool {
    use DenyCode::{
        ActionForbidden, DataLimitExceeded, EnvViolation, InvalidArguments, ParameterViolation,
        ScopeViolation,
    };
    matches!(
        code,
        ActionForbidden
            | DataLimitExceeded
            | EnvViolation
            | InvalidArguments
            | ParameterViolation
            | ScopeViolation
    )
}

/// Everything that the answer depends on: one text cannot run into the next.
fn key(token: &str, call: &ToolCall) -> Option<CallDigest> {
    CallDigest::of(SessionId::from_bits(0), &Name::from(token), &Name::default(), call)
}
