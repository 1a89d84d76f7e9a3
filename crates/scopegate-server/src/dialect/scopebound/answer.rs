//! What this dialect's callers are told of a decision. The only file that says `allow`.
//!
//! The published client takes every 2xx that is neither 202 nor says `"decision":"deny"` for
//! permission, so there are no other words than these.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{Denial, DenyCode, Hold, Permit, Severity, Timestamp};
use serde::Serialize;

use super::approvals::dashed;
use crate::dialect::native;
use crate::openapi::DateTime;

/// What an answer repeats of its question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) tool: &'a str,
    pub(super) call_id: &'a str,
    /// How long the answer took.
    pub(super) latency_ms: f64,
    /// Whether the caller is one of ours, which reads more than this dialect has.
    pub(super) native: bool,
}

/// A verdict.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "decision", rename_all = "lowercase")]
pub(crate) enum Verdict<'a> {
    /// The call may be made, once, now.
    Allow {
        call_id: &'a str,
        latency_ms: f64,
        /// The number of its record, for callers that send a `decision_nonce`.
        #[serde(skip_serializing_if = "Option::is_none")]
        permit: Option<u64>,
    },
    /// It may not.
    Deny {
        #[schemars(with = "String")]
        deny_code: DenyCode,
        /// `low`, `medium`, `high` or `critical`.
        #[schemars(with = "String")]
        severity: Severity,
        /// In a sentence.
        reason: String,
        retry_guidance: &'a str,
        call_id: &'a str,
        latency_ms: f64,
        /// Other names of the code.
        #[serde(skip_serializing_if = "Option::is_none")]
        aliases: Option<&'a [&'a str]>,
        /// For callers that send a `decision_nonce`.
        #[serde(flatten)]
        lasts: Option<native::Lasts>,
    },
}

/// A call that waits for a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Held<'a> {
    #[schemars(extend("const" = "pending"))]
    decision: &'a str,
    #[schemars(extend("const" = "pending"))]
    status: &'a str,
    approval_id: String,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    /// In a sentence.
    message: String,
    tool_name: &'a str,
    call_id: &'a str,
    latency_ms: f64,
}

pub(super) fn permitted(asked: Asked<'_>, permit: &Permit) -> Response {
    let Asked { call_id, latency_ms, native, .. } = asked;
    let permit = native.then_some(permit.id.number);
    Json(Verdict::Allow { call_id, latency_ms, permit }).into_response()
}

pub(super) fn denied(asked: Asked<'_>, denial: &Denial) -> Response {
    let Asked { call_id, latency_ms, native, .. } = asked;
    Json(Verdict::Deny {
        deny_code: denial.code,
        severity: denial.severity(),
        reason: denial.to_string(),
        retry_guidance: denial.retry_guidance(),
        call_id,
        latency_ms,
        // What the published pages call it; the published client looks for the other word.
        aliases: (denial.code == DenyCode::JwtExpired).then_some(&["SESSION_EXPIRED"]),
        lasts: native.then(|| native::Lasts::of(denial)).flatten(),
    })
    .into_response()
}

pub(super) fn held(asked: Asked<'_>, hold: &Hold) -> Response {
    let Asked { tool, call_id, latency_ms, .. } = asked;
    let review = dashed(hold.review);
    let held = Held {
        decision: "pending",
        status: "pending",
        expires_at: hold.expires_at,
        message: format!(
            "human approval required: `{tool}` waits for a person; poll /v1/approvals/{review}, then ask again"
        ),
        approval_id: review,
        tool_name: tool,
        call_id,
        latency_ms,
    };
    (StatusCode::ACCEPTED, Json(held)).into_response()
}
