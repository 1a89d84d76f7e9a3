//! An escalation, as a person sees it before they agree.

use scopegate_client::xybern::EscalationView;

use crate::exit::Failure;
use crate::output::Output;
use crate::reveal::reveal;

pub(super) fn row(one: &EscalationView) -> [String; 6] {
    [
        reveal(&one.escalation_id),
        one.status.to_string(),
        reveal(&one.action_type),
        reveal(&one.arguments.to_string()),
        reveal(&one.agent_id),
        one.expires_at.to_string(),
    ]
}

/// Everything that the agreement binds, in full.
pub(super) fn show(one: &EscalationView, output: &mut Output) -> Result<(), Failure> {
    let used = if one.used { ", and used" } else { "" };
    output.line(format!("escalation  {}", reveal(&one.escalation_id)))?;
    output.line(format!("  status      {}{used}", one.status))?;
    let lines = [
        ("action", Some(one.action_type.as_str())),
        ("resource", one.resource.as_deref()),
        ("agent", Some(one.agent_id.as_str())),
        ("role", one.role.as_deref()),
        ("resolved by", one.resolved_by.as_deref()),
        ("reason", one.resolution_reason.as_deref()),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            output.line(format!("  {name:<12}{}", reveal(value)))?;
        }
    }
    output.line(format!("  asked       {}", one.created_at))?;
    output.line(format!("  waits until {}", one.expires_at))?;
    let arguments = serde_json::to_string_pretty(&one.arguments).map_err(Failure::no_answer)?;
    output.line("  arguments")?;
    for line in arguments.lines() {
        output.line(format!("    {}", reveal(line)))?;
    }
    Ok(())
}
