//! `/v1/approvals`: calls that wait for a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use scopegate_core::{ReviewId, ReviewState};
use serde_json::{Value, json};

use super::body::Object;
use crate::auth::Caller;
use crate::domain::member::text;
use crate::domain::{Failure, Shown};
use crate::plane::Plane;

/// Those that wait, oldest first.
pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Json<Value>, Failure> {
    let waiting = plane.tenant(&caller.tenant)?.waiting_reviews(&caller);
    Ok(Json(json!({ "approvals": waiting.iter().map(show).collect::<Vec<_>>() })))
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(show(&plane.tenant(&caller.tenant)?.review(&caller, review_id(&id)?)?)))
}

pub(crate) async fn approve(
    plane: State<Arc<Plane>>,
    caller: Caller,
    path: Path<String>,
    body: Object,
) -> Result<Json<Value>, Failure> {
    settle(&plane, &caller, path, body, true).await
}

pub(crate) async fn reject(
    plane: State<Arc<Plane>>,
    caller: Caller,
    path: Path<String>,
    body: Object,
) -> Result<Json<Value>, Failure> {
    settle(&plane, &caller, path, body, false).await
}

/// `approved_by` names nobody: it is a label that the approver's client writes, also to reject.
async fn settle(
    plane: &Plane,
    caller: &Caller,
    Path(id): Path<String>,
    Object(body): Object,
    approve: bool,
) -> Result<Json<Value>, Failure> {
    let label = text(&body, "approved_by")?.filter(|label| !label.is_empty());
    let tenant = plane.tenant(&caller.tenant)?;
    Ok(Json(show(&tenant.settle(caller, review_id(&id)?, approve, label).await?)))
}

fn review_id(text: &str) -> Result<ReviewId, Failure> {
    let id = ReviewId::parse(text).or_else(|| ReviewId::parse(&text.replace('-', "")));
    id.ok_or(Failure::Unknown("approval"))
}

fn show(shown: &Shown) -> Value {
    let Shown { review, asked } = shown;
    let id = dashed(review.id);
    let status = match review.state {
        ReviewState::Pending => "pending",
        // What was approved stays approved, also once it has been used.
        ReviewState::Approved | ReviewState::Consumed => "approved",
        ReviewState::Rejected => "rejected",
        ReviewState::Expired => "expired",
    };
    let arguments: Value = serde_json::from_str(&review.arguments).unwrap_or_default();
    json!({
        "id": id,
        "approval_id": id,
        "status": status,
        "used": review.state == ReviewState::Consumed,
        "tool_name": review.tool,
        "call_args": arguments,
        "action": review.action,
        "resource": review.resource,
        "mcp_server": review.server,
        "call_id": asked.as_ref().and_then(|asked| asked.call.clone()),
        "role_id": asked.as_ref().map(|asked| asked.role_id.clone()),
        "role_name": review.role,
        "role_version": asked.as_ref().map(|asked| asked.role_version),
        "session_id": review.session,
        "requested_by": review.owner,
        "created_at": review.opened_at,
        "expires_at": review.expires_at,
        "decided_at": review.decided_at,
        // Who holds the key that decided; what that client calls its user is only a label.
        "approved_by": review.reviewer.as_ref().filter(|_| status == "approved"),
        "rejected_by": review.reviewer.as_ref().filter(|_| status == "rejected"),
        "decided_with": asked.as_ref().and_then(|asked| asked.decided_by.clone()),
        "label": asked.as_ref().and_then(|asked| asked.label.clone()),
    })
}

/// An id in the form that callers of this dialect expect: a UUID's.
pub(super) fn dashed(id: ReviewId) -> String {
    uuid::Uuid::from_u128(id.bits()).to_string()
}
