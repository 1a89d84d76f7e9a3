//! `/v1/sessions` and those who act in them: looked at, ended, suspended.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use scopegate_core::Timestamp;
use serde_json::{Value, json};

use super::provision::session_id;
use crate::auth::Caller;
use crate::domain::{Failure, Tenant};
use crate::keys::Kind;
use crate::plane::Plane;
use crate::store::SessionRow;

pub(crate) async fn revoke(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let session = session_id(&id).ok_or(Failure::Unknown("session"))?;
    let tenant = plane.tenant(&caller.tenant)?;
    tenant.end_session(&caller, session, reason(query.as_deref()), plane.now()).await?;
    Ok(Json(json!({ "revoked": true, "session_id": session })))
}

/// Sessions that are not long over, newest first.
pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Json<Value>, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    let mut sessions = tenant.book.sessions();
    sessions.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
    let now = plane.now();
    let shown: Vec<Value> = sessions.iter().map(|session| show(&tenant, session, now)).collect();
    Ok(Json(json!({ "sessions": shown })))
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    let session = session_id(&id).and_then(|id| tenant.book.session(id));
    let session = session.filter(|session| caller.kind != Kind::Agent || session.key == caller.key);
    Ok(Json(show(&tenant, &*session.ok_or(Failure::Unknown("session"))?, plane.now())))
}

/// Stops everyone who acts for an owner, now and later.
pub(crate) async fn suspend(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(owner): Path<String>,
) -> Result<Json<Value>, Failure> {
    plane.tenant(&caller.tenant)?.suspend(owner.as_str().into(), true).await?;
    Ok(Json(json!({ "owner": owner, "suspended": true })))
}

pub(crate) async fn readmit(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(owner): Path<String>,
) -> Result<Json<Value>, Failure> {
    plane.tenant(&caller.tenant)?.suspend(owner.as_str().into(), false).await?;
    Ok(Json(json!({ "owner": owner, "suspended": false })))
}

fn show(tenant: &Tenant, session: &SessionRow, now: Timestamp) -> Value {
    let view = tenant.enforcer.session(session.id);
    let status = match &session.end {
        Some(end) if end.revoked => "revoked",
        Some(_) => "ended",
        None if now >= session.expires_at => "expired",
        None if view.as_ref().is_some_and(|view| view.revoked) => "revoked",
        None if view.as_ref().is_some_and(|view| view.suspended) => "suspended",
        None => "active",
    };
    json!({
        "session_id": session.id,
        "status": status,
        "key": session.key,
        "owner": session.owner,
        "role_id": session.role_id,
        "role_name": session.role,
        "task_type": session.task_type,
        "framework": session.framework,
        "parent_session_id": session.parent,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
        "ended_at": session.end.as_ref().map(|end| end.at),
        "reason": session.end.as_ref().map(|end| end.reason.clone()),
    })
}

/// `reason` comes unencoded, so everything behind it belongs to it.
fn reason(query: Option<&str>) -> String {
    let raw = query.and_then(|query| query.strip_prefix("reason=")).unwrap_or("MANUAL");
    percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn a_reason_is_whatever_stands_there() {
        for (query, expected) in [
            (None, "MANUAL"),
            (Some(""), "MANUAL"),
            (Some("other=1"), "MANUAL"),
            (Some("reason=task_completed"), "task_completed"),
            (Some("reason=task%20completed%20&%20done=1"), "task completed & done=1"),
        ] {
            assert_eq!(reason(query), expected, "{query:?}");
        }
    }
}
