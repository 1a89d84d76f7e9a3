//! `POST /v1/sessions/{id}/rate`: calls that are counted before they are made.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use scopegate_core::SessionId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::{Failure, LEASE};
use crate::plane::Plane;

/// Nothing to say: how much is lent is the plane's to decide.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {}

pub(crate) async fn lend(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Json<Value>, Failure> {
    let Order {} = super::read(body)?;
    let session = SessionId::parse(&id).ok_or(Failure::Unknown("session"))?;
    let lent = plane.tenant(&caller.tenant)?.lend_rate(&caller, session).await?;
    Ok(Json(json!({
        "calls": lent.calls,
        "version": lent.version,
        "lease_ms": LEASE.as_millis() as u64,
    })))
}
