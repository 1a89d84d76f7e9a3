//! What a role's webhook is told of a denial. Argument values are left out.

use scopegate_core::{DecisionRecord, Denial, Name};
use serde_json::json;

use crate::audit::Circumstances;
use crate::domain::RoleDocument;
use crate::store::{DeliveryRow, DeliveryState, TenantId};

/// The event of a denial, if the role has a webhook.
pub(crate) fn denied(
    tenant: &TenantId,
    role: &RoleDocument,
    record: &DecisionRecord,
    denial: &Denial,
    about: &Circumstances,
) -> Option<DeliveryRow> {
    let url = role.text("webhook_url")?;
    let body = json!({
        "event": "deny",
        "timestamp": record.at,
        "role_id": role.id,
        "role_name": role.name,
        "session_id": record.id.session,
        "tool_name": record.tool,
        "mcp_server": about.server,
        "deny_code": denial.code,
        "severity": denial.severity(),
        "reason": denial.to_string(),
        "retry_guidance": denial.retry_guidance(),
        "call_id": about.call,
    });
    Some(DeliveryRow {
        tenant: tenant.clone(),
        // A record is told of once, so its id names the event too.
        id: Name::from(format!("msg_{}_{}", record.id.session, record.id.number)),
        event: Name::new_static("deny"),
        url: url.to_owned(),
        role_id: role.id.clone(),
        body: body.to_string(),
        created_at: record.at,
        state: DeliveryState::Waiting,
        attempts: 0,
        at: record.at,
        last: None,
    })
}
