//! What the OpenAPI document says of windows, break-glass and delegations.

use schemars::JsonSchema;
use serde_json::json;

use super::grants;
use crate::openapi::{Doc, Free};

macro_rules! bodies {
    ($($name:ident as $shown:literal { $($member:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(JsonSchema)]
        #[schemars(rename = $shown)]
        #[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
        struct $name { $($member: $kind),* }
    )*};
}

bodies! {
    WindowDraft as "XybernWindowDraft" {
        agent_id: String,
        scopes: Vec<String>,
        duration_minutes: u64,
        reason: String,
        action_types: Option<Vec<String>>,
        workflow_id: Option<String>,
        max_uses: Option<u64>,
        max_extensions: Option<u64>,
    }
    Extension as "XybernExtension" { additional_minutes: u64, reason: Option<String> }
    Reason as "XybernReason" { reason: Option<String> }
    WindowQuestion as "XybernWindowQuestion" {
        agent_id: String,
        scope: Option<String>,
        action_type: Option<String>,
    }
    BreakglassDraft as "XybernBreakglassDraft" {
        agent_id: String,
        justification: String,
        severity: String,
        duration_minutes: Option<u64>,
        action_type: Option<String>,
        max_actions: Option<u64>,
        triggered_by: Option<String>,
    }
    Finding as "XybernFinding" { notes: String, outcome: Option<String>, reviewed_by: Option<String> }
    DelegationDraft as "XybernDelegationDraft" {
        source_agent_id: String,
        target_agent_id: String,
        scopes: Vec<String>,
        action_types: Option<Vec<String>>,
        instruction: Option<String>,
        parent_grant_id: Option<String>,
        ttl_hours: Option<u64>,
        ttl_seconds: Option<u64>,
        duration_minutes: Option<u64>,
        max_uses: Option<u64>,
        budgets: Option<Free>,
        role: Option<String>,
    }
    DelegationQuestion as "XybernDelegationQuestion" {
        grant_id: String,
        agent_id: Option<String>,
        action_type: Option<String>,
        scope: Option<String>,
    }
}

macro_rules! docs {
    ($($name:ident: $summary:literal $(takes $taken:ty)? => $status:literal $given:ident, $told:literal;)*) => {
        $(pub(crate) fn $name() -> Doc {
            Doc::new($summary)$(.takes::<$taken>())?.gives::<grants::$given>($status, $told)
        })*
    };
}

docs! {
    create_window: "Widen what an agent may do, for a while" takes WindowDraft => 201 OneWindow, "Open";
    get_window: "A window" => 200 OneWindow, "As it stands";
    extend_window: "Let a window last longer" takes Extension => 200 OneWindow, "Extended";
    revoke_window: "End a window before its time" takes Reason => 200 OneWindow, "It is over";
    check_window: "Does a window admit this now?" takes WindowQuestion => 200 Checked, "Whether one does";
    list_windows: "An agent's windows" => 200 Windows, "In the order they were opened";
    trigger: "Let an agent do in an emergency what it may not" takes BreakglassDraft => 201 OneEvent, "Open";
    list_events: "Every break-glass" => 200 Events, "In the order they were opened";
    close: "End a break-glass before its time" takes Reason => 200 OneEvent, "It is over";
    review: "Say what was found of a break-glass" takes Finding => 200 OneEvent, "Reviewed";
    stats: "How often glass was broken" => 200 Stats, "So far";
    delegate: "Hand on some of what an agent may do" takes DelegationDraft => 201 OneDelegation, "Given";
    revoke_delegation: "End a delegation and all that is a part of it" takes Reason => 200 OneDelegation, "It is over";
    verify_delegation: "Does a delegation admit this now?" takes DelegationQuestion => 200 Verified, "Whether it does, or why not";
}

pub(crate) fn list_delegations() -> Doc {
    Doc::new("What an agent gave and got")
        .asks("direction", "One of the two alone", &json!({ "enum": ["given", "received"] }))
        .asks("status", "Those in force, or those that are not", &json!({ "enum": ["active", "over"] }))
        .gives::<grants::Delegations>(200, "In the order they were given")
}
