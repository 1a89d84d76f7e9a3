//! `/v1/sessions` and those who act in them: looked at, ended, suspended.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use schemars::JsonSchema;
use scopegate_core::{Name, SessionId, Timestamp};
use serde::Serialize;

use crate::auth::Caller;
use crate::dialect::session::OfSession;
use crate::domain::{Failure, Tenant};
use crate::extract::Path;
use crate::keys::Kind;
use crate::openapi::DateTime;
use crate::plane::Plane;
use crate::store::SessionRow;

/// A session as it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Session {
    #[schemars(with = "String")]
    session_id: SessionId,
    status: SessionStatus,
    key: Name,
    owner: Name,
    role_id: Name,
    role_name: Name,
    task_type: String,
    framework: String,
    #[schemars(with = "Option<String>")]
    parent_session_id: Option<SessionId>,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    #[schemars(with = "Option<DateTime>")]
    ended_at: Option<Timestamp>,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SessionStatus {
    Active,
    Suspended,
    Revoked,
    Expired,
    Ended,
}

/// Sessions that are not long over, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Sessions {
    sessions: Vec<Session>,
}

/// A session that is over.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Revoked {
    revoked: bool,
    #[schemars(with = "String")]
    session_id: SessionId,
}

/// Everyone who acts for an owner.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Suspension {
    owner: String,
    suspended: bool,
}

pub(crate) async fn revoke(
    plane: State<Arc<Plane>>,
    OfSession { tenant, caller, id }: OfSession,
    RawQuery(query): RawQuery,
) -> Result<Json<Revoked>, Failure> {
    tenant.end_session(&caller, id, reason(query.as_deref()), plane.now()).await?;
    Ok(Json(Revoked { revoked: true, session_id: id }))
}

/// Sessions that are not long over, newest first.
pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Json<Sessions>, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    let mut sessions = tenant.book.sessions();
    sessions.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
    let now = plane.now();
    Ok(Json(Sessions { sessions: sessions.iter().map(|session| show(&tenant, session, now)).collect() }))
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    OfSession { tenant, caller, id }: OfSession,
) -> Result<Json<Session>, Failure> {
    let session =
        tenant.book.session(id).filter(|session| caller.kind != Kind::Agent || session.key == caller.key);
    Ok(Json(show(&tenant, &*session.ok_or(Failure::Unknown("session"))?, plane.now())))
}

/// Stops everyone who acts for an owner, now and later.
pub(crate) async fn suspend(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(owner): Path<String>,
) -> Result<Json<Suspension>, Failure> {
    plane.tenant(&caller.tenant)?.suspend(owner.as_str().into(), true).await?;
    Ok(Json(Suspension { owner, suspended: true }))
}

pub(crate) async fn readmit(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(owner): Path<String>,
) -> Result<Json<Suspension>, Failure> {
    plane.tenant(&caller.tenant)?.suspend(owner.as_str().into(), false).await?;
    Ok(Json(Suspension { owner, suspended: false }))
}

fn show(tenant: &Tenant, session: &SessionRow, now: Timestamp) -> Session {
    let view = tenant.enforcer.session(session.id);
    let status = match &session.end {
        Some(end) if end.revoked => SessionStatus::Revoked,
        Some(_) => SessionStatus::Ended,
        None if now >= session.expires_at => SessionStatus::Expired,
        None if view.as_ref().is_some_and(|view| view.revoked) => SessionStatus::Revoked,
        None if view.as_ref().is_some_and(|view| view.suspended) => SessionStatus::Suspended,
        None => SessionStatus::Active,
    };
    Session {
        session_id: session.id,
        status,
        key: session.key.clone(),
        owner: session.owner.clone(),
        role_id: session.role_id.clone(),
        role_name: session.role.clone(),
        task_type: session.task_type.clone(),
        framework: session.framework.clone(),
        parent_session_id: session.parent,
        created_at: session.created_at,
        expires_at: session.expires_at,
        ended_at: session.end.as_ref().map(|end| end.at),
        reason: session.end.as_ref().map(|end| end.reason.clone()),
    }
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
