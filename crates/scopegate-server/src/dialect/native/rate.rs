//! `POST /v1/sessions/{id}/rate`: calls that are counted before they are made.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use scopegate_core::SessionId;
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::{Failure, LEASE};
use crate::extract::Path;
use crate::plane::Plane;

/// Nothing to say: how much is lent is the plane's to decide.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RateOrder")]
pub(super) struct Order {}

/// Calls that were counted before they are made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rate {
    calls: u64,
    /// The version of the role whose limits counted them.
    version: u64,
    /// How long they may be made, from the moment the request left.
    lease_ms: u64,
}

pub(crate) async fn lend(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Json<Rate>, Failure> {
    let Order {} = super::read(body)?;
    let session = SessionId::parse(&id).ok_or(Failure::Unknown("session"))?;
    let lent = plane.tenant(&caller.tenant)?.lend_rate(&caller, session).await?;
    let lease_ms = LEASE.as_millis() as u64;
    Ok(Json(Rate { calls: lent.calls, version: lent.version, lease_ms }))
}
