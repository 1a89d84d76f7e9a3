//! Roles in this dialect's shapes: environments and rows stand flat or under `data_scope`, and are
//! shown in both; a secret is never shown.

use serde_json::{Map, Value, json};

use crate::domain::member::Invalid;

/// What may stand under `data_scope` as well as flat.
const SCOPED: [&str; 2] = ["allowed_envs", "max_rows"];
/// Never shown.
const SECRET: &str = "webhook_secret";

/// A body with what stands under `data_scope` beside the rest.
pub(super) fn flat(mut body: Map<String, Value>) -> Result<Map<String, Value>, Invalid> {
    let scope = match body.remove("data_scope") {
        None | Some(Value::Null) => return Ok(body),
        Some(Value::Object(scope)) => scope,
        Some(_) => return Err(Invalid::new("data_scope", "must be an object")),
    };
    for (key, nested) in scope {
        if !SCOPED.contains(&key.as_str()) {
            return Err(Invalid::new(&format!("data_scope.{key}"), "is not known"));
        }
        if body.get(&key).is_some_and(|flat| *flat != nested) {
            return Err(Invalid::new(&key, "stands twice, flat and in `data_scope`, and differs"));
        }
        body.insert(key, nested);
    }
    Ok(body)
}

/// A role as written, as this dialect shows it: every member, in both shapes, without the secret.
pub(super) fn show(written: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = blank();
    shown.extend(written.iter().map(|(key, value)| (key.clone(), value.clone())));
    let secret = shown.remove(SECRET);
    shown.insert(
        "has_webhook_secret".to_owned(),
        json!(secret.is_some_and(|secret| !secret.is_null() && secret != "")),
    );
    let scope: Map<_, _> =
        SCOPED.iter().filter_map(|key| Some(((*key).to_owned(), shown.get(*key)?.clone()))).collect();
    shown.insert("data_scope".to_owned(), Value::Object(scope));
    shown
}

/// Every member, unset.
fn blank() -> Map<String, Value> {
    let blank = json!({
        "description": "", "allowed_tools": [], "parent_role_id": null, "parameter_constraints": {},
        "allowed_envs": [], "max_rows": 0, "allowed_hours_start": 0, "allowed_hours_end": 0,
        "allowed_days": [], "rate_limit_per_minute": 0, "rate_limit_per_hour": 0,
        "approval_required": [], "approval_ttl_seconds": 0, "max_delegation_depth": 0,
        "default_ttl_seconds": 3600, "allowed_mcp_servers": [], "mcp_server_rate_limits": {},
        "webhook_url": "",
    });
    match blank {
        Value::Object(blank) => blank,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn both_shapes_are_one() {
        for (body, expected) in [
            (json!({}), json!({})),
            (json!({"max_rows": 7}), json!({"max_rows": 7})),
            (json!({"data_scope": null, "max_rows": 7}), json!({"max_rows": 7})),
            (json!({"data_scope": {"max_rows": 8}}), json!({"max_rows": 8})),
            (json!({"data_scope": {"max_rows": null}}), json!({"max_rows": null})),
            (json!({"data_scope": {"max_rows": 8}, "max_rows": 8}), json!({"max_rows": 8})),
            (
                json!({"data_scope": {"allowed_envs": ["dev"]}, "x": 1}),
                json!({"allowed_envs": ["dev"], "x": 1}),
            ),
        ] {
            assert_eq!(flat(object(body.clone())).map(Value::Object), Ok(expected), "{body}");
        }
        for (bad, said) in [
            (json!({"data_scope": []}), "`data_scope` must be an object"),
            (
                json!({"data_scope": {"max_rows": 1}, "max_rows": 2}),
                "`max_rows` stands twice, flat and in `data_scope`, and differs",
            ),
            (json!({"data_scope": {"max_row": 1}}), "`data_scope.max_row` is not known"),
        ] {
            assert_eq!(flat(object(bad.clone())).unwrap_err().to_string(), said, "{bad}");
        }
    }

    #[test]
    fn a_role_is_shown_in_both_shapes_without_its_secret() {
        let shown =
            show(&object(json!({"name": "r", "max_rows": 5, "webhook_secret": "s3cret", "x-team": "red"})));
        assert_eq!(shown.get("data_scope"), Some(&json!({"allowed_envs": [], "max_rows": 5})));
        assert_eq!(shown.get("max_rows"), Some(&json!(5)));
        assert_eq!(shown.get("x-team"), Some(&json!("red")));
        assert_eq!(shown.get("has_webhook_secret"), Some(&json!(true)));
        assert!(!Value::Object(shown).to_string().contains("s3cret"));
    }
}
