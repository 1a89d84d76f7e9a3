//! `POST /v1/provision`: a session for an agent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use scopegate_core::SessionId;
use serde_json::json;

use super::body::Object;
use crate::auth::Caller;
use crate::dialect::native;
use crate::domain::member::{Invalid, flag, name, opt_name, text, whole};
use crate::domain::{Failure, Order};
use crate::plane::Plane;

pub(crate) async fn provision(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let parent = match opt_name(&body, "parent_session_id")? {
        None => None,
        Some(id) => Some(session_id(&id).ok_or(Failure::Unknown("session"))?),
    };
    let order = Order {
        role: name(&body, "role_id")?,
        ttl: ttl(&body)?,
        task_type: text(&body, "task_type")?.unwrap_or_default(),
        framework: text(&body, "framework")?.unwrap_or_default(),
        parent,
    };
    let with_scope = flag(&body, "scope")?.unwrap_or(false);
    let (tenant, now) = (plane.tenant(&caller.tenant)?, plane.now());
    let opened = tenant.provision(&caller, order, now).await?;
    let session = &opened.session;
    let mut body = json!({
        "jwt": plane.sign(session),
        "session_id": session.id,
        "expires_at": session.expires_at,
        "role_id": opened.role.id,
        "role_name": opened.role.name,
        "ttl_seconds": session.created_at.until(session.expires_at).as_secs(),
    });
    if with_scope {
        native::add_scope(&mut body, &tenant.lend(&caller, session.id)?, now);
    }
    Ok(Json(body).into_response())
}

/// `requested_ttl`, in seconds: absent, null or 0 for what the role says.
fn ttl(body: &serde_json::Map<String, serde_json::Value>) -> Result<u64, Invalid> {
    let invalid = || Invalid::new("requested_ttl", "must be a whole number of seconds, at least 0");
    whole(body, "requested_ttl").map_err(|_| invalid())
}

/// Session ids are shown as 32 hexadecimal digits; dashes of a UUID are ignored.
pub(super) fn session_id(text: &str) -> Option<SessionId> {
    SessionId::parse(text).or_else(|| SessionId::parse(&text.replace('-', "")))
}
