//! `GET /v1/sessions/{id}/scope`: all that it takes to decide a session's calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use scopegate_core::{SessionId, Timestamp};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::domain::{Failure, LEASE, Lent};
use crate::plane::Plane;

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let session = SessionId::parse(&id).ok_or(Failure::Unknown("session"))?;
    let now = plane.now();
    let lent = plane.tenant(&caller.tenant)?.lend(&caller, session)?;
    Ok(Json(show(&lent, now)))
}

/// Puts the scope of a new session beside its token.
pub(in crate::dialect) fn add_scope(body: &mut Value, lent: &Lent, now: Timestamp) {
    if let Some(body) = body.as_object_mut() {
        body.insert("scope".to_owned(), show(lent, now));
    }
}

/// `roles` is null when the plane decides every call of the session.
fn show(lent: &Lent, now: Timestamp) -> Value {
    json!({
        "session_id": lent.session.id,
        "owner": lent.owner(),
        "expires_at": lent.session.expires_at,
        "version": lent.version,
        "roles": lent.roles,
        "epoch": lent.epoch,
        "lease_ms": LEASE.as_millis() as u64,
        "now": now,
    })
}
