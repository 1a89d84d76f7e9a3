//! `/enforce/agents/{id}/credentials` and `/enforce/credentials`: what agents prove themselves with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::draft::lifetime;
use super::shapes::CredentialShown;
use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::Failure;
use crate::domain::member::{Invalid, text, whole};
use crate::extract::Path;
use crate::plane::Plane;

/// One credential.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernOneCredential")]
pub(super) struct One {
    ok: bool,
    credential: CredentialShown,
}

/// Credentials of an agent that are not long over, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernCredentials")]
pub(super) struct Many {
    ok: bool,
    credentials: Vec<CredentialShown>,
}

pub(crate) async fn list(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
) -> Result<Response, Failure> {
    let (now, rows) = (plane.now(), plane.tenant(&caller.tenant)?.credentials(&caller, &agent)?);
    let credentials = rows.iter().map(|row| CredentialShown::of(row, now)).collect();
    Ok(Json(Many { ok: true, credentials }).into_response())
}

pub(crate) async fn active(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
) -> Result<Response, Failure> {
    let now = plane.now();
    let row = plane.tenant(&caller.tenant)?.active_credential(&caller, &agent, now)?;
    Ok(Json(One { ok: true, credential: CredentialShown::of(&row, now) }).into_response())
}

pub(crate) async fn issue(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    only(&body, &["credential_ttl_days"])?;
    let (lifetime, now) = (lifetime(&body)?, plane.now());
    let issued = plane.tenant(&caller.tenant)?.issue_credential(&agent, lifetime, now).await?;
    let told = One { ok: true, credential: CredentialShown::new(&issued, now) };
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

pub(crate) async fn rotate(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    only(&body, &["reason", "credential_ttl_days", "grace_seconds"])?;
    let (lifetime, reason, now) = (lifetime(&body)?, text(&body, "reason")?, plane.now());
    let grace = match body.get("grace_seconds") {
        None | Some(Value::Null) => None,
        Some(_) => Some(whole(&body, "grace_seconds")?),
    };
    let tenant = plane.tenant(&caller.tenant)?;
    let issued = tenant.rotate_credential(&agent, lifetime, grace, reason, now).await?;
    let told = One { ok: true, credential: CredentialShown::new(&issued, now) };
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

pub(crate) async fn revoke(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    only(&body, &["reason"])?;
    let (reason, now) = (text(&body, "reason")?, plane.now());
    let row = plane.tenant(&caller.tenant)?.revoke_credential(&id, reason, now).await?;
    Ok(Json(One { ok: true, credential: CredentialShown::of(&row, now) }).into_response())
}

fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Invalid> {
    match body.keys().find(|member| !known.contains(&member.as_str())) {
        Some(unknown) => Err(Invalid::new(unknown, "is not known")),
        None => Ok(()),
    }
}
