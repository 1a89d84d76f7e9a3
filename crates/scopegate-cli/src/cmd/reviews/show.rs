//! A held call, as a person sees it before they agree.

use scopegate_client::Review;

use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{Output, listing};
use crate::reveal::reveal;

pub(super) fn list(plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
    let reviews = plane.ask(plane.client.list_reviews())?;
    let mut table = listing(["review", "tool", "arguments", "asked by", "role", "waits until"]);
    for review in &reviews {
        if output.is_json() {
            output.json(review)?;
            continue;
        }
        table.add_row([
            reveal(&review.id),
            reveal(&review.tool),
            reveal(&review.arguments.to_string()),
            reveal(review.requested_by.as_deref().unwrap_or_default()),
            reveal(&review.role),
            review.expires_at.to_string(),
        ]);
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

/// Everything that the agreement binds, in full.
pub(super) fn show(review: &Review, output: &mut Output) -> Result<(), Failure> {
    let used = if review.used { ", and used" } else { "" };
    output.line(format!("review      {}", reveal(&review.id)))?;
    output.line(format!("  status      {}{used}", review.status))?;
    let lines = [
        ("tool", Some(review.tool.as_str())),
        ("action", review.action.as_deref()),
        ("resource", review.resource.as_deref()),
        ("server", review.server.as_deref()),
        ("definition", review.definition.as_deref()),
        ("asked by", review.requested_by.as_deref()),
        ("role", Some(review.role.as_str())),
        ("session", Some(review.session.as_str())),
        ("call", review.call_id.as_deref()),
        ("approved by", review.approved_by.as_deref()),
        ("rejected by", review.rejected_by.as_deref()),
        ("label", review.label.as_deref()),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            output.line(format!("  {name:<12}{}", reveal(value)))?;
        }
    }
    output.line(format!("  asked       {}", review.created_at))?;
    output.line(format!("  waits until {}", review.expires_at))?;
    let arguments = serde_json::to_string_pretty(&review.arguments).map_err(Failure::no_answer)?;
    output.line("  arguments")?;
    for line in arguments.lines() {
        output.line(format!("    {}", reveal(line)))?;
    }
    Ok(())
}
