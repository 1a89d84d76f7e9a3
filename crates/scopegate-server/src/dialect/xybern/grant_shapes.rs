//! Grants as they are shown, and their ids.

use schemars::JsonSchema;
use scopegate_core::{Grant, GrantId, GrantState, Name, Timestamp};
use serde::Serialize;

use crate::openapi::DateTime;

/// A window.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernWindow")]
pub(super) struct WindowShown {
    window_id: String,
    reason: String,
    extensions_used: usize,
    max_extensions: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    #[serde(flatten)]
    common: Common,
}

/// A break-glass.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernBreakglass")]
pub(super) struct EventShown {
    breakglass_id: String,
    justification: String,
    severity: &'static str,
    actions_used: u64,
    #[schemars(with = "Option<DateTime>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    review_due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewed_by: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(flatten)]
    common: Common,
}

/// A delegation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernDelegation")]
pub(super) struct DelegationShown {
    grant_id: String,
    source_agent_id: Name,
    target_agent_id: Name,
    attenuated_scopes: Vec<Name>,
    is_valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_grant_id: Option<String>,
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "String::is_empty")]
    instruction: String,
    #[serde(flatten)]
    common: Common,
}

/// What all of them have.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernGrant")]
struct Common {
    agent_id: Name,
    scopes: Vec<Name>,
    action_types: Vec<Name>,
    /// `active`, `exhausted`, `expired`, or ended: `revoked`, of a break-glass `closed`.
    status: &'static str,
    opened_by: Name,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "DateTime")]
    expires_at: Timestamp,
    remaining_seconds: u64,
    uses: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_uses: Option<u64>,
}

impl Common {
    fn of(grant: &Grant, now: Timestamp) -> Self {
        let state = grant.state(now);
        let active = matches!(state, GrantState::Active | GrantState::Exhausted);
        Self {
            agent_id: grant.agent.clone(),
            scopes: grant.scopes.clone(),
            action_types: grant.within.first().cloned().unwrap_or_default(),
            status: match (state, grant.break_glass()) {
                (GrantState::Ended, None) => "revoked",
                (GrantState::Ended, Some(_)) => "closed",
                (state, _) => state.as_str(),
            },
            opened_by: grant.opened_by.clone(),
            created_at: grant.opened_at,
            expires_at: grant.until,
            remaining_seconds: if active { now.until(grant.until).as_secs() } else { 0 },
            uses: grant.uses,
            max_uses: grant.max_uses,
        }
    }
}

impl WindowShown {
    pub(super) fn of(grant: &Grant, now: Timestamp) -> Self {
        let window = grant.window();
        Self {
            window_id: wire("tw", grant.id),
            reason: grant.reason.clone(),
            extensions_used: window.map_or(0, |window| window.extended.len()),
            max_extensions: window.map_or(0, |window| window.max_extensions),
            workflow_id: window.and_then(|window| window.workflow.clone()),
            common: Common::of(grant, now),
        }
    }
}

impl EventShown {
    pub(super) fn of(grant: &Grant, now: Timestamp) -> Self {
        let glass = grant.break_glass();
        let reviewed = glass.and_then(|glass| glass.reviewed.as_ref());
        Self {
            breakglass_id: wire("bg", grant.id),
            justification: grant.reason.clone(),
            severity: glass.map_or("", |glass| glass.severity.as_str()),
            actions_used: grant.uses,
            review_due_at: grant.review_due(),
            reviewed_by: reviewed.map(|reviewed| reviewed.by.clone()),
            notes: reviewed.map(|reviewed| reviewed.notes.clone()),
            outcome: reviewed.and_then(|reviewed| reviewed.outcome.clone()),
            common: Common::of(grant, now),
        }
    }
}

impl DelegationShown {
    /// `is_valid` says whether it would admit anything now, as its source stands.
    pub(super) fn of(grant: &Grant, is_valid: bool, now: Timestamp) -> Self {
        let delegation = grant.delegation();
        Self {
            grant_id: wire("dlg", grant.id),
            source_agent_id: delegation.map(|delegation| delegation.source.clone()).unwrap_or_default(),
            target_agent_id: grant.agent.clone(),
            attenuated_scopes: grant.scopes.clone(),
            is_valid,
            parent_grant_id: delegation.and_then(|delegation| delegation.parent).map(|id| wire("dlg", id)),
            instruction: grant.reason.clone(),
            common: Common::of(grant, now),
        }
    }
}

/// An id as it is written here.
pub(super) fn wire(prefix: &str, id: GrantId) -> String {
    format!("{prefix}_{id}")
}

/// The grant that an id of any of the three stands for.
pub(crate) fn grant_id(text: &str) -> Option<GrantId> {
    let (prefix, id) = text.split_once('_')?;
    ["tw", "bg", "dlg"].contains(&prefix).then(|| GrantId::parse(id)).flatten()
}
