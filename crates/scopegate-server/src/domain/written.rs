//! Roles as they are written: merged member by member, members that nobody knows kept and given
//! back, and what is enforced of them.

use std::collections::HashMap;

use scopegate_core::{
    Alternative, ApprovalBy, Consistency, Constraint, Name, Operator, RateScope, Role, WhenAbsent,
};
use serde_json::{Map, Value};

use super::member::{Invalid, flag, list, map, name, opt_name, text, whole};

/// The plane's own, and not a caller's to set.
const OURS: [&str; 6] = ["id", "version", "created_at", "updated_at", "has_webhook_secret", "ttl_seconds"];
/// Members of roles that this version does not enforce: refused, never ignored.
const LATER: [&str; 1] = ["redact_output"];

/// The role as written so far with `body` on top: absent members stay, `null` resets one.
pub(super) fn merge(written: &Map<String, Value>, body: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = written.clone();
    for (key, value) in body.iter().filter(|(key, _)| !OURS.contains(&key.as_str())) {
        match value {
            Value::Null => merged.remove(key),
            value => merged.insert(key.clone(), value.clone()),
        };
    }
    merged
}

/// The role that a document stands for. `parent` finds a parent's name by its name or id.
pub(super) fn compile(
    written: &Map<String, Value>,
    parent: impl FnOnce(&str) -> Option<Name>,
) -> Result<Role, Invalid> {
    if let Some(later) = LATER.iter().find(|key| written.get(**key).is_some_and(|v| !is_unset(v))) {
        return Err(Invalid::new(later, "is not enforced in this version, so it is refused"));
    }
    let parent_role_id = match opt_name(written, "parent_role_id")? {
        None => None,
        Some(written) => {
            let found = parent(&written);
            Some(
                found
                    .ok_or_else(|| Invalid::new("parent_role_id", &format!("names no role: `{written}`")))?,
            )
        }
    };
    Ok(Role {
        name: name(written, "name")?,
        description: text(written, "description")?.unwrap_or_default(),
        allowed_tools: list(written, "allowed_tools", "names of tools")?,
        allowed_actions: list(written, "allowed_actions", "patterns")?,
        denied_actions: list(written, "denied_actions", "patterns")?,
        parent_role_id,
        parameter_constraints: map(written, "parameter_constraints", constraints)?,
        allowed_envs: list(written, "allowed_envs", "names of environments")?,
        // Callers of the plane expect a call that names no environment, or no limit, to pass.
        env_optional: flag(written, "env_optional")?.unwrap_or(true),
        max_rows: whole(written, "max_rows")?,
        rows_optional: flag(written, "rows_optional")?.unwrap_or(true),
        allowed_hours_start: whole(written, "allowed_hours_start")?,
        allowed_hours_end: whole(written, "allowed_hours_end")?,
        allowed_days: list(written, "allowed_days", "days, 0 = Monday to 6 = Sunday")?,
        rate_limit_per_minute: whole(written, "rate_limit_per_minute")?,
        rate_limit_per_hour: whole(written, "rate_limit_per_hour")?,
        rate_scope: rate_scope(written)?,
        approval_required: list(written, "approval_required", "names of tools")?,
        approval_unless: map(written, "approval_unless", constraints)?,
        approval_ttl_seconds: whole(written, "approval_ttl_seconds")?,
        max_delegation_depth: whole(written, "max_delegation_depth")?,
        default_ttl_seconds: whole(written, "default_ttl_seconds")?,
        allowed_mcp_servers: list(written, "allowed_mcp_servers", "names of MCP servers")?,
        mcp_server_rate_limits: map(written, "mcp_server_rate_limits", |value| {
            value.as_u64().ok_or("a whole number of calls a minute".to_owned())
        })?,
        consistency: consistency(written)?,
        approval_by: approval_by(written)?,
        min_trust_level: min_trust(written)?,
        ..Role::default()
    })
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Each session has an account of its own under a ceiling of its key, unless the role says otherwise.
fn rate_scope(written: &Map<String, Value>) -> Result<RateScope, Invalid> {
    match text(written, "rate_scope")?.as_deref() {
        None | Some("session") => Ok(RateScope::Session),
        Some("key") => Ok(RateScope::Key),
        Some(_) => Err(Invalid::new("rate_scope", "must be `session` or `key`")),
    }
}

/// Clients of a plane ask for themselves, so their word for a consent is nobody's.
fn approval_by(written: &Map<String, Value>) -> Result<ApprovalBy, Invalid> {
    match text(written, "approval_by")?.as_deref() {
        None | Some("reviewer") => Ok(ApprovalBy::Reviewer),
        Some("client") => Err(Invalid::new("approval_by", "on a plane a reviewer agrees")),
        Some(_) => Err(Invalid::new("approval_by", "must be `reviewer`")),
    }
}

/// A minimum of trust; `None` when absent, null or empty.
fn min_trust(written: &Map<String, Value>) -> Result<Option<u64>, Invalid> {
    let asked = written.get("min_trust_level").filter(|value| !is_unset(value));
    asked.map(|_| whole(written, "min_trust_level")).transpose()
}

/// How fresh the state must be that decides.
fn consistency(written: &Map<String, Value>) -> Result<Consistency, Invalid> {
    match text(written, "consistency")?.as_deref() {
        None | Some("leased") => Ok(Consistency::Leased),
        Some("strict") => Ok(Consistency::Strict),
        Some(_) => Err(Invalid::new("consistency", "must be `leased` or `strict`")),
    }
}

/// The constraints of one tool. Several `regex`, or several `eq`, on one field are alternatives, as
/// in published role templates; a constraint that spells them out, or may be absent, stands alone.
fn constraints(value: &Value) -> Result<Vec<Constraint>, String> {
    let list = value.as_array().ok_or("a list of constraints")?;
    let mut all: Vec<Constraint> = Vec::with_capacity(list.len());
    let mut spelled: HashMap<(String, bool), usize> = HashMap::new();
    for (index, value) in list.iter().enumerate() {
        let one: Constraint = serde_json::from_value(value.clone()).map_err(|error| {
            format!("a list of `field`, `operator` and `value`; the one at index {index} is not: {error}")
        })?;
        let Some(alternative) = alternative(&one) else {
            all.push(one);
            continue;
        };
        let kind = (one.field.clone(), alternative.operator == Operator::Regex);
        let at = *spelled.entry(kind).or_insert(all.len());
        match all.get_mut(at) {
            Some(earlier) => add(earlier, alternative),
            None => all.push(one),
        }
    }
    Ok(all)
}

fn alternative(one: &Constraint) -> Option<Alternative> {
    let plain = one.when_absent == WhenAbsent::Deny && one.any_of.is_empty();
    match (one.operator, &one.value) {
        (Some(operator @ (Operator::Regex | Operator::Eq)), Some(value)) if plain => {
            Some(Alternative { operator, value: value.clone() })
        }
        _ => None,
    }
}

fn add(earlier: &mut Constraint, alternative: Alternative) {
    if let (Some(operator), Some(value)) = (earlier.operator.take(), earlier.value.take()) {
        earlier.any_of.push(Alternative { operator, value });
    }
    earlier.any_of.push(alternative);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        }
    }

    fn role(written: Value) -> Result<Role, String> {
        let known = |parent: &str| (parent == "base").then(|| Name::new_static("base"));
        compile(&object(written), known).map_err(|error| error.to_string())
    }

    #[test]
    fn members_are_merged_one_by_one() {
        let before = object(json!({"name": "r", "max_rows": 5, "allowed_tools": ["a"], "x-team": "red"}));
        for (body, member, expected) in [
            (json!({}), "max_rows", json!(5)),
            (json!({"max_rows": 7}), "max_rows", json!(7)),
            (json!({"max_rows": null}), "max_rows", Value::Null),
            (json!({"allowed_envs": ["dev"]}), "allowed_envs", json!(["dev"])),
            (json!({"allowed_tools": []}), "allowed_tools", json!([])),
            (json!({"x-team": "blue"}), "x-team", json!("blue")),
            (json!({"max_rows": 1}), "x-team", json!("red")),
            (json!({"id": "mine", "version": 9}), "id", Value::Null),
        ] {
            let merged = merge(&before, &object(body.clone()));
            assert_eq!(merged.get(member).cloned().unwrap_or_default(), expected, "{body}");
        }
    }

    #[test]
    fn what_cannot_be_enforced_is_refused_by_name() {
        for (bad, said) in [
            (json!({}), "`name` is missing"),
            (json!({"name": ""}), "`name` is missing"),
            (json!({"name": 5}), "`name` must be a text"),
            (json!({"name": "r", "allowed_tools": "a"}), "`allowed_tools` must be a list of names of tools"),
            (json!({"name": "r", "allowed_tools": [1]}), "`allowed_tools` must be a list of names of tools"),
            (
                json!({"name": "r", "rate_limit_per_minute": -1}),
                "`rate_limit_per_minute` must be a whole number of at least 0",
            ),
            (
                json!({"name": "r", "rate_limit_per_hour": "9"}),
                "`rate_limit_per_hour` must be a whole number of at least 0",
            ),
            (json!({"name": "r", "max_rows": 1.5}), "`max_rows` must be a whole number of at least 0"),
            (json!({"name": "r", "parent_role_id": "nobody"}), "`parent_role_id` names no role: `nobody`"),
            (json!({"name": "r", "rate_scope": "world"}), "`rate_scope` must be `session` or `key`"),
            (
                json!({"name": "r", "min_trust_level": "3"}),
                "`min_trust_level` must be a whole number of at least 0",
            ),
            (json!({"name": "r", "allowed_actions": "*"}), "`allowed_actions` must be a list of patterns"),
            (
                json!({"name": "r", "redact_output": {"t": [{"path": "a"}]}}),
                "`redact_output` is not enforced in this version, so it is refused",
            ),
            (json!({"name": "r", "parameter_constraints": []}), "`parameter_constraints` must be an object"),
            (
                json!({"name": "r", "parameter_constraints": {"t": {}}}),
                "`parameter_constraints.t` must be a list of constraints",
            ),
        ] {
            assert_eq!(role(bad.clone()).unwrap_err(), said, "{bad}");
        }
        for bad in [
            json!([{"field": "a"}]),
            json!([{"operator": "eq", "value": 1}]),
            json!([{"field": "a", "operator": "like", "value": "x"}]),
        ] {
            if let Ok(role) =
                role(json!({"name": "r", "allowed_tools": ["t"], "parameter_constraints": {"t": bad}}))
            {
                assert!(
                    scopegate_engine::LocalEnforcer::new(scopegate_engine::Policy::new([role])).is_err(),
                    "{bad}"
                );
            }
        }
    }

    #[test]
    fn callers_may_leave_environment_and_limit_out() {
        let written = role(json!({"name": "r"})).unwrap();
        assert!(written.env_optional && written.rows_optional);
        assert_eq!(written.rate_scope, RateScope::Session);
        let native = json!({"name": "r", "env_optional": false, "rows_optional": false, "rate_scope": "key"});
        let native = role(native).unwrap();
        assert!(!native.env_optional && !native.rows_optional);
        assert_eq!(native.rate_scope, RateScope::Key);
        assert_eq!(
            role(json!({"name": "r", "parent_role_id": "base"})).unwrap().parent_role_id.as_deref(),
            Some("base")
        );
        assert_eq!(role(json!({"name": "r", "parent_role_id": ""})).unwrap().parent_role_id, None);
    }

    #[test]
    fn several_patterns_on_one_field_are_alternatives_and_nothing_else_is() {
        let list = json!([
            {"field": "path", "operator": "regex", "value": "/a"},
            {"field": "n", "operator": "lt", "value": 9},
            {"field": "path", "operator": "regex", "value": "/b"},
            {"field": "n", "operator": "gt", "value": 1},
            {"field": "path", "operator": "eq", "value": "/c"},
            {"field": "path", "operator": "regex", "value": "/d", "when_absent": "allow"},
            {"field": "path", "any_of": [{"operator": "regex", "value": "/e"}]},
        ]);
        let all = constraints(&list).unwrap();
        let shape: Vec<(&str, usize)> =
            all.iter().map(|one| (one.field.as_str(), one.any_of.len())).collect();
        assert_eq!(shape, [("path", 2), ("n", 0), ("n", 0), ("path", 0), ("path", 0), ("path", 1)]);
    }
}
