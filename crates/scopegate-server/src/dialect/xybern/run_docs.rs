//! What the OpenAPI document says of escalations and of runs.

use schemars::JsonSchema;
use serde_json::json;

use super::page::paged;
use super::{escalations, sessions};
use crate::openapi::{Doc, Free};

#[derive(JsonSchema)]
#[schemars(rename = "XybernResolution", extend("examples" = [{ "resolution": "approved", "reason": "known payee" }]))]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Resolution {
    /// `approved` or `rejected`.
    resolution: String,
    /// Shown to the agent.
    reason: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernStart", extend("examples" = [{ "budgets": { "max_actions": 200, "ttl_seconds": 3600 } }]))]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Start {
    agent_id: Option<String>,
    budgets: Option<Budgets>,
    /// What it is for.
    label: Option<String>,
    credential_id: Option<String>,
    prompt_hash: Option<String>,
    metadata: Option<Free>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernBudgetsAsked")]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Budgets {
    /// Actions that may be permitted: 1 or more; no limit unless given.
    max_actions: Option<u64>,
    /// How long it may last: 1 or more; as long as the role says unless given, which is also the most.
    ttl_seconds: Option<u64>,
}

pub(crate) fn list_escalations() -> Doc {
    let statuses = json!({ "type": "string", "enum": ["pending", "approved", "rejected", "expired", "all"],
        "default": "pending" });
    paged(Doc::new("Calls that wait, or waited, for a person"), escalations::PER_PAGE, escalations::MOST)
        .asks("status", "Where they stand; those that were decided are listed for about an hour", &statuses)
        .asks("agent_id", "Of which agent", &json!({ "type": "string" }))
        .gives::<escalations::Many>(200, "Newest first")
}

pub(crate) fn get_escalation() -> Doc {
    Doc::new("A call that waits, or waited, for a person; to look takes nothing up")
        .gives::<escalations::One>(200, "As it stands")
}

pub(crate) fn escalation_status() -> Doc {
    Doc::new(
        "Where an escalation stands; through the key that asked, the first reading of a yes permits the call",
    )
    .gives::<escalations::Told>(200, "As it stands for whoever reads")
}

pub(crate) fn resolve_escalation() -> Doc {
    Doc::new("Agree to a call, or refuse it")
        .takes::<Resolution>()
        .gives::<escalations::Resolved>(200, "Decided")
}

pub(crate) fn start_run() -> Doc {
    Doc::new("Begin a run of an agent, with budgets").takes::<Start>().gives::<sessions::Told>(201, "Begun")
}

pub(crate) fn beat_run() -> Doc {
    Doc::new("Whether a run goes on").takes::<Free>().gives::<sessions::Told>(200, "As it stands")
}

pub(crate) fn end_run() -> Doc {
    Doc::new("End a run").takes::<Free>().gives::<sessions::Told>(200, "As it ended")
}
