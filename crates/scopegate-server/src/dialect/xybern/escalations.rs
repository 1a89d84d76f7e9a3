//! `/enforce/escalations`: calls that wait for a person, and what whoever asked is told of the yes. One of two
//! files of this dialect that say `allow`: to the key that asked, once the call was permitted and that is kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{Name, Reading, ReviewId, ReviewState, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::Asked;
use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::member::{Invalid, name, text};
use crate::domain::{Failure, Read, Said, Shown, Stage, Wanted};
use crate::extract::{Path, Query};
use crate::openapi::{DateTime, Free};
use crate::plane::Plane;

/// Escalations of a page, unless another number is asked for.
pub(super) const PER_PAGE: u64 = 50;
/// The most that a page has.
pub(super) const MOST: u64 = 200;
/// Longer reasons are refused rather than cut.
const LONGEST_REASON: usize = 1024;

/// Which escalations are asked for, beside the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    status: Option<String>,
    agent_id: Option<String>,
}

/// A call that waits, or waited, for a person.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernEscalation")]
pub(super) struct Escalation {
    escalation_id: String,
    status: Status,
    /// Whether the yes has been taken up: it is good for one call.
    used: bool,
    action_type: Name,
    agent_id: Name,
    /// All arguments of the call, as they would run.
    #[schemars(with = "Free")]
    arguments: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Name>,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    #[schemars(with = "Option<DateTime>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<Timestamp>,
    /// Who holds the key that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution_reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "XybernEscalationStatus")]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Approved,
    Rejected,
    Expired,
}

/// What whoever reads may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "XybernEscalationDecision")]
#[serde(rename_all = "lowercase")]
enum Word {
    /// Wait; to whoever did not ask for the call, nothing.
    Pending,
    /// Run the call, once.
    Allow,
    /// Give up.
    Block,
}

/// Escalations, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernEscalations")]
pub(super) struct Many {
    ok: bool,
    escalations: Vec<Escalation>,
    total: usize,
    page: u64,
    per_page: u64,
}

/// An escalation as it stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernOneEscalation")]
pub(super) struct One {
    ok: bool,
    escalation: Escalation,
}

/// Where an escalation stands for whoever reads.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernEscalationStatusTold")]
pub(super) struct Told {
    ok: bool,
    escalation_id: String,
    status: Status,
    decision: Word,
    /// The permit that the call runs on; the same as long as it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
    /// Why the call is denied that a person had agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    deny_code: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution_reason: Option<String>,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
}

/// An escalation that was just resolved.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernResolved")]
pub(super) struct Resolved {
    ok: bool,
    escalation_id: String,
    status: Status,
    escalation: Escalation,
}

/// Those that wait, unless others are asked for.
pub(crate) async fn list(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(asked): Query<Asked>,
    Query(which): Query<Which>,
) -> Result<Response, Failure> {
    let page = asked.of(PER_PAGE, MOST)?;
    let stage = stage(which.status.as_deref())?;
    let wanted = Wanted { stage, agent: which.agent_id.filter(|agent| !agent.is_empty()) };
    let (shown, total) = plane.tenant(&caller.tenant)?.escalations(&caller, &wanted, page.slice());
    let escalations = shown.iter().map(Escalation::from).collect();
    let told = Many { ok: true, escalations, total, page: page.page, per_page: page.per_page };
    Ok(Json(told).into_response())
}

/// All of an escalation. To look at it takes nothing up.
pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let shown = plane.tenant(&caller.tenant)?.escalation(&caller, review_id(&id)?)?;
    Ok(Json(One { ok: true, escalation: (&shown).into() }).into_response())
}

/// Where it stands; whoever asked for the call takes a yes up by reading it.
pub(crate) async fn status(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = review_id(&id)?;
    let (shown, read) = plane.tenant(&caller.tenant)?.read_escalation(&caller, id, plane.now()).await?;
    let (status, decision) = words(&shown, &read);
    let decision_id = match read {
        Read::Asker(Reading::Permitted(permit)) => Some(format!("enf_{}_{}", permit.session, permit.number)),
        _ => None,
    };
    let told = Told {
        ok: true,
        escalation_id: escalation_id(id),
        status,
        decision,
        decision_id,
        deny_code: read.code().cloned(),
        resolution_reason: reason(&shown, &read),
        expires_at: shown.review.expires_at,
    };
    Ok(Json(told).into_response())
}

/// Lets a call run once, or refuses it. Who decides is whoever holds the caller's key.
pub(crate) async fn resolve(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let (tenant, id) = (plane.tenant(&caller.tenant)?, review_id(&id)?);
    tenant.escalation(&caller, id)?;
    let approve = match &*name(&body, "resolution")? {
        "approved" => true,
        "rejected" => false,
        _ => return Err(Invalid::new("resolution", "must be `approved` or `rejected`").into()),
    };
    let reason = text(&body, "reason")?.filter(|reason| !reason.is_empty());
    if reason.as_ref().is_some_and(|reason| reason.len() > LONGEST_REASON) {
        return Err(Invalid::new("reason", "must be at most 1024 bytes").into());
    }
    let said = Said { label: None, reason };
    let shown = tenant.settle(&caller, id, approve, said).await?;
    let escalation = Escalation::from(&shown);
    let told = Resolved { ok: true, escalation_id: escalation_id(id), status: escalation.status, escalation };
    Ok(Json(told).into_response())
}

/// The two words for where it stands. Clients act on either, so they never disagree: only what was permitted
/// to whoever reads is `approved` and not waiting for anybody.
fn words(shown: &Shown, read: &Read) -> (Status, Word) {
    match read {
        Read::Asker(Reading::Permitted(_)) => (Status::Approved, Word::Allow),
        Read::Asker(Reading::Denied(_) | Reading::Rejected) => (Status::Rejected, Word::Block),
        Read::Asker(Reading::Expired) => (Status::Expired, Word::Block),
        // A yes that nobody has taken up is told to nobody who would act on it.
        Read::Asker(Reading::Pending | Reading::Approved) => (Status::Pending, Word::Pending),
        Read::Onlooker => match Status::from(Stage::of(shown)) {
            status @ (Status::Pending | Status::Approved) => (status, Word::Pending),
            status => (status, Word::Block),
        },
    }
}

fn reason(shown: &Shown, read: &Read) -> Option<String> {
    let said = shown.asked.as_ref().and_then(|asked| asked.reason.clone());
    match read.code() {
        None => said,
        Some(code) => Some(format!("a person had agreed, and the call is denied by now: {code}")),
    }
}

/// Those that wait, unless another status is asked for; `all` for every one.
fn stage(status: Option<&str>) -> Result<Option<Stage>, Invalid> {
    match status {
        None | Some("" | "pending") => Ok(Some(Stage::Pending)),
        Some("approved") => Ok(Some(Stage::Approved)),
        Some("rejected") => Ok(Some(Stage::Rejected)),
        Some("expired") => Ok(Some(Stage::Expired)),
        Some("all") => Ok(None),
        Some(_) => {
            Err(Invalid::new("status", "must be `pending`, `approved`, `rejected`, `expired` or `all`"))
        }
    }
}

impl From<Stage> for Status {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Pending => Self::Pending,
            Stage::Approved => Self::Approved,
            Stage::Rejected => Self::Rejected,
            Stage::Expired => Self::Expired,
        }
    }
}

impl From<&Shown> for Escalation {
    fn from(shown: &Shown) -> Self {
        let Shown { review, asked } = shown;
        Self {
            escalation_id: escalation_id(review.id),
            status: Stage::of(shown).into(),
            used: review.state == ReviewState::Consumed,
            action_type: review.tool.clone(),
            agent_id: review.owner.clone(),
            arguments: serde_json::from_str(&review.arguments).unwrap_or_default(),
            resource: review.resource.clone(),
            role: Some(review.role.clone()).filter(|role| !role.is_empty()),
            created_at: review.opened_at,
            expires_at: review.expires_at,
            resolved_at: review.decided_at,
            resolved_by: review.reviewer.clone(),
            resolution_reason: asked.as_ref().and_then(|asked| asked.reason.clone()),
        }
    }
}

/// The id of an escalation, from that of its review.
fn escalation_id(review: ReviewId) -> String {
    format!("esc_{review}")
}

/// The review that an escalation's id stands for.
fn review_id(text: &str) -> Result<ReviewId, Failure> {
    text.strip_prefix("esc_").and_then(ReviewId::parse).ok_or(Failure::Unknown("escalation"))
}

#[cfg(test)]
mod tests;
