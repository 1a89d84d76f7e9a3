//! `/v1/approvals`: calls that wait for a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use scopegate_core::{Name, ReviewId, ReviewState, SessionId, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::body::Object;
use crate::auth::Caller;
use crate::domain::member::text;
use crate::domain::{Failure, Said, Shown};
use crate::extract::Path;
use crate::openapi::DateTime;
use crate::plane::Plane;

/// A call that waits, or waited, for a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Approval {
    id: String,
    /// The same as `id`.
    approval_id: String,
    status: ApprovalStatus,
    /// Whether an approval has been used: it permits one run.
    used: bool,
    tool_name: String,
    /// All of them, as they would run.
    call_args: Value,
    action: Option<String>,
    resource: Option<String>,
    mcp_server: Option<String>,
    /// The digest of what the tool was registered as at that server, where it was: the approval is for that,
    /// and for no other definition.
    tool_definition: Option<String>,
    call_id: Option<String>,
    role_id: Option<Name>,
    role_name: Option<String>,
    role_version: Option<u64>,
    #[schemars(with = "String")]
    session_id: SessionId,
    requested_by: String,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    #[schemars(with = "Option<DateTime>")]
    decided_at: Option<Timestamp>,
    /// Who holds the key that decided; what that client calls its user is only a label.
    approved_by: Option<String>,
    rejected_by: Option<String>,
    /// The id of the key.
    decided_with: Option<Name>,
    label: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ApprovalStatus {
    Pending,
    Approved,
    Rejected,
    Expired,
}

/// Calls that wait for a person, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Waiting {
    approvals: Vec<Approval>,
}

/// Those that wait, oldest first.
pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Json<Waiting>, Failure> {
    let waiting = plane.tenant(&caller.tenant)?.waiting_reviews(&caller);
    Ok(Json(Waiting { approvals: waiting.into_iter().map(show).collect() }))
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Approval>, Failure> {
    Ok(Json(show(plane.tenant(&caller.tenant)?.review(&caller, review_id(&id)?)?)))
}

pub(crate) async fn approve(
    plane: State<Arc<Plane>>,
    caller: Caller,
    path: Path<String>,
    body: Object,
) -> Result<Json<Approval>, Failure> {
    settle(&plane, &caller, path, body, true).await
}

pub(crate) async fn reject(
    plane: State<Arc<Plane>>,
    caller: Caller,
    path: Path<String>,
    body: Object,
) -> Result<Json<Approval>, Failure> {
    settle(&plane, &caller, path, body, false).await
}

/// `approved_by` names nobody: it is a label that the approver's client writes, also to reject.
async fn settle(
    plane: &Plane,
    caller: &Caller,
    Path(id): Path<String>,
    Object(body): Object,
    approve: bool,
) -> Result<Json<Approval>, Failure> {
    let label = text(&body, "approved_by")?.filter(|label| !label.is_empty());
    let (tenant, id) = (plane.tenant(&caller.tenant)?, review_id(&id)?);
    let said = Said { label, reason: None };
    Ok(Json(show(tenant.settle(caller, id, approve, said).await?)))
}

fn review_id(text: &str) -> Result<ReviewId, Failure> {
    let id = ReviewId::parse(text).or_else(|| ReviewId::parse(&text.replace('-', "")));
    id.ok_or(Failure::Unknown("approval"))
}

fn show(Shown { review, asked }: Shown) -> Approval {
    let id = dashed(review.id);
    let status = match review.state {
        ReviewState::Pending => ApprovalStatus::Pending,
        // What was approved stays approved, also once it has been used.
        ReviewState::Approved | ReviewState::Consumed => ApprovalStatus::Approved,
        ReviewState::Rejected => ApprovalStatus::Rejected,
        ReviewState::Expired => ApprovalStatus::Expired,
    };
    let reviewer = |decided| review.reviewer.as_ref().filter(|_| status == decided).map(ToString::to_string);
    Approval {
        approval_id: id.clone(),
        id,
        status,
        used: review.state == ReviewState::Consumed,
        tool_name: review.tool.to_string(),
        call_args: serde_json::from_str(&review.arguments).unwrap_or_default(),
        action: review.action.as_ref().map(ToString::to_string),
        resource: review.resource.as_ref().map(ToString::to_string),
        mcp_server: review.server.as_ref().map(ToString::to_string),
        tool_definition: review.definition.map(|definition| definition.to_string()),
        call_id: asked.as_ref().and_then(|asked| asked.call.clone()),
        role_id: asked.as_ref().map(|asked| asked.role_id.clone()),
        role_name: Some(review.role.to_string()),
        role_version: asked.as_ref().map(|asked| asked.role_version),
        session_id: review.session,
        requested_by: review.owner.to_string(),
        created_at: review.opened_at,
        expires_at: review.expires_at,
        decided_at: review.decided_at,
        approved_by: reviewer(ApprovalStatus::Approved),
        rejected_by: reviewer(ApprovalStatus::Rejected),
        decided_with: asked.as_ref().and_then(|asked| asked.decided_by.clone()),
        label: asked.as_ref().and_then(|asked| asked.label.clone()),
    }
}

/// An id in the form that callers of this dialect expect: a UUID's.
pub(super) fn dashed(id: ReviewId) -> String {
    uuid::Uuid::from_u128(id.bits()).to_string()
}
