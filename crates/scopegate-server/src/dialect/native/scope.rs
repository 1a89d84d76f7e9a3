//! `GET /v1/sessions/{id}/scope`: all that it takes to decide a session's calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use scopegate_core::{Name, Role, SessionId, Timestamp};
use serde::Serialize;

use crate::dialect::session::OfSession;
use crate::domain::{Failure, LEASE, Lent};
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
    OfSession { tenant, caller, id }: OfSession,
) -> Result<Json<Scope>, Failure> {
    let now = plane.now();
    Ok(Json(show_scope(&tenant.lend(&caller, id)?, now)))
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
