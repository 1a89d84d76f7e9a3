//! `/enforce/agents/{id}/history` and `/communications`: what an agent did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{DenyCode, Event, Timestamp, Trust, TrustMove};
use serde::Serialize;
use serde_json::Value;

use super::answer::{Titles, Told, word};
use super::page::Asked;
use crate::auth::Caller;
use crate::domain::{Decided, Failure};
use crate::extract::{Path, Query};
use crate::openapi::DateTime;
use crate::plane::Plane;
use crate::store::Verdict;

pub(super) const PER_PAGE: u64 = 50;
pub(super) const MOST: u64 = 200;

/// What was decided for an agent, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernHistory")]
pub(super) struct History {
    ok: bool,
    history: Vec<Entry>,
    /// How these decisions moved the trust in it.
    trust_history: Vec<Moved>,
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

/// What a decision did to the trust in an agent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernTrustHistoryEntry")]
struct Moved {
    decision_id: String,
    #[schemars(with = "f64")]
    was: Trust,
    #[schemars(with = "f64")]
    trust_level: Trust,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
}

/// What an agent said to others, and they to it, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernCommunications")]
pub(super) struct Communications {
    ok: bool,
    communications: Vec<Message>,
    total: u64,
    page: u64,
    per_page: u64,
}

/// A message, and whether it was let through.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernMessage")]
struct Message {
    source_agent_id: String,
    target_agent_id: String,
    #[serde(flatten)]
    told: Told,
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
    let trust_history = decided.iter().filter_map(moved).collect();
    let (page, per_page) = (page.page, page.per_page);
    Ok(Json(History { ok: true, history, trust_history, total, page, per_page }).into_response())
}

pub(crate) async fn communications(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let page = asked.of(PER_PAGE, MOST)?;
    let tenant = plane.tenant(&caller.tenant)?;
    let (decided, total) = tenant.communications(&caller, &agent, page.slice())?;
    let titles = |id: &str| tenant.policy_title(id);
    let communications = decided.iter().filter_map(|one| message(one, &titles)).collect();
    let (page, per_page) = (page.page, page.per_page);
    Ok(Json(Communications { ok: true, communications, total, page, per_page }).into_response())
}

fn id_of(record: &Value) -> String {
    let session = record.pointer("/id/session").and_then(Value::as_str).unwrap_or_default();
    let number = record.pointer("/id/number").and_then(Value::as_u64).unwrap_or_default();
    format!("enf_{session}_{number}")
}

/// `None` where nobody kept count.
fn moved(Decided { row, record }: &Decided) -> Option<Moved> {
    let TrustMove { was, is: trust_level } = serde_json::from_value(record.get("trust")?.clone()).ok()?;
    Some(Moved { decision_id: id_of(record), was, trust_level, created_at: row.at })
}

fn message(decided: &Decided, titles: &Titles<'_>) -> Option<Message> {
    let text = |pointer: &str| decided.record.pointer(pointer).and_then(Value::as_str);
    let source = text("/plane/claimed").or(text("/owner")).unwrap_or_default().to_owned();
    let target = text("/plane/to").unwrap_or_default().to_owned();
    Some(Message { source_agent_id: source, target_agent_id: target, told: Told::recorded(decided, titles)? })
}

fn entry(Decided { row, record }: &Decided) -> Entry {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let event = text("/event");
    let code = DenyCode::ALL.iter().copied().find(|code| code.as_str() == event);
    let (verdict, usual) = match (event.as_str(), code) {
        ("permit", _) => (Verdict::Permitted, "permitted"),
        ("hold", _) => (Verdict::Held, "a person has to agree"),
        (_, Some(code)) => (Verdict::of(Event::Deny(code)).unwrap_or(Verdict::Denied), code.as_str()),
        _ => (Verdict::Denied, "denied"),
    };
    let said = text("/plane/reason");
    Entry {
        decision_id: id_of(record),
        decision: word(verdict),
        action_type: text("/tool"),
        reasoning: if said.is_empty() { usual.to_owned() } else { said },
        deny_code: code.map(DenyCode::as_str),
        count: record.pointer("/plane/count").and_then(Value::as_u64),
        session_id: text("/id/session"),
        created_at: row.at,
    }
}
