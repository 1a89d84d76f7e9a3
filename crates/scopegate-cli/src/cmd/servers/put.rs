//! From a file to what a plane knows of an MCP server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use scopegate_client::ClientError;
use scopegate_core::{Catalogue, CatalogueTool, Name};
use serde::Serialize;

use crate::confirm::change;
use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// What becomes of one tool.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Step {
    tool: Name,
    action: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Add,
    Change,
    Remove,
}

pub(super) fn put(
    plane: &Plane,
    server: &str,
    file: &Path,
    yes: bool,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let wanted = read(file)?;
    let stands = match plane.wait(plane.client.get_server(server)) {
        Ok(stands) => Some(stands.tools),
        Err(ClientError::NotFound(_)) => None,
        Err(error) => return Err(plane.explain(&error)),
    };
    let steps = plan(stands.as_deref().unwrap_or_default(), &wanted.tools);
    tell(&steps, output)?;
    output.flush()?;
    if steps.is_empty() && stands.is_some() {
        output::message("nothing to do: the plane knows the server so already");
        return Ok(Exit::Ok);
    }
    let (name, count) = (reveal(server), wanted.tools.len());
    let question = format!("Register MCP server `{name}` with {count} tools at {}?", plane.url());
    change(yes, &question, || {
        plane.ask(plane.client.put_server(server, &wanted))?;
        Ok(format!("MCP server `{name}` is registered with {count} tools"))
    })
}

fn read(file: &Path) -> Result<Catalogue, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(reveal(&format!("{}: {why}", file.display())));
    let text = match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(file),
    };
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    let text = text.map_err(|error| wrong(&error))?;
    serde_saphyr::from_str_with_options(&text, options).map_err(|error| wrong(&error))
}

/// What differs, by tool.
fn plan(stands: &[CatalogueTool], wanted: &[CatalogueTool]) -> Vec<Step> {
    let by_name = |tools: &'_ [CatalogueTool]| -> BTreeMap<Name, CatalogueTool> {
        tools.iter().map(|tool| (tool.name.clone(), tool.clone())).collect()
    };
    let (stands, wanted) = (by_name(stands), by_name(wanted));
    let names: BTreeSet<&Name> = stands.keys().chain(wanted.keys()).collect();
    let steps = names.into_iter().filter_map(|tool| {
        let action = match (stands.get(tool), wanted.get(tool)) {
            (None, _) => What::Add,
            (_, None) => What::Remove,
            (before, after) if before != after => What::Change,
            _ => return None,
        };
        Some(Step { tool: tool.clone(), action })
    });
    steps.collect()
}

fn tell(steps: &[Step], output: &mut Output) -> Result<(), Failure> {
    for step in steps {
        if output.is_json() {
            output.json(step)?;
            continue;
        }
        let tool = reveal(&step.tool);
        output.line(match step.action {
            What::Add => format!("+ add {tool}"),
            What::Change => format!("~ change {tool}"),
            What::Remove => format!("- remove {tool}"),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_that_differs_is_told_and_no_other() {
        let tool = |name: &'static str, title: &str| CatalogueTool {
            title: Some(title.to_owned()),
            ..CatalogueTool::new(name)
        };
        let stands = [tool("a", "1"), tool("b", "1"), tool("c", "1")];
        let wanted = [tool("d", "1"), tool("c", "1"), tool("b", "2")];
        let step = |tool: &'static str, action| Step { tool: tool.into(), action };
        assert_eq!(
            plan(&stands, &wanted),
            [step("a", What::Remove), step("b", What::Change), step("d", What::Add)]
        );
        assert_eq!(plan(&stands, &stands), []);
    }
}
