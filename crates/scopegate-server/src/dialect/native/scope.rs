//! `GET /v1/sessions/{id}/scope`: all that it takes to decide a session's calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use scopegate_core::{Name, Role, SessionId, Timestamp};
use serde::Serialize;

use crate::auth::Caller;
use crate::domain::{Failure, LEASE, Lent};
use crate::extract::Path;
use crate::openapi::DateTime;
use crate::plane::Plane;
use crate::store::Epoch;

/// All that it takes to decide a session's calls, lent for a while.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Scope {
    #[schemars(with = "String")]
    session_id: SessionId,
    owner: Name,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    /// Changes with the role and its parents.
    version: u64,
    /// The role, then its parents; null when the plane decides every call of the session.
    roles: Option<Vec<Role>>,
    epoch: Epoch,
    /// How long it may be decided on, from the moment the request left.
    lease_ms: u64,
    #[schemars(with = "DateTime")]
    now: Timestamp,
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Scope>, Failure> {
    let session = SessionId::parse(&id).ok_or(Failure::Unknown("session"))?;
    let now = plane.now();
    let lent = plane.tenant(&caller.tenant)?.lend(&caller, session)?;
    Ok(Json(show_scope(&lent, now)))
}

/// Also beside the token of a new session.
pub(in crate::dialect) fn show_scope(lent: &Lent, now: Timestamp) -> Scope {
    Scope {
        session_id: lent.session.id,
        owner: lent.owner().clone(),
        expires_at: lent.session.expires_at,
        version: lent.version,
        roles: lent.roles.clone(),
        epoch: lent.epoch,
        lease_ms: LEASE.as_millis() as u64,
        now,
    }
}
