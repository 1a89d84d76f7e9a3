//! Where a role that stands differs from one that is wanted.

use serde::Serialize;
use serde_json::{Value, json};

use super::{RoleDraft, RoleView};

/// A member of a role that stands, and what it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RoleChange {
    /// Its name.
    pub member: String,
    /// As it stands; null when it is unset.
    pub before: Value,
    /// As it should be; null for unset.
    pub after: Value,
}

impl RoleView {
    /// What of the draft this role is not yet. `name_of` finds the name of a role by its id: a parent may
    /// be written as either.
    pub fn changes<'a>(
        &'a self,
        draft: &'a RoleDraft,
        name_of: impl Fn(&str) -> Option<&'a str>,
    ) -> Vec<RoleChange> {
        let named = |member: &str, value: &Value| match (member, value.as_str().and_then(&name_of)) {
            ("parent_role_id", Some(name)) => json!(name),
            _ => value.clone(),
        };
        let stands =
            |member: &str| self.members.get(member).map_or(Value::Null, |value| named(member, value));
        let pairs =
            draft.members().iter().map(|(member, after)| (member, stands(member), named(member, after)));
        differing(pairs)
    }

    /// What the draft says, where there is no role yet.
    pub fn changes_from_nothing(draft: &RoleDraft) -> Vec<RoleChange> {
        let said = draft.members().iter().filter(|(member, _)| *member != "name");
        differing(said.map(|(member, after)| (member, Value::Null, after.clone())))
    }
}

fn differing<'a>(pairs: impl Iterator<Item = (&'a String, Value, Value)>) -> Vec<RoleChange> {
    let pairs = pairs.map(|(member, before, after)| (member, meant(member, before), meant(member, after)));
    let differing = pairs.filter(|(_, before, after)| !same(before, after));
    differing.map(|(member, before, after)| RoleChange { member: member.clone(), before, after }).collect()
}

/// The value that stands for all that mean the same: a member that is unset means its default.
fn meant(member: &str, value: Value) -> Value {
    let unset = match &value {
        Value::Null => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) => false,
    };
    match member {
        _ if !unset => value,
        "env_optional" | "rows_optional" => json!(true),
        "rate_scope" => json!("session"),
        "record_arguments" => json!("omit"),
        "consistency" => json!("leased"),
        "default_ttl_seconds" => json!(3600),
        "approval_ttl_seconds" => json!(900),
        "approval_by" => json!("reviewer"),
        _ => Value::Null,
    }
}

/// Equal, numbers by value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stands: Value, wanted: Value, changed: &[&str]) {
        let mut members =
            json!({ "id": "1", "name": "r", "version": 1, "updated_at": "2026-11-21T06:16:00.000Z" });
        members.as_object_mut().unwrap().extend(stands.as_object().unwrap().clone());
        let view: RoleView = serde_json::from_value(members).unwrap();
        let draft = RoleDraft::from(wanted.as_object().unwrap().clone());
        let changes = view.changes(&draft, |id| (id == "id-of-base").then_some("base"));
        let names: Vec<&str> = changes.iter().map(|change| change.member.as_str()).collect();
        assert_eq!(names, changed, "{stands} {wanted}");
    }

    #[test]
    fn only_what_means_something_else_is_a_change() {
        check(json!({}), json!({}), &[]);
        check(json!({ "allowed_tools": ["a"] }), json!({ "allowed_tools": ["a"] }), &[]);
        check(json!({ "allowed_tools": ["a"] }), json!({ "allowed_tools": ["a", "b"] }), &["allowed_tools"]);
        check(json!({ "allowed_tools": ["a"] }), json!({ "allowed_tools": null }), &["allowed_tools"]);
        check(
            json!({ "max_rows": 0, "description": "" }),
            json!({ "max_rows": null, "description": null }),
            &[],
        );
        check(json!({ "default_ttl_seconds": 3600 }), json!({ "default_ttl_seconds": null }), &[]);
        check(
            json!({ "default_ttl_seconds": 60 }),
            json!({ "default_ttl_seconds": null }),
            &["default_ttl_seconds"],
        );
        check(json!({ "webhook_url": "https://x" }), json!({ "max_rows": 1 }), &["max_rows"]);
    }

    #[test]
    fn the_defaults_are_those_of_the_plane() {
        check(json!({}), json!({ "env_optional": false, "rows_optional": true }), &["env_optional"]);
        check(json!({ "env_optional": false }), json!({ "env_optional": false }), &[]);
        check(json!({}), json!({ "rate_scope": "key" }), &["rate_scope"]);
        check(json!({}), json!({ "rate_scope": "session" }), &[]);
    }

    #[test]
    fn one_thing_in_two_spellings_is_one_thing() {
        let limit = |value: Value| json!({ "parameter_constraints": { "t": [{ "field": "n", "operator": "lt", "value": value }] } });
        check(limit(json!(10)), limit(json!(10.0)), &[]);
        check(limit(json!(10)), limit(json!(11)), &["parameter_constraints"]);
        check(json!({ "parent_role_id": "id-of-base" }), json!({ "parent_role_id": "base" }), &[]);
        check(
            json!({ "parent_role_id": "id-of-base" }),
            json!({ "parent_role_id": "other" }),
            &["parent_role_id"],
        );
    }
}
