//! `/enforce/policies` and `/enforce/shadow`: what stands against calls, whatever grants them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{Name, Timestamp};
use serde::{Deserialize, Serialize};

use super::policy_shapes::{PolicyShown, policy};
use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::member::Invalid;
use crate::domain::{Failure, ShadowOf};
use crate::extract::{Path, Query};
use crate::openapi::DateTime;
use crate::plane::Plane;

/// Hours that a shadow report looks back on, unless another number is asked for.
pub(super) const HOURS: u64 = 24;
/// Most hours.
pub(super) const MOST_HOURS: u64 = 24 * 31;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernOnePolicy")]
pub(super) struct One {
    ok: bool,
    policy: PolicyShown,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernPolicies")]
pub(super) struct Many {
    ok: bool,
    policies: Vec<PolicyShown>,
    total: usize,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernEnded")]
pub(super) struct Ended {
    ok: bool,
    policy_id: String,
}

/// What shadow policies would have done, as the records say.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernShadowReport")]
pub(super) struct Report {
    ok: bool,
    hours: u64,
    #[schemars(with = "DateTime")]
    since: Timestamp,
    policies: Vec<Row>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernShadowRow")]
struct Row {
    policy_id: Name,
    name: String,
    /// Decisions that were made since the policy is as it is.
    evaluated: u64,
    would_block: u64,
    would_escalate: u64,
    would_have_changed: u64,
    /// How many agents, a thousand at most.
    agents_affected: usize,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    policy_id: Option<String>,
    hours: Option<String>,
}

pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Response, Failure> {
    let policies: Vec<PolicyShown> =
        plane.tenant(&caller.tenant)?.policies().iter().map(PolicyShown::from).collect();
    Ok(Json(Many { ok: true, total: policies.len(), policies }).into_response())
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let policy = plane.tenant(&caller.tenant)?.policy(&id)?;
    Ok(Json(One { ok: true, policy: (&policy).into() }).into_response())
}

pub(crate) async fn create(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    // Break-glass lifts policies that are made here, unless they say that nothing does.
    let made = plane.tenant(&caller.tenant)?.create_policy(policy(&body)?, false, plane.now()).await?;
    Ok((StatusCode::CREATED, Json(One { ok: true, policy: (&made).into() })).into_response())
}

pub(crate) async fn update(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let changed = plane.tenant(&caller.tenant)?.update_policy(&id, policy(&body)?, plane.now()).await?;
    Ok(Json(One { ok: true, policy: (&changed).into() }).into_response())
}

pub(crate) async fn delete(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    plane.tenant(&caller.tenant)?.delete_policy(&id).await?;
    Ok(Json(Ended { ok: true, policy_id: id }).into_response())
}

pub(crate) async fn promote(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let live = plane.tenant(&caller.tenant)?.promote_policy(&id, plane.now()).await?;
    Ok(Json(One { ok: true, policy: (&live).into() }).into_response())
}

pub(crate) async fn shadow_report(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(Asked { policy_id, hours }): Query<Asked>,
) -> Result<Response, Failure> {
    let hours = whole_hours(hours.as_deref())?;
    let (tenant, now) = (plane.tenant(&caller.tenant)?, plane.now());
    // It reads many records.
    let read = tokio::task::spawn_blocking(move || tenant.shadow_report(hours, policy_id.as_deref(), now));
    let shadows = read.await.map_err(|error| Failure::Unavailable(error.to_string()))??;
    let policies = shadows.policies.iter().map(row).collect();
    Ok(Json(Report { ok: true, hours, since: shadows.since, policies }).into_response())
}

fn row(of: &ShadowOf) -> Row {
    Row {
        policy_id: of.policy.policy.rule.name.clone(),
        name: of.policy.policy.title.clone(),
        evaluated: of.evaluated,
        would_block: of.would_deny,
        would_escalate: of.would_hold,
        would_have_changed: of.would_have_changed,
        agents_affected: of.agents.len(),
    }
}

fn whole_hours(text: Option<&str>) -> Result<u64, Invalid> {
    let Some(text) = text else { return Ok(HOURS) };
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(hours) if digits && (1..=MOST_HOURS).contains(&hours) => Ok(hours),
        _ => Err(Invalid::new("hours", &format!("must be a whole number from 1 to {MOST_HOURS}"))),
    }
}
