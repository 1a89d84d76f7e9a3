//! `/enforce/agents/{id}/history` and `/communications`: what an agent did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{DenyCode, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::page::Asked;
use crate::auth::Caller;
use crate::domain::{Decided, Failure};
use crate::extract::{Path, Query};
use crate::openapi::{DateTime, Free};
use crate::plane::Plane;

pub(super) const PER_PAGE: u64 = 50;
pub(super) const MOST: u64 = 200;

/// What was decided for an agent, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernHistory")]
pub(super) struct History {
    ok: bool,
    history: Vec<Entry>,
    /// Nothing moves trust yet.
    #[schemars(with = "Vec<Free>")]
    trust_history: [Value; 0],
    total: u64,
    page: u64,
    per_page: u64,
}

/// A decision.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernHistoryEntry")]
struct Entry {
    decision_id: String,
    decision: &'static str,
    action_type: String,
    reasoning: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deny_code: Option<&'static str>,
    /// How many denials it stands for, where a client counted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    session_id: String,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
}

/// What an agent said to others, and they to it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernCommunications")]
pub(super) struct Communications {
    ok: bool,
    /// None: agents cannot speak to each other through the plane yet.
    #[schemars(with = "Vec<Free>")]
    communications: [Value; 0],
    total: u64,
    page: u64,
    per_page: u64,
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let page = asked.of(PER_PAGE, MOST)?;
    let tenant = plane.tenant(&caller.tenant)?;
    let (decided, total) = tenant.agent_history(&caller, &agent, page.slice())?;
    let history = decided.iter().map(entry).collect();
    let (page, per_page) = (page.page, page.per_page);
    Ok(Json(History { ok: true, history, trust_history: [], total, page, per_page }).into_response())
}

pub(crate) async fn communications(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let page = asked.of(PER_PAGE, MOST)?;
    plane.tenant(&caller.tenant)?.agent_communications(&caller, &agent)?;
    let (page, per_page) = (page.page, page.per_page);
    Ok(Json(Communications { ok: true, communications: [], total: 0, page, per_page }).into_response())
}

fn entry(Decided { row, record }: &Decided) -> Entry {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let event = text("/event");
    let code = DenyCode::ALL.iter().find(|code| code.as_str() == event).map(|code| code.as_str());
    let (decision, usual) = match (event.as_str(), code) {
        ("permit", _) => ("allow", "permitted"),
        ("hold", _) => ("escalate", "a person has to agree"),
        (_, code) => ("block", code.unwrap_or("denied")),
    };
    let said = text("/plane/reason");
    let number = record.pointer("/id/number").and_then(Value::as_u64).unwrap_or_default();
    Entry {
        decision_id: format!("enf_{}_{number}", text("/id/session")),
        decision,
        action_type: text("/tool"),
        reasoning: if said.is_empty() { usual.to_owned() } else { said },
        deny_code: code,
        count: record.pointer("/plane/count").and_then(Value::as_u64),
        session_id: text("/id/session"),
        created_at: row.at,
    }
}
