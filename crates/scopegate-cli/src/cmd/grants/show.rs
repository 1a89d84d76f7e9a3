//! Grants in tables.

use scopegate_client::xybern::GrantView;

use crate::exit::{Exit, Failure};
use crate::output::{Output, listing};
use crate::reveal::reveal;

pub(super) fn list(grants: &[GrantView], output: &mut Output) -> Result<Exit, Failure> {
    let mut table = listing(["grant", "agent", "from", "admits", "state", "until", "used"]);
    for grant in grants {
        match output.is_json() {
            true => output.json(grant)?,
            false => drop(table.add_row(row(grant))),
        }
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

fn row(grant: &GrantView) -> [String; 7] {
    let most = grant.max_uses.map_or_else(String::new, |most| format!(" of {most}"));
    let scopes = grant.scopes.join(", ");
    [
        reveal(&grant.grant_id),
        reveal(&grant.agent_id),
        grant.source_agent_id.as_deref().map_or_else(|| "-".to_owned(), reveal),
        if scopes.is_empty() { "all".to_owned() } else { reveal(&scopes) },
        reveal(&grant.status),
        grant.expires_at.to_string(),
        format!("{}{most}", grant.uses),
    ]
}

/// Whether they are in force is what people ask first.
pub(super) fn one(grant: &GrantView, output: &mut Output) -> Result<Exit, Failure> {
    output.members(grant)?;
    Ok(Exit::Ok)
}
