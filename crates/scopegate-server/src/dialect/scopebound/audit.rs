//! `GET /mgmt/v1/audit/export`: the log of a window, as JSON or CSV.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{DenyCode, ReviewId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::approvals::dashed;
use crate::audit::hex;
use crate::auth::Caller;
use crate::domain::{Exported, Failure, Window};
use crate::extract::Query;
use crate::openapi::DateTime;
use crate::plane::Plane;

/// The members of an event, and the columns of the table.
const COLUMNS: [&str; 18] = [
    "seq",
    "timestamp",
    "event",
    "decision",
    "deny_code",
    "severity",
    "reason",
    "role_id",
    "role_name",
    "session_id",
    "tool_name",
    "action",
    "mcp_server",
    "call_id",
    "approval_id",
    "latency_ms",
    "prev_hash",
    "hash",
];

/// Members that only our own clients' decisions have; no columns.
const OF_CLIENTS: [&str; 5] = ["source", "client_at", "count", "fail_open", "missing"];

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    format: Option<String>,
    window_hours: Option<String>,
}

/// The log of a window, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Export {
    #[schemars(extend("const" = "json"))]
    format: &'static str,
    window_hours: u64,
    #[schemars(with = "DateTime")]
    generated_at: Timestamp,
    count: usize,
    /// Each has every member, null where it does not apply.
    events: Vec<Map<String, Value>>,
}

pub(crate) async fn export(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let window = match asked.window_hours.as_deref() {
        None => Window::DEFAULT,
        Some(text) => Window::hours(text.parse().unwrap_or(0))?,
    };
    let format = asked.format.as_deref().unwrap_or("json");
    if !matches!(format, "json" | "csv") {
        return Err(Failure::Malformed("`format` must be `json` or `csv`".to_owned()));
    }
    let (tenant, now) = (plane.tenant(&caller.tenant)?, plane.now());
    let read = move || tenant.export(window, now);
    let records = tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| Failure::Unavailable("the export was interrupted".to_owned()))??;
    let events: Vec<Map<String, Value>> = records.iter().map(event).collect();
    if format == "csv" {
        let table = table(&events).map_err(|error| Failure::Unavailable(error.to_string()))?;
        return Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response());
    }
    let (window_hours, count) = (window.as_hours(), events.len());
    Ok(Json(Export { format: "json", window_hours, generated_at: now, count, events }).into_response())
}

/// A record in this dialect's words.
fn event(exported: &Exported) -> Map<String, Value> {
    let Exported { row, record } = exported;
    let about = record.get("plane").unwrap_or(&Value::Null);
    let event = record.get("event").and_then(Value::as_str).unwrap_or_default();
    let code = DenyCode::ALL.iter().find(|code| code.as_str() == event);
    let (kind, decision) = match (event, code) {
        ("permit", _) => ("enforce", "allow"),
        ("hold", _) => ("enforce", "pending"),
        (_, Some(_)) => ("enforce", "deny"),
        (outcome, None) => (outcome, ""),
    };
    let id = record.get("id").unwrap_or(&Value::Null);
    let latency = about.get("latency_us").and_then(Value::as_u64).map(|us| us as f64 / 1000.0);
    let values = [
        json!(row.seq),
        json!(row.at),
        json!(kind),
        json!(decision),
        json!(code.map(|code| code.as_str())),
        json!(about.get("severity").cloned().or_else(|| code.map(|code| json!(code.severity())))),
        json!(about.get("reason")),
        json!(about.get("role_id")),
        json!(record.pointer("/role/0")),
        json!(id.get("session")),
        json!(record.get("tool")),
        json!(about.get("action")),
        json!(about.get("server")),
        json!(about.get("call")),
        json!(record.get("review").and_then(Value::as_str).and_then(ReviewId::parse).map(dashed)),
        json!(latency),
        json!(hex(&row.prev)),
        json!(hex(&row.hash)),
    ];
    let more = OF_CLIENTS.iter().filter_map(|name| Some(((*name).to_owned(), about.get(*name)?.clone())));
    COLUMNS.iter().map(|column| (*column).to_owned()).zip(values).chain(more).collect()
}

fn table(events: &[Map<String, Value>]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    for event in events {
        table.write_record(COLUMNS.map(|column| cell(event.get(column))))?;
    }
    table.into_inner().map_err(|error| error.into_error().into())
}

/// A spreadsheet takes a cell that begins with one of these for a formula.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"] {
            assert_eq!(cell(Some(&json!(text))), format!("'{text}"));
        }
        assert_eq!(cell(Some(&json!("a=1"))), "a=1");
        assert_eq!(cell(Some(&json!(7))), "7");
        assert_eq!(cell(None), "");
    }
}
