//! `/mgmt/v1/roles`: what agents may do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body::Object;
use super::role;
use crate::auth::Caller;
use crate::domain::{Failure, RoleDocument};
use crate::extract::{Path, Query};
use crate::plane::Plane;

#[derive(Debug, Deserialize)]
pub(crate) struct ByName {
    name: Option<String>,
}

/// Something that is over.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    pub(super) deleted: bool,
}

/// All roles, or with `?name=` that one alone.
pub(crate) async fn list(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(by): Query<ByName>,
) -> Result<Json<Value>, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    Ok(Json(match by.name {
        Some(name) => show(&*tenant.role(&name)?),
        None => {
            let roles: Vec<Value> = tenant.roles().iter().map(|role| show(role)).collect();
            json!({ "roles": roles })
        }
    }))
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(show(&*plane.tenant(&caller.tenant)?.role(&role)?)))
}

pub(crate) async fn create(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    let role = tenant.create_role(&role::flat(body)?, plane.guard(), plane.now()).await?;
    Ok((StatusCode::CREATED, Json(show(&role))).into_response())
}

/// Changes the members that the body has.
pub(crate) async fn update(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
    Object(body): Object,
) -> Result<Json<Value>, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    Ok(Json(show(&*tenant.update_role(&role, &role::flat(body)?, plane.guard(), plane.now()).await?)))
}

pub(crate) async fn delete(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
) -> Result<Json<Deleted>, Failure> {
    plane.tenant(&caller.tenant)?.delete_role(&role, plane.now()).await?;
    Ok(Json(Deleted { deleted: true }))
}

fn show(document: &RoleDocument) -> Value {
    let mut shown = role::show(&document.written);
    shown.insert("id".to_owned(), json!(document.id));
    shown.insert("name".to_owned(), json!(document.name));
    shown.insert("version".to_owned(), json!(document.version));
    shown.insert("created_at".to_owned(), json!(document.created_at));
    shown.insert("updated_at".to_owned(), json!(document.updated_at));
    Value::Object(shown)
}
