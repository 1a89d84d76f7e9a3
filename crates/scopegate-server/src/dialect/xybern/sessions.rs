//! `/enforce/sessions`: runs of agents, with budgets. Whoever reads any status but `active` stops.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{Name, SessionId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::dialect::session::session_id;
use crate::domain::member::{Invalid, opt_whole, text};
use crate::domain::{Budgets, Failure, Run, RunState, Start};
use crate::extract::Path;
use crate::openapi::DateTime;
use crate::plane::Plane;

/// What a body may say. The last three restrict nothing and are not kept.
const READ: &[&str] = &["agent_id", "budgets", "label", "credential_id", "prompt_hash", "metadata"];
/// The budgets that there are. Another one would not be held to, and is refused.
const BUDGETS: &[&str] = &["max_actions", "ttl_seconds"];

type Body = Map<String, Value>;

/// A run as it stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernRun")]
pub(super) struct Told {
    ok: bool,
    #[schemars(with = "String")]
    session_id: SessionId,
    status: Status,
    agent_id: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    budgets: BudgetsShown,
    consumed: Consumed,
    /// Why it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    kill_reason: Option<String>,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "XybernRunStatus")]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    /// Its agent ended it.
    Ended,
    /// Somebody stopped it.
    Killed,
    /// It has made all its actions.
    Terminated,
    /// Its time is over.
    Expired,
}

/// What a run may do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernBudgets")]
struct BudgetsShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_actions: Option<u64>,
    ttl_seconds: u64,
}

/// What it has done.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernConsumed")]
struct Consumed {
    /// Actions that were permitted, where they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<u64>,
    seconds: u64,
}

pub(crate) async fn start(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let (start, now) = (read(&body)?, plane.now());
    let run = plane.tenant(&caller.tenant)?.start_run(&caller, start, now).await?;
    Ok((StatusCode::CREATED, Json(show(&run, now))).into_response())
}

pub(crate) async fn heartbeat(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(_): Object,
) -> Result<Response, Failure> {
    let now = plane.now();
    let run = plane.tenant(&caller.tenant)?.run(&caller, run_id(&id)?, now)?;
    Ok(Json(show(&run, now)).into_response())
}

/// Ending it twice is fine.
pub(crate) async fn end(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(_): Object,
) -> Result<Response, Failure> {
    let now = plane.now();
    let run = plane.tenant(&caller.tenant)?.end_run(&caller, run_id(&id)?, now).await?;
    Ok(Json(show(&run, now)).into_response())
}

fn read(body: &Body) -> Result<Start, Failure> {
    known(body, READ)?;
    for ignored in ["credential_id", "prompt_hash"] {
        text(body, ignored)?;
    }
    let budgets = match body.get("budgets") {
        None | Some(Value::Null) => Budgets::default(),
        Some(Value::Object(budgets)) => {
            known(budgets, BUDGETS)?;
            Budgets {
                max_calls: at_least_one(budgets, "max_actions")?,
                ttl: at_least_one(budgets, "ttl_seconds")?,
            }
        }
        Some(_) => return Err(Invalid::new("budgets", "must be an object").into()),
    };
    Ok(Start { agent: text(body, "agent_id")?, budgets, label: text(body, "label")?.unwrap_or_default() })
}

fn known(body: &Body, names: &[&str]) -> Result<(), Invalid> {
    match body.keys().find(|member| !names.contains(&member.as_str())) {
        Some(unknown) => Err(Invalid::new(unknown, "is not known")),
        None => Ok(()),
    }
}

/// A budget of nothing is a mistake: absent is no limit, and this would be the opposite.
fn at_least_one(budgets: &Body, member: &str) -> Result<Option<u64>, Invalid> {
    let invalid = || Invalid::new(member, "must be a whole number of at least 1");
    match opt_whole(budgets, member).map_err(|_| invalid())? {
        Some(0) => Err(invalid()),
        budget => Ok(budget),
    }
}

fn run_id(text: &str) -> Result<SessionId, Failure> {
    session_id(text).ok_or(Failure::Unknown("session"))
}

fn show(run: &Run, now: Timestamp) -> Told {
    let Run { session, state, calls } = run;
    let (status, kill_reason) = match state {
        RunState::Active => (Status::Active, None),
        RunState::Ended => (Status::Ended, None),
        RunState::Killed(why) => (Status::Killed, Some(why.clone())),
        RunState::Exhausted => (Status::Terminated, Some("max_actions".to_owned())),
        RunState::Expired => (Status::Expired, Some("ttl_seconds".to_owned())),
    };
    let until = session.end.as_ref().map_or(session.expires_at, |end| end.at).min(now);
    Told {
        ok: true,
        session_id: session.id,
        status,
        agent_id: session.owner.clone(),
        label: Some(session.task_type.clone()).filter(|label| !label.is_empty()),
        budgets: BudgetsShown {
            max_actions: session.max_calls,
            ttl_seconds: session.created_at.until(session.expires_at).as_secs(),
        },
        consumed: Consumed { actions: *calls, seconds: session.created_at.until(until).as_secs() },
        kill_reason,
        created_at: session.created_at,
        expires_at: session.expires_at,
    }
}

#[cfg(test)]
mod tests;
