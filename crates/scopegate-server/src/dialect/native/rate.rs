//! `POST /v1/sessions/{id}/rate`: calls that are counted before they are made.

use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dialect::scopebound::body::Object;
use crate::dialect::session::OfSession;
use crate::domain::{Failure, LEASE};

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
    OfSession { tenant, caller, id }: OfSession,
    Object(body): Object,
) -> Result<Json<Rate>, Failure> {
    let Order {} = super::read(body)?;
    let lent = tenant.lend_rate(&caller, id).await?;
    let lease_ms = LEASE.as_millis() as u64;
    Ok(Json(Rate { calls: lent.calls, version: lent.version, lease_ms }))
}
