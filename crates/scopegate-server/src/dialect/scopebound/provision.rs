//! `POST /v1/provision`: a session for an agent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use scopegate_core::{Name, SessionId, Timestamp};
use serde::Serialize;

use super::body::Object;
use crate::auth::Caller;
use crate::dialect::native;
use crate::dialect::session::session_id;
use crate::domain::member::{Invalid, flag, name, opt_name, opt_whole, text, whole};
use crate::domain::{Failure, Order};
use crate::openapi::DateTime;
use crate::plane::Plane;

/// A session for an agent, and the token that stands for it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Provisioned {
    jwt: String,
    #[schemars(with = "String")]
    session_id: SessionId,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    role_id: Name,
    role_name: Name,
    ttl_seconds: u64,
    /// How many calls may be permitted in it, for those who asked for a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_calls: Option<u64>,
    /// What deciding its calls takes, for those who asked with `scope: true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<native::Scope>,
}

pub(crate) async fn provision(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Json<Provisioned>, Failure> {
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
        max_calls: max_calls(&body)?,
    };
    let with_scope = flag(&body, "scope")?.unwrap_or(false);
    let (tenant, now) = (plane.tenant(&caller.tenant)?, plane.now());
    let opened = tenant.provision(&caller, order, now).await?;
    let session = &opened.session;
    let scope = match with_scope {
        true => Some(native::show_scope(&tenant.lend(&caller, session.id)?, now)),
        false => None,
    };
    Ok(Json(Provisioned {
        jwt: plane.sign(session)?,
        session_id: session.id,
        expires_at: session.expires_at,
        role_id: opened.role.id.clone(),
        role_name: opened.role.name.clone(),
        ttl_seconds: session.created_at.until(session.expires_at).as_secs(),
        max_calls: session.max_calls,
        scope,
    }))
}

/// `requested_ttl`, in seconds: absent, null or 0 for what the role says.
fn ttl(body: &serde_json::Map<String, serde_json::Value>) -> Result<u64, Invalid> {
    let invalid = || Invalid::new("requested_ttl", "must be a whole number of seconds, at least 0");
    whole(body, "requested_ttl").map_err(|_| invalid())
}

/// `max_calls`: absent or null for no limit. A limit of nothing is a mistake.
fn max_calls(body: &serde_json::Map<String, serde_json::Value>) -> Result<Option<u64>, Invalid> {
    let invalid = || Invalid::new("max_calls", "must be a whole number, at least 1");
    match opt_whole(body, "max_calls").map_err(|_| invalid())? {
        Some(0) => Err(invalid()),
        max_calls => Ok(max_calls),
    }
}
