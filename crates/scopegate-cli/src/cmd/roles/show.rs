//! Roles as they stand.

use scopegate_client::RoleView;
use serde_json::Value;

use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{Output, listing};
use crate::reveal::reveal;

pub(super) fn list(plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
    let roles = plane.ask(plane.client.list_roles())?;
    if output.is_json() {
        for role in &roles {
            output.json(role)?;
        }
        return Ok(Exit::Ok);
    }
    let mut table = listing(["role", "tools", "a person agrees to", "inherits", "version", "changed"]);
    for role in &roles {
        let parent = role.members.get("parent_role_id").and_then(Value::as_str).unwrap_or_default();
        let parent = roles.iter().find(|role| role.id == parent).map_or(parent, |role| &role.name);
        table.add_row([
            reveal(&role.name),
            tools(role),
            names(role, "approval_required"),
            reveal(parent),
            role.version.to_string(),
            role.updated_at.to_string(),
        ]);
    }
    output.page(table)?;
    Ok(Exit::Ok)
}

pub(super) fn get(plane: &Plane, name: &str, output: &mut Output) -> Result<Exit, Failure> {
    let role = plane.ask(plane.client.get_role(name))?;
    if output.is_json() {
        output.json(&role)?;
        return Ok(Exit::Ok);
    }
    let set = role.members.iter().filter(|(member, value)| is_set(value) && *member != "data_scope");
    let lines: Vec<String> = set.map(|(member, value)| reveal(&format!("{member}: {value}"))).collect();
    output.page(lines.join("\n"))?;
    Ok(Exit::Ok)
}

/// Those that it lists, and patterns of others.
fn tools(role: &RoleView) -> String {
    let both = [names(role, "allowed_tools"), names(role, "allowed_actions")];
    both.into_iter().filter(|names| !names.is_empty()).collect::<Vec<_>>().join(", ")
}

fn names(role: &RoleView, member: &str) -> String {
    let names = role.members.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(reveal).collect::<Vec<_>>().join(", ")
}

/// Whether a member says anything.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}
