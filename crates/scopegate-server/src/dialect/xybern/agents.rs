//! `/enforce/agents`: who acts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::draft::{draft, lifetime};
use super::page::Asked;
use super::shapes::{AgentShown, CredentialShown};
use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::Failure;
use crate::extract::{Path, Query};
use crate::plane::Plane;

/// Agents of a page, unless another number is asked for; more there never are.
pub(super) const PER_PAGE: u64 = 500;

/// An agent that was registered, now or before.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernRegistered")]
pub(super) struct Registered {
    ok: bool,
    agent: AgentShown,
    /// A new agent's, with its private key; of one that was there, the one in use, unless it is no business of
    /// an agent that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<CredentialShown>,
}

/// An agent as it stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernOneAgent")]
pub(super) struct One {
    ok: bool,
    agent: AgentShown,
}

/// Agents in the order they were registered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernAgents")]
pub(super) struct Many {
    ok: bool,
    agents: Vec<AgentShown>,
    total: usize,
    page: u64,
    per_page: u64,
}

pub(crate) async fn register(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let (draft, lifetime, now) = (draft(&body)?, lifetime(&body)?, plane.now());
    let made = plane.tenant(&caller.tenant)?.register_agent(&caller, draft, lifetime, now).await?;
    let status = if made.new { StatusCode::CREATED } else { StatusCode::OK };
    let credential = match (&made.issued, &made.credential) {
        (Some(issued), _) => Some(CredentialShown::new(issued, now)),
        (None, Some(known)) => Some(CredentialShown::of(known, now)),
        (None, None) => None,
    };
    let told = Registered { ok: true, agent: (&made.agent).into(), credential };
    Ok((status, Json(told)).into_response())
}

pub(crate) async fn list(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let page = asked.of(PER_PAGE, PER_PAGE)?;
    let (agents, total) = plane.tenant(&caller.tenant)?.agents(page.slice())?;
    let agents = agents.iter().map(AgentShown::from).collect();
    let told = Many { ok: true, agents, total, page: page.page, per_page: page.per_page };
    Ok(Json(told).into_response())
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let agent = plane.tenant(&caller.tenant)?.agent(&id)?;
    Ok(Json(One { ok: true, agent: (&agent).into() }).into_response())
}

/// Changes the members that the body has.
pub(crate) async fn update(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let agent = plane.tenant(&caller.tenant)?.update_agent(&id, draft(&body)?, plane.now()).await?;
    Ok(Json(One { ok: true, agent: (&agent).into() }).into_response())
}

pub(crate) async fn deactivate(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let agent = plane.tenant(&caller.tenant)?.deactivate_agent(&id, plane.now()).await?;
    Ok(Json(One { ok: true, agent: (&agent).into() }).into_response())
}
