//! A role of a policy file, in the plane's words. It must mean there what it means in a process: where
//! the two spell one thing differently, or take another default, it is spelled out.

use std::collections::BTreeMap;

use scopegate_core::{Alternative, Constraint, Name, Operator, Role, WhenAbsent};
use serde_json::{Map, Value};

use super::RoleDraft;

/// The members that a policy file has. One that is unset there is reset on the plane.
const MEMBERS: &[&str] = &[
    "description",
    "allowed_tools",
    "allowed_actions",
    "denied_actions",
    "parent_role_id",
    "parameter_constraints",
    "allowed_envs",
    "env_optional",
    "max_rows",
    "rows_optional",
    "allowed_hours_start",
    "allowed_hours_end",
    "allowed_days",
    "rate_limit_per_minute",
    "rate_limit_per_hour",
    "rate_scope",
    "approval_required",
    "approval_unless",
    "approval_ttl_seconds",
    "approval_by",
    "max_delegation_depth",
    "default_ttl_seconds",
    "allowed_credentials",
    "credential_mapping",
    "record_arguments",
    "consistency",
    "allowed_mcp_servers",
    "mcp_server_rate_limits",
    "redact_output",
    "min_trust_level",
];
/// Members that a policy file cannot have, so that they are left alone.
#[cfg(test)]
const ELSEWHERE: &[&str] = &["name", "webhook_url", "webhook_secret"];

impl RoleDraft {
    /// Everything that a policy file says of a role. Webhooks are not among it, and stay.
    ///
    /// # Errors
    /// When a value of the role cannot stand in JSON.
    pub fn of(role: &Role) -> Result<Self, serde_json::Error> {
        let mut plain = role.clone();
        for guards in [&mut plain.parameter_constraints, &mut plain.approval_unless] {
            spell_out(guards);
        }
        let mut members: Map<String, Value> = serde_json::from_value(serde_json::to_value(&plain)?)?;
        for member in MEMBERS {
            members.entry(*member).or_insert(Value::Null);
        }
        // On a plane these are otherwise true, true and `session`.
        members.insert("env_optional".to_owned(), role.env_optional.into());
        members.insert("rows_optional".to_owned(), role.rows_optional.into());
        members.insert("rate_scope".to_owned(), serde_json::to_value(role.rate_scope)?);
        Ok(Self::from(members))
    }
}

/// In a file all constraints of a tool must hold. A plane takes several `regex`, or several `eq`, on one
/// field for alternatives, unless each says that it is the only one.
fn spell_out(guards: &mut BTreeMap<Name, Vec<Constraint>>) {
    for constraints in guards.values_mut() {
        let plain: Vec<_> = constraints.iter().filter_map(plain).collect();
        let several = |one: &Constraint| {
            let kind = self::plain(one);
            kind.is_some() && plain.iter().filter(|other| Some(**other) == kind).count() > 1
        };
        let several: Vec<bool> = constraints.iter().map(several).collect();
        for (constraint, _) in constraints.iter_mut().zip(several).filter(|(_, several)| *several) {
            if let (Some(operator), Some(value)) = (constraint.operator.take(), constraint.value.take()) {
                constraint.any_of = vec![Alternative { operator, value }];
            }
        }
    }
}

/// The field and operator of a constraint that could be taken for one of several alternatives.
fn plain(one: &Constraint) -> Option<(&str, Operator)> {
    let operator = one.operator.filter(|operator| matches!(operator, Operator::Regex | Operator::Eq))?;
    let alone = one.any_of.is_empty() && one.when_absent == WhenAbsent::Deny && one.value.is_some();
    alone.then_some((one.field.as_str(), operator))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_member_of_a_role_is_known_here() {
        let error = serde_json::from_value::<Role>(json!({ "name": "r", "?": 0 })).unwrap_err().to_string();
        let (_, expected) = error.split_once("expected one of ").unwrap();
        let mut of_core: Vec<&str> = expected.split(", ").map(|name| name.trim_matches('`')).collect();
        let mut of_ours = [MEMBERS, ELSEWHERE].concat();
        of_core.sort_unstable();
        of_ours.sort_unstable();
        assert_eq!(of_ours, of_core);
    }

    #[test]
    fn what_is_unset_is_reset_and_no_default_of_the_plane_slips_in() {
        let draft = RoleDraft::of(&Role::new("r").allow(["t"])).unwrap();
        let members = draft.members();
        assert_eq!(members["allowed_tools"], json!(["t"]));
        assert_eq!(members["parameter_constraints"], Value::Null);
        assert_eq!((&members["env_optional"], &members["rows_optional"]), (&json!(false), &json!(false)));
        assert_eq!(members["rate_scope"], "key");
        assert!(!members.contains_key("webhook_url") && !members.contains_key("webhook_secret"));
    }

    #[test]
    fn what_must_all_hold_does_not_become_a_choice() {
        let of = |operator, value: Value| Constraint::new("path", operator, value);
        let role = Role::new("r")
            .constrain("t", of(Operator::Regex, json!("/a/.*")))
            .constrain("t", of(Operator::Regex, json!("[^.]*")))
            .constrain("t", of(Operator::MaxLength, json!(9)))
            .constrain("t", of(Operator::Eq, json!("/a/b")));
        let draft = RoleDraft::of(&role).unwrap();
        assert_eq!(
            draft.members()["parameter_constraints"]["t"],
            json!([
                { "field": "path", "any_of": [{ "operator": "regex", "value": "/a/.*" }] },
                { "field": "path", "any_of": [{ "operator": "regex", "value": "[^.]*" }] },
                { "field": "path", "operator": "max_length", "value": 9 },
                { "field": "path", "operator": "eq", "value": "/a/b" },
            ])
        );
    }
}
