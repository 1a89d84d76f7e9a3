//! What would have to change on a plane for its roles to be those of a policy file.

use std::collections::{BTreeMap, BTreeSet};

use scopegate_client::{RoleChange, RoleDraft, RoleView};
use scopegate_core::{Name, Role};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::Failure;
use crate::output::Output;
use crate::reveal::reveal;

/// What is to be done about one role of the file.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) role: Name,
    pub(super) action: What,
    pub(super) changes: Vec<RoleChange>,
    #[serde(skip)]
    pub(super) draft: RoleDraft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    Create,
    Change,
    Keep,
}

/// The steps, in an order in which every parent comes before its children.
pub(super) fn plan(file: &[Role], on_plane: &[RoleView]) -> Result<Vec<Step>, Failure> {
    let by_name: BTreeMap<&str, &RoleView> = on_plane.iter().map(|role| (role.name.as_str(), role)).collect();
    parents_first(file)
        .into_iter()
        .map(|role| step(role, by_name.get(role.name.as_str()), on_plane))
        .collect()
}

fn step(role: &Role, stands: Option<&&RoleView>, on_plane: &[RoleView]) -> Result<Step, Failure> {
    let wanted = RoleDraft::of(role).map_err(Failure::no_answer)?;
    let Some(stands) = stands else {
        let changes = RoleView::changes_from_nothing(&wanted);
        return Ok(Step { role: role.name.clone(), action: What::Create, changes, draft: wanted });
    };
    let changes = stands
        .changes(&wanted, |id| on_plane.iter().find(|role| role.id == id).map(|role| role.name.as_str()));
    // Only what differs is written: what somebody else changes meanwhile stays.
    let draft = changes.iter().fold(RoleDraft::new(), |draft, change| {
        draft.with(change.member.as_str(), wanted.members().get(&change.member).cloned().unwrap_or_default())
    });
    let action = if changes.is_empty() { What::Keep } else { What::Change };
    Ok(Step { role: role.name.clone(), action, changes, draft })
}

/// A policy has no cycles and no unknown parents: it was checked when it was read.
fn parents_first(roles: &[Role]) -> Vec<&Role> {
    let mut ordered: Vec<&Role> = Vec::with_capacity(roles.len());
    let mut left: Vec<&Role> = roles.iter().collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|role| {
            let waits = role
                .parent_role_id
                .as_ref()
                .is_some_and(|parent| !ordered.iter().any(|done| done.name == *parent));
            if !waits {
                ordered.push(role);
            }
            waits
        });
        if left.len() == before {
            // The plane will say what is wrong with these.
            ordered.append(&mut left);
        }
    }
    ordered
}

/// Shows what would be done.
pub(super) fn tell(steps: &[Step], output: &mut Output) -> Result<(), Failure> {
    for step in steps {
        if output.is_json() {
            output.json(step)?;
            continue;
        }
        let name = reveal(&step.role);
        output.line(match step.action {
            What::Create => format!("+ make {name}"),
            What::Change => format!("~ change {name}"),
            What::Keep => format!("= keep {name}"),
        })?;
        for change in &step.changes {
            for line in lines(change) {
                output.line(format!("    {}", reveal(&line)))?;
            }
        }
    }
    Ok(())
}

/// A line for what becomes of a member; of an object, one for each of its own members that differ.
fn lines(change: &RoleChange) -> Vec<String> {
    let RoleChange { member, before, after, .. } = change;
    let whole = || vec![line(member, before, after)];
    let (empty, nothing) = (Map::new(), Value::Null);
    let (before, after) = match (before, after) {
        (Value::Object(before), Value::Object(after)) => (before, after),
        (Value::Object(before), Value::Null) => (before, &empty),
        (Value::Null, Value::Object(after)) => (&empty, after),
        _ => return whole(),
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of = |members: &'_ Map<String, Value>, name: &String| members.get(name).unwrap_or(&nothing).clone();
    let pairs = names.into_iter().map(|name| (name, of(before, name), of(after, name)));
    pairs
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| line(&format!("{member}.{name}"), &before, &after))
        .collect()
}

fn line(member: &str, before: &Value, after: &Value) -> String {
    match (before, after) {
        (Value::Null, after) => format!("{member}: {after}"),
        (before, Value::Null) => format!("{member}: {before} -> unset"),
        (before, after) => format!("{member}: {before} -> {after}"),
    }
}
