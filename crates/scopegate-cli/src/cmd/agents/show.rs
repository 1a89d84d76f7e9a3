//! Agents and what was decided for them, in tables.

use scopegate_client::xybern::{AgentView, Paging};

use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing};
use crate::reveal::reveal;

/// Agents that are asked for at a time.
const PAGE: u64 = 500;

pub(super) fn list(plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
    let mut table =
        listing(["agent", "name", "framework", "state", "trust", "allowed", "denied", "held", "last seen"]);
    for page in 1.. {
        let agents = plane.ask(plane.client.xybern().list_agents(Paging::new(page, PAGE)))?.agents;
        for agent in &agents {
            match output.is_json() {
                true => output.json(agent)?,
                false => drop(table.add_row(row(agent))),
            }
        }
        if (agents.len() as u64) < PAGE {
            break;
        }
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

fn row(agent: &AgentView) -> [String; 9] {
    [
        reveal(&agent.agent_id),
        reveal(&agent.name),
        reveal(&agent.framework),
        if agent.is_active { "active" } else { "stopped" }.to_owned(),
        agent.trust_level.to_string(),
        agent.allowed_actions.to_string(),
        agent.blocked_actions.to_string(),
        agent.escalated_actions.to_string(),
        agent.last_seen_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
    ]
}

pub(super) fn history(
    plane: &Plane,
    agent: &str,
    paging: Paging,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let told = plane.ask(plane.client.xybern().get_agent_history(agent, paging))?;
    let mut table = listing(["when", "decision", "tool", "why", "session"]);
    for entry in &told.history {
        if output.is_json() {
            output.json(entry)?;
            continue;
        }
        table.add_row([
            entry.created_at.to_string(),
            reveal(&entry.decision),
            reveal(&entry.action_type),
            reveal(&entry.reasoning),
            reveal(&entry.session_id),
        ]);
    }
    if !output.is_json() {
        output.page(table)?;
    }
    let (shown, total) = (told.history.len() as u64, told.total);
    if shown < total {
        output::message(&format!("the newest {shown} of {total}; `audit export` has all of them"));
    }
    Ok(Exit::Ok)
}
