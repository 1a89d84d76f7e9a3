//! `/enforce/roles`: what agents may do, by the types of their actions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{Name, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::shapes::AgentShown;
use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::member::{Invalid, name};
use crate::domain::{Failure, RoleDocument};
use crate::extract::Path;
use crate::openapi::DateTime;
use crate::plane::Plane;

/// A role.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernRole")]
pub(super) struct RoleShown {
    role_id: Name,
    name: Name,
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    /// Patterns of what it allows.
    allowed_action_types: Vec<Name>,
    /// Patterns of what it denies, whatever allows it.
    denied_action_types: Vec<Name>,
    /// Restricts nothing and allows nothing.
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_trust_level: Option<u64>,
    /// The name of a role whose action types it gains.
    #[serde(skip_serializing_if = "Option::is_none")]
    inherits_from: Option<Name>,
    version: u64,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    updated_at: Timestamp,
}

/// One role.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernOneRole")]
pub(super) struct One {
    ok: bool,
    role: RoleShown,
}

/// All roles, by name.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernRoles")]
pub(super) struct Many {
    ok: bool,
    roles: Vec<RoleShown>,
    total: usize,
}

/// A role and an agent that has it now, or has it no more.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernAssigned")]
pub(super) struct Assigned {
    ok: bool,
    role: RoleShown,
    agent: AgentShown,
}

/// The agents that have a role.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernRoleAgents")]
pub(super) struct Holders {
    ok: bool,
    role_id: Name,
    agents: Vec<AgentShown>,
}

/// A role that is over.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernRoleDeleted")]
pub(super) struct Deleted {
    ok: bool,
    deleted: bool,
}

/// How a member here is called where roles are written.
const MEMBERS: &[(&str, &str)] = &[
    ("name", "name"),
    ("description", "description"),
    ("allowed_action_types", "allowed_actions"),
    ("denied_action_types", "denied_actions"),
    ("scopes", "scopes"),
    ("min_trust_level", "min_trust_level"),
    ("inherits_from", "parent_role_id"),
];

pub(crate) async fn create(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let written = written(body)?;
    let role = plane.tenant(&caller.tenant)?.create_role(&written, plane.guard(), plane.now()).await?;
    Ok((StatusCode::CREATED, Json(One { ok: true, role: show(&role) })).into_response())
}

pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Response, Failure> {
    let roles: Vec<_> = plane.tenant(&caller.tenant)?.roles().iter().map(|role| show(role)).collect();
    Ok(Json(Many { ok: true, total: roles.len(), roles }).into_response())
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
) -> Result<Response, Failure> {
    let role = plane.tenant(&caller.tenant)?.role(&role)?;
    Ok(Json(One { ok: true, role: show(&role) }).into_response())
}

/// Changes the members that the body has; null resets one.
pub(crate) async fn update(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let mut written = written(body)?;
    if written.contains_key("allowed_actions") {
        // What is shown as one list is replaced as one.
        written.insert("allowed_tools".to_owned(), Value::Null);
    }
    let tenant = plane.tenant(&caller.tenant)?;
    let role = tenant.update_role(&role, &written, plane.guard(), plane.now()).await?;
    Ok(Json(One { ok: true, role: show(&role) }).into_response())
}

pub(crate) async fn delete(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
) -> Result<Response, Failure> {
    plane.tenant(&caller.tenant)?.delete_role(&role, plane.now()).await?;
    Ok(Json(Deleted { ok: true, deleted: true }).into_response())
}

pub(crate) async fn assign(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let agent = agent(&body)?;
    let tenant = plane.tenant(&caller.tenant)?;
    let (role, agent) = tenant.assign_role(&role, &agent, plane.now()).await?;
    Ok(Json(Assigned { ok: true, role: show(&role), agent: (&agent).into() }).into_response())
}

pub(crate) async fn unassign(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let agent = agent(&body)?;
    let tenant = plane.tenant(&caller.tenant)?;
    let (role, agent) = tenant.unassign_role(&role, &agent, plane.now()).await?;
    Ok(Json(Assigned { ok: true, role: show(&role), agent: (&agent).into() }).into_response())
}

pub(crate) async fn agents(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(role): Path<String>,
) -> Result<Response, Failure> {
    let (role, agents) = plane.tenant(&caller.tenant)?.role_agents(&role)?;
    let agents = agents.iter().map(AgentShown::from).collect();
    Ok(Json(Holders { ok: true, role_id: role.id.clone(), agents }).into_response())
}

fn agent(body: &Map<String, Value>) -> Result<Name, Failure> {
    if let Some(unknown) = body.keys().find(|member| *member != "agent_id") {
        return Err(Invalid::new(unknown, "is not known").into());
    }
    Ok(name(body, "agent_id")?)
}

/// The role as it is written elsewhere. What is not known is refused: it could be meant to restrict.
fn written(body: Map<String, Value>) -> Result<Map<String, Value>, Invalid> {
    let mut written = Map::new();
    for (member, value) in body {
        let known = MEMBERS.iter().find(|(here, _)| *here == member);
        let (_, there) = known.ok_or_else(|| Invalid::new(&member, "is not known"))?;
        if member == "scopes" && !is_texts(&value) {
            return Err(Invalid::new("scopes", "must be a list of texts"));
        }
        written.insert((*there).to_owned(), value);
    }
    Ok(written)
}

fn is_texts(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().all(Value::is_string),
        _ => false,
    }
}

fn show(document: &RoleDocument) -> RoleShown {
    let role = document.enforced();
    let scopes = document.written.get("scopes").cloned().unwrap_or_else(|| json!([]));
    RoleShown {
        role_id: document.id.clone(),
        name: document.name.clone(),
        description: role.description,
        allowed_action_types: role.allowed_tools.into_iter().chain(role.allowed_actions).collect(),
        denied_action_types: role.denied_actions,
        scopes: serde_json::from_value(scopes).unwrap_or_default(),
        min_trust_level: role.min_trust_level,
        inherits_from: role.parent_role_id,
        version: document.version,
        created_at: document.created_at,
        updated_at: document.updated_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_a_role_is_refused() {
        let read = |body: Value| {
            let Value::Object(body) = body else { panic!("{body}") };
            written(body).map_err(|error| error.to_string())
        };
        let seed = json!({ "name": "r", "allowed_action_types": ["*.read"], "denied_action_types": ["send"],
            "min_trust_level": 40, "inherits_from": null, "scopes": ["x"] });
        let written = json!({ "name": "r", "allowed_actions": ["*.read"], "denied_actions": ["send"],
            "min_trust_level": 40, "parent_role_id": null, "scopes": ["x"] });
        assert_eq!(Value::Object(read(seed).unwrap()), written);
        for (body, said) in [
            (json!({ "allowed_actions": ["*"] }), "`allowed_actions` is not known"),
            (json!({ "conditions": {} }), "`conditions` is not known"),
            (json!({ "scopes": "x" }), "`scopes` must be a list of texts"),
            (json!({ "scopes": [7] }), "`scopes` must be a list of texts"),
        ] {
            assert_eq!(read(body).unwrap_err(), said);
        }
    }
}
