//! What the OpenAPI document says of policies and packs.

use schemars::JsonSchema;
use serde_json::json;

use super::{packs, policies};
use crate::openapi::{Doc, Free};

/// A policy to make, or what of one is to change.
#[derive(JsonSchema)]
#[schemars(rename = "XybernPolicyDraft", extend("examples" = [{
    "name": "Ask before large payments", "policy_type": "action_type", "action_types": ["payment:*"],
    "decision": "escalate" }]))]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Draft {
    name: Option<String>,
    description: Option<String>,
    /// `action_type`, `threshold`, `content_pattern`, `temporal` or `chain_of_custody`.
    policy_type: Option<String>,
    /// `allow`, `escalate` or `block`.
    decision: Option<String>,
    priority: Option<i64>,
    action_types: Option<Vec<String>>,
    conditions: Option<Free>,
    trust_threshold: Option<f64>,
    /// `live` or `shadow`.
    mode: Option<String>,
    enabled: Option<bool>,
    absolute: Option<bool>,
}

/// A pack to deploy.
#[derive(JsonSchema)]
#[schemars(rename = "XybernPackDraft")]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Pack {
    name: String,
    version: String,
    description: Option<String>,
    policy_definitions: Vec<Draft>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernRollBack")]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct RollBack {
    /// The one deployed before the one in force, unless given.
    to_version: Option<String>,
}

pub(crate) fn list_policies() -> Doc {
    Doc::new("All policies, also those of packs")
        .gives::<policies::Many>(200, "From the highest priority down")
}

pub(crate) fn get_policy() -> Doc {
    Doc::new("A policy").gives::<policies::One>(200, "As it stands")
}

pub(crate) fn create_policy() -> Doc {
    Doc::new("Make a policy").takes::<Draft>().gives::<policies::One>(201, "In force, or in the shadow")
}

pub(crate) fn update_policy() -> Doc {
    Doc::new("Change the members of a policy that the body has")
        .takes::<Draft>()
        .gives::<policies::One>(200, "Changed")
}

pub(crate) fn delete_policy() -> Doc {
    Doc::new("End a policy").gives::<policies::Ended>(200, "It is over")
}

pub(crate) fn promote_policy() -> Doc {
    Doc::new("Turn a shadow policy live").gives::<policies::One>(200, "From here on it decides")
}

pub(crate) fn shadow_report() -> Doc {
    let hours = json!({ "type": "integer", "minimum": 1, "maximum": policies::MOST_HOURS,
        "default": policies::HOURS });
    Doc::new("What the policies in the shadow would have done")
        .asks("policy_id", "Of one policy alone", &json!({ "type": "string" }))
        .asks("hours", "How far to look back", &hours)
        .gives::<policies::Report>(200, "By policy")
}

pub(crate) fn list_packs() -> Doc {
    Doc::new("All policy packs").gives::<packs::Many>(200, "By name")
}

pub(crate) fn get_pack() -> Doc {
    Doc::new("A policy pack").gives::<packs::One>(200, "As it stands")
}

pub(crate) fn deploy_pack() -> Doc {
    Doc::new("Put all policies of a pack in force, in the place of an earlier version's")
        .takes::<Pack>()
        .gives::<packs::Told>(200, "In force; the same pack again changes nothing")
}

pub(crate) fn roll_back_pack() -> Doc {
    Doc::new("Take a pack back to an earlier version")
        .takes::<RollBack>()
        .gives::<packs::Told>(200, "In force")
}

pub(crate) fn validate_pack() -> Doc {
    Doc::new("What the deployment of a pack would change; nothing does")
        .takes::<Pack>()
        .gives::<packs::Tried>(200, "Whether it could be deployed, and what is wrong otherwise")
}
