//! `GET /mgmt/v1/webhooks/deliveries`: what became of events.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::domain::Failure;
use crate::plane::Plane;

/// Newest events that are looked through.
const MOST: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    status: Option<String>,
}

/// Newest first; with `?status=` those that are `waiting`, `delivered` or `parked`.
pub(crate) async fn list(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Failure> {
    if asked.status.as_deref().is_some_and(|status| !["waiting", "delivered", "parked"].contains(&status)) {
        return Err(Failure::Malformed("`status` must be `waiting`, `delivered` or `parked`".to_owned()));
    }
    let rows = plane.tenant(&caller.tenant)?.archive.deliveries(&caller.tenant, MOST)?;
    let shown = rows.iter().map(|row| {
        json!({
            "id": row.id,
            "event": row.event,
            "url": row.url,
            "role_id": row.role_id,
            "status": row.state,
            "attempts": row.attempts,
            "created_at": row.created_at,
            "last_attempt_at": (row.attempts > 0).then_some(row.at),
            "result": row.last,
        })
    });
    let wanted =
        |row: &Value| asked.status.as_ref().is_none_or(|status| row.get("status") == Some(&json!(status)));
    Ok(Json(json!({ "deliveries": shown.filter(wanted).collect::<Vec<_>>() })))
}
