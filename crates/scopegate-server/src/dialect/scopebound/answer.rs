//! What this dialect's callers are told of a decision. The only file that says `allow`.
//!
//! The published client takes every 2xx that is neither 202 nor says `"decision":"deny"` for
//! permission, so there are no other words than these.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use scopegate_core::{Denial, DenyCode, Hold, Permit};
use serde_json::json;

use super::approvals::dashed;
use crate::dialect::native;

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

pub(super) fn permitted(asked: Asked<'_>, permit: &Permit) -> Response {
    let mut body = json!({
        "decision": "allow",
        "call_id": asked.call_id,
        "latency_ms": asked.latency_ms,
    });
    if asked.native {
        native::name_permit(&mut body, permit);
    }
    told(StatusCode::OK, body)
}

pub(super) fn denied(asked: Asked<'_>, denial: &Denial) -> Response {
    let mut body = json!({
        "decision": "deny",
        "deny_code": denial.code.as_str(),
        "severity": denial.severity(),
        "reason": denial.to_string(),
        "retry_guidance": denial.retry_guidance(),
        "call_id": asked.call_id,
        "latency_ms": asked.latency_ms,
    });
    if asked.native {
        native::date_denial(&mut body, denial);
    }
    if denial.code == DenyCode::JwtExpired
        && let Some(body) = body.as_object_mut()
    {
        // What the published pages call it; the published client looks for the other word.
        body.insert("aliases".to_owned(), json!(["SESSION_EXPIRED"]));
    }
    told(StatusCode::OK, body)
}

pub(super) fn held(asked: Asked<'_>, hold: &Hold) -> Response {
    let review = dashed(hold.review);
    let body = json!({
        "decision": "pending",
        "status": "pending",
        "approval_id": review,
        "expires_at": hold.expires_at,
        "message": format!("human approval required: `{}` waits for a person; poll /v1/approvals/{review}, then ask again", asked.tool),
        "tool_name": asked.tool,
        "call_id": asked.call_id,
        "latency_ms": asked.latency_ms,
    });
    told(StatusCode::ACCEPTED, body)
}

fn told(status: StatusCode, body: serde_json::Value) -> Response {
    (status, Json(body)).into_response()
}
