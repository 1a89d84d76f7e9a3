//! Policies in tables.

use scopegate_client::xybern::PolicyView;

use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing};
use crate::reveal::reveal;

pub(super) fn list(plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
    let mut table = listing(["policy", "name", "type", "decision", "priority", "actions", "state", "pack"]);
    for policy in &plane.ask(plane.client.xybern().list_policies())? {
        match output.is_json() {
            true => output.json(policy)?,
            false => drop(table.add_row(row(policy))),
        }
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

fn row(policy: &PolicyView) -> [String; 8] {
    let actions = policy.action_types.join(", ");
    [
        reveal(&policy.policy_id),
        reveal(&policy.name),
        reveal(&policy.policy_type),
        reveal(&policy.decision),
        policy.priority.to_string(),
        if actions.is_empty() { "all".to_owned() } else { reveal(&actions) },
        if policy.enabled { reveal(&policy.mode) } else { "off".to_owned() },
        policy.pack.as_deref().map_or_else(|| "-".to_owned(), reveal),
    ]
}

pub(super) fn report(
    plane: &Plane,
    policy: Option<&str>,
    hours: u64,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let report = plane.ask(plane.client.xybern().get_shadow_report(policy, Some(hours)))?;
    let mut table =
        listing(["policy", "name", "decisions", "would deny", "would hold", "would change", "agents"]);
    for row in &report.policies {
        if output.is_json() {
            output.json(row)?;
            continue;
        }
        let count = |count: u64| count.to_string();
        table.add_row([
            reveal(&row.policy_id),
            reveal(&row.name),
            count(row.evaluated),
            count(row.would_block),
            count(row.would_escalate),
            count(row.would_have_changed),
            count(row.agents_affected),
        ]);
    }
    if !output.is_json() {
        output.page(table)?;
    }
    if report.policies.is_empty() {
        output::message("no policy is in the shadow");
    }
    Ok(Exit::Ok)
}
