//! What a body says of an agent.

use scopegate_core::Name;
use serde_json::{Map, Value};

use crate::domain::member::{Invalid, flag, list, text, whole};
use crate::domain::{Draft, Failure, Lifetime};
use crate::store::Permissions;

/// What else clients send: labels, which restrict nothing and are not kept.
const IGNORED: &[&str] = &[
    "model",
    "prompt_hash",
    "environment",
    "risk_class",
    "owner",
    "permitted_models",
    "approved_tools",
    "data_clearance",
    "purpose",
    "metadata",
];
/// What would restrict an agent. Nothing holds it to them yet, so they are refused rather than kept.
const UNENFORCED: &[&str] = &["permission_boundary"];
const READ: &[&str] = &[
    "name",
    "framework",
    "description",
    "capabilities",
    "scopes",
    "delegation_policy",
    "permissions",
    "is_active",
    "credential_ttl_days",
];

type Body = Map<String, Value>;

/// An agent's members. Null is absent.
pub(super) fn draft(body: &Body) -> Result<Draft, Failure> {
    for member in UNENFORCED {
        let empty = match body.get(*member) {
            None | Some(Value::Null) => true,
            Some(Value::Object(members)) => members.is_empty(),
            Some(_) => false,
        };
        if !empty {
            let why = "is not enforced yet, and therefore refused: use a role";
            return Err(Invalid::new(member, why).into());
        }
    }
    let known =
        |member: &&String| [READ, IGNORED, UNENFORCED].iter().any(|names| names.contains(&member.as_str()));
    if let Some(unknown) = body.keys().find(|member| !known(member)) {
        return Err(Invalid::new(unknown, "is not known").into());
    }
    Ok(Draft {
        name: text(body, "name")?.map(Name::from),
        framework: text(body, "framework")?.map(Name::from),
        description: text(body, "description")?,
        capabilities: texts(body, "capabilities")?,
        scopes: texts(body, "scopes")?,
        delegation_policy: match body.get("delegation_policy") {
            None | Some(Value::Null) => None,
            Some(Value::Object(policy)) => Some(policy.clone()),
            Some(_) => return Err(Invalid::new("delegation_policy", "must be an object").into()),
        },
        permissions: permissions(body)?,
        is_active: flag(body, "is_active")?,
    })
}

/// What an agent may do at most. Members that would restrict it and that nobody knows are refused.
fn permissions(body: &Body) -> Result<Option<Permissions>, Failure> {
    const MEMBERS: [&str; 2] = ["allowed_action_types", "denied_action_types"];
    let members = match body.get("permissions") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(Invalid::new("permissions", "must be an object").into()),
    };
    if let Some(unknown) = members.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
        let why = "is not enforced, and therefore refused";
        return Err(Invalid::new(&format!("permissions.{unknown}"), why).into());
    }
    let patterns = |member: &str| {
        let list: Result<Vec<Name>, Invalid> = list(members, member, "patterns");
        list.map_err(|_| Invalid::new(&format!("permissions.{member}"), "must be a list of patterns"))
    };
    let [allowed, denied] = MEMBERS.map(patterns);
    Ok(Some(Permissions { allowed: allowed?, denied: denied? }))
}

/// How long a credential is to live.
pub(super) fn lifetime(body: &Body) -> Result<Lifetime, Failure> {
    let invalid = || Invalid::new("credential_ttl_days", "must be 1 to 365 days");
    let days = whole(body, "credential_ttl_days").map_err(|_| invalid())?;
    let given = body.get("credential_ttl_days").is_some_and(|days| !days.is_null());
    Lifetime::days(given.then_some(days))
}

fn texts(body: &Body, member: &str) -> Result<Option<Vec<String>>, Invalid> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => list(body, member, "texts").map(Some),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Draft, String> {
        let Value::Object(body) = body else { panic!("{body}") };
        draft(&body).and_then(|draft| lifetime(&body).map(|_| draft)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_published_clients_send_is_read() {
        let plain = json!({ "name": "bot", "framework": "custom", "description": null, "capabilities": [],
            "permissions": {} });
        let expected = Draft {
            name: Some("bot".into()),
            framework: Some("custom".into()),
            capabilities: Some(Vec::new()),
            permissions: Some(Permissions::default()),
            ..Draft::default()
        };
        assert_eq!(read(plain).unwrap(), expected);
        let more = json!({ "name": "bot", "scopes": ["execute_trade"], "permission_boundary": {},
            "delegation_policy": { "can_delegate": true }, "credential_ttl_days": 30, "model": "m",
            "approved_tools": ["x"], "owner": "ann" });
        let held =
            json!({ "permissions": { "denied_action_types": ["pay*"], "allowed_action_types": null } });
        let denied = vec!["pay*".into()];
        assert_eq!(read(held).unwrap().permissions, Some(Permissions { denied, ..Permissions::default() }));
        let draft = read(more).unwrap();
        assert_eq!(draft.scopes, Some(vec!["execute_trade".to_owned()]));
        assert_eq!(draft.delegation_policy.unwrap().len(), 1);
    }

    #[test]
    fn what_could_mean_more_than_is_done_is_refused() {
        for (bad, said) in [
            (json!({ "permissions": { "max_amount": 5 } }), "`permissions.max_amount` is not enforced"),
            (json!({ "permissions": ["pay"] }), "`permissions` must be an object"),
            (
                json!({ "permissions": { "denied_action_types": "pay" } }),
                "`permissions.denied_action_types` must be a list of patterns",
            ),
            (
                json!({ "permissions": { "allowed_action_types": [7] } }),
                "`permissions.allowed_action_types` must be a list of patterns",
            ),
            (json!({ "permission_boundary": { "max": 1 } }), "`permission_boundary` is not enforced yet"),
            (json!({ "trust_level": 100 }), "`trust_level` is not known"),
            (json!({ "agent_id": "agent_x" }), "`agent_id` is not known"),
            (json!({ "name": 7 }), "`name` must be a text"),
            (json!({ "capabilities": "pay" }), "`capabilities` must be a list of texts"),
            (json!({ "scopes": [7] }), "`scopes` must be a list of texts"),
            (json!({ "delegation_policy": [] }), "`delegation_policy` must be an object"),
            (json!({ "is_active": "no" }), "`is_active` must be true or false"),
            (json!({ "credential_ttl_days": 0 }), "`credential_ttl_days` must be 1 to 365 days"),
            (json!({ "credential_ttl_days": -1 }), "`credential_ttl_days` must be 1 to 365 days"),
            (json!({ "credential_ttl_days": 1e9 }), "`credential_ttl_days` must be 1 to 365 days"),
            (json!({ "credential_ttl_days": "30" }), "`credential_ttl_days` must be 1 to 365 days"),
        ] {
            let why = read(bad.clone()).unwrap_err();
            assert!(why.starts_with(said), "{why} of {bad}");
        }
    }
}
