//! A record of the log in this dialect's words.

use scopegate_core::{DenyCode, ReviewId};
use serde_json::{Map, Value, json};

use super::super::approvals::dashed;
use crate::audit::hex;
use crate::domain::Exported;

/// The members of an event, and the columns of the table.
pub(super) const COLUMNS: [&str; 18] = [
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

/// A record in this dialect's words.
pub(super) fn event(exported: &Exported) -> Map<String, Value> {
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

/// A spreadsheet takes a cell that begins with one of these for a formula.
pub(super) fn cell(value: Option<&Value>) -> String {
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
