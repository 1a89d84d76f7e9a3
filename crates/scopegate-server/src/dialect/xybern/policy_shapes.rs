//! Policies and packs on the wire: what a body says of them, and what is told.

use std::sync::Arc;

use schemars::JsonSchema;
use scopegate_core::{
    Conditions, Name, PolicyDecision, PolicyMode, PolicyRule, PolicyType, Timestamp, Trust,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::member::{Invalid, flag, text};
use crate::domain::{Failure, PackDraft, PolicyDocument, PolicyDraft};
use crate::openapi::{DateTime, Free};

const READ: &[&str] = &[
    "name",
    "description",
    "policy_type",
    "decision",
    "priority",
    "action_types",
    "conditions",
    "trust_threshold",
    "mode",
    "enabled",
    "absolute",
];
/// What the plane adds: told back as it is, and believed to be nothing.
const TOLD: &[&str] = &["policy_id", "pack", "created_at", "updated_at"];

type Body = Map<String, Value>;

/// A policy as it stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernPolicy")]
pub(super) struct PolicyShown {
    policy_id: Name,
    name: String,
    description: String,
    policy_type: &'static str,
    decision: &'static str,
    /// Of several that would block a call, the one with the highest is named.
    priority: i64,
    /// The actions it speaks of; `*` stands for any characters. None means all.
    action_types: Vec<Name>,
    #[schemars(with = "Free")]
    conditions: Conditions,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    trust_threshold: Option<Trust>,
    mode: PolicyModeShown,
    enabled: bool,
    /// Whether nothing lifts it, break-glass included.
    absolute: bool,
    /// The pack that it changes with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<Name>,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    updated_at: Timestamp,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "XybernPolicyMode")]
enum PolicyModeShown {
    Live,
    Shadow,
}

impl From<&Arc<PolicyDocument>> for PolicyShown {
    fn from(document: &Arc<PolicyDocument>) -> Self {
        let PolicyDocument { policy, pack, created_at, updated_at } = &**document;
        let rule = policy.rule.clone();
        let PolicyRule { name, description, policy_type, decision, priority, action_types, .. } = rule;
        Self {
            policy_id: name,
            name: policy.title.clone(),
            description,
            policy_type: policy_type.as_str(),
            decision: word(decision),
            priority,
            action_types,
            conditions: rule.conditions,
            trust_threshold: rule.trust_threshold,
            mode: match rule.mode {
                PolicyMode::Live => PolicyModeShown::Live,
                PolicyMode::Shadow => PolicyModeShown::Shadow,
            },
            enabled: rule.enabled,
            absolute: rule.absolute,
            pack: pack.clone(),
            created_at: *created_at,
            updated_at: *updated_at,
        }
    }
}

/// What a policy decides, in this dialect.
pub(super) fn word(decision: PolicyDecision) -> &'static str {
    match decision {
        PolicyDecision::Permit => "allow",
        PolicyDecision::Hold => "escalate",
        PolicyDecision::Deny => "block",
    }
}

/// A policy's members. Null is absent, but for `trust_threshold`, which it takes away.
pub(super) fn policy(body: &Body) -> Result<PolicyDraft, Failure> {
    known(body, &[READ, TOLD])?;
    let threshold: Option<Option<Trust>> = match body.get("trust_threshold") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(_) => member(body, "trust_threshold")?.map(Some),
    };
    Ok(PolicyDraft {
        title: text(body, "name")?,
        description: text(body, "description")?,
        policy_type: text(body, "policy_type")?.map(|text| policy_type(&text)).transpose()?,
        decision: text(body, "decision")?.map(|text| decision(&text)).transpose()?,
        priority: whole(body, "priority")?,
        action_types: member(body, "action_types")?,
        conditions: conditions(body)?,
        trust_threshold: threshold,
        mode: text(body, "mode")?.map(|text| mode(&text)).transpose()?,
        enabled: flag(body, "enabled")?,
        absolute: flag(body, "absolute")?,
    })
}

/// A pack's members.
pub(super) fn pack(body: &Body) -> Result<PackDraft, Failure> {
    known(body, &[&["name", "version", "description", "policy_definitions"]])?;
    let needed = |member: &str| {
        let given = text(body, member)?;
        given.filter(|text| !text.is_empty()).ok_or_else(|| Invalid::new(member, "is needed"))
    };
    let definitions = match body.get("policy_definitions") {
        Some(Value::Array(definitions)) => definitions.as_slice(),
        None | Some(Value::Null) => &[],
        Some(_) => return Err(Invalid::new("policy_definitions", "must be a list of policies").into()),
    };
    let read = |(index, definition): (usize, &Value)| {
        let place = |why: String| Failure::Invalid(format!("policy_definitions[{index}]: {why}"));
        let Value::Object(definition) = definition else { return Err(place("must be an object".to_owned())) };
        policy(definition).map_err(|failure| place(failure.to_string()))
    };
    Ok(PackDraft {
        name: needed("name")?.into(),
        version: needed("version")?.into(),
        description: text(body, "description")?.unwrap_or_default(),
        policies: definitions.iter().enumerate().map(read).collect::<Result<_, _>>()?,
        // As for policies that are made one by one.
        absolute: false,
    })
}

fn known(body: &Body, names: &[&[&str]]) -> Result<(), Invalid> {
    match body.keys().find(|member| !names.iter().any(|names| names.contains(&member.as_str()))) {
        Some(unknown) => Err(Invalid::new(unknown, "is not known")),
        None => Ok(()),
    }
}

fn member<T: DeserializeOwned>(body: &Body, member: &str) -> Result<Option<T>, Invalid> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let refused =
                |error: serde_json::Error| Invalid::new(member, &format!("cannot be read: {error}"));
            serde_json::from_value(value.clone()).map(Some).map_err(refused)
        }
    }
}

/// A list of nothing would be read as no conditions.
fn conditions(body: &Body) -> Result<Option<Conditions>, Invalid> {
    match body.get("conditions") {
        None | Some(Value::Null | Value::Object(_)) => member(body, "conditions"),
        Some(_) => Err(Invalid::new("conditions", "cannot be read: it must be an object")),
    }
}

fn whole(body: &Body, member: &str) -> Result<Option<i64>, Invalid> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| Invalid::new(member, "must be a whole number")),
    }
}

fn policy_type(text: &str) -> Result<PolicyType, Invalid> {
    let all = [
        PolicyType::ActionType,
        PolicyType::Threshold,
        PolicyType::ContentPattern,
        PolicyType::Temporal,
        PolicyType::ChainOfCustody,
    ];
    let known = all.into_iter().find(|kind| kind.as_str() == text);
    let words = all.map(PolicyType::as_str).join(", ");
    known.ok_or_else(|| {
        Invalid::new("policy_type", &format!("is not enforced, and therefore refused: {words} are"))
    })
}

fn decision(text: &str) -> Result<PolicyDecision, Invalid> {
    let all = [PolicyDecision::Permit, PolicyDecision::Hold, PolicyDecision::Deny];
    let known = all.into_iter().find(|decision| word(*decision) == text);
    known.ok_or_else(|| Invalid::new("decision", "must be allow, escalate or block"))
}

fn mode(text: &str) -> Result<PolicyMode, Invalid> {
    match text {
        "live" => Ok(PolicyMode::Live),
        "shadow" => Ok(PolicyMode::Shadow),
        _ => Err(Invalid::new("mode", "must be live or shadow")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<PolicyDraft, String> {
        let Value::Object(body) = body else { panic!("{body}") };
        policy(&body).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_clients_send_is_read() {
        let draft = read(json!({ "name": "Block high-value trades", "policy_type": "threshold",
            "action_types": ["execute_trade"], "decision": "escalate", "trust_threshold": 80, "mode": null }));
        let expected = PolicyDraft {
            title: Some("Block high-value trades".to_owned()),
            policy_type: Some(PolicyType::Threshold),
            decision: Some(PolicyDecision::Hold),
            action_types: Some(vec!["execute_trade".into()]),
            trust_threshold: Some(Trust::from_tenths(800)),
            ..PolicyDraft::default()
        };
        assert_eq!(draft.unwrap(), expected);
        assert_eq!(read(json!({ "trust_threshold": null })).unwrap().trust_threshold, Some(None));
        assert_eq!(read(json!({})).unwrap(), PolicyDraft::default());
    }

    #[test]
    fn what_would_never_bite_is_refused() {
        for (bad, said) in [
            (json!({ "policy_type": "semantic" }), "`policy_type` is not enforced"),
            (json!({ "policy_type": "ACTION_TYPE" }), "`policy_type` is not enforced"),
            (json!({ "policy_type": 7 }), "`policy_type` must be a text"),
            (json!({ "decision": "deny" }), "`decision` must be allow, escalate or block"),
            (json!({ "decision": "allow_with_warning" }), "`decision`"),
            (json!({ "mode": "audit" }), "`mode` must be live or shadow"),
            (json!({ "enabled": "yes" }), "`enabled` must be true or false"),
            (json!({ "priority": 1.5 }), "`priority` must be a whole number"),
            (json!({ "priority": "1" }), "`priority` must be a whole number"),
            (json!({ "trust_threshold": "80" }), "`trust_threshold` cannot be read"),
            (json!({ "trust_threshold": 101 }), "`trust_threshold` cannot be read"),
            (json!({ "action_types": "pay" }), "`action_types` cannot be read"),
            (json!({ "action_types": [7] }), "`action_types` cannot be read"),
            (json!({ "conditions": [] }), "`conditions` cannot be read"),
            (json!({ "conditions": { "sequence": ["a"] } }), "`conditions` cannot be read"),
            (json!({ "conditions": { "blocked_hours": [-1] } }), "`conditions` cannot be read"),
            (json!({ "effect": "deny" }), "`effect` is not known"),
        ] {
            let why = read(bad.clone()).unwrap_err();
            assert!(why.starts_with(said), "{why} of {bad}");
        }
    }

    #[test]
    fn a_pack_says_which_of_its_policies_is_wrong() {
        let read = |body: Value| {
            let Value::Object(body) = body else { panic!("{body}") };
            pack(&body).map_err(|failure| failure.to_string())
        };
        let good = read(json!({ "name": "p", "version": "1", "policy_definitions": [{ "name": "a" }] }));
        assert_eq!(good.unwrap().policies.len(), 1);
        for (bad, said) in [
            (json!({ "version": "1" }), "`name` is needed"),
            (json!({ "name": "p", "version": "" }), "`version` is needed"),
            (json!({ "name": "p", "version": 2 }), "`version` must be a text"),
            (
                json!({ "name": "p", "version": "1", "policy_definitions": {} }),
                "`policy_definitions` must be",
            ),
            (
                json!({ "name": "p", "version": "1", "policy_definitions": [7] }),
                "policy_definitions[0]: must be",
            ),
            (
                json!({ "name": "p", "version": "1", "policy_definitions": [{}, { "mode": "x" }] }),
                "policy_definitions[1]: `mode`",
            ),
            (json!({ "name": "p", "version": "1", "policies": [] }), "`policies` is not known"),
        ] {
            let why = read(bad.clone()).unwrap_err();
            assert!(why.starts_with(said), "{why} of {bad}");
        }
    }
}
