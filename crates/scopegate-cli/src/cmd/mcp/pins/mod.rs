//! `scopegate mcp pin`: what a server says of its tools, kept, compared and agreed to.

mod file;
mod report;

use std::path::{Path, PathBuf};

use scopegate_core::pin::{Pin, Pins, Screened, ServerPins, Standing, screen};
use scopegate_core::{CatalogueTool, Name};
use serde_json::Value;

use self::report::tell;
use super::listing::{self, Listed};
use super::target::TargetArgs;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// Keep what an MCP server says of its tools, and compare
///
/// Starts the server, lists its tools and writes their definitions to a file that is meant for review. Run
/// again, it shows what differs and writes nothing: `pin approve` does, once somebody has looked. A proxy that
/// is given the file with `--pins` lets nobody see or call a tool that is not as it was pinned.
///
/// A description that speaks to the model, or hides characters, is flagged. That is a hint: a definition
/// without one is not thereby harmless.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Exit codes: 0 all tools are as they were pinned, or were pinned now; 1 something differs

Examples:
  scopegate mcp pin --server-name filesystem -- npx -y @modelcontextprotocol/server-filesystem /srv/project
  scopegate mcp pin --check --server-name filesystem -- npx -y @modelcontextprotocol/server-filesystem /srv/project
  scopegate mcp pin approve read_text_file --server-name filesystem -- npx -y ..."
)]
pub(crate) struct PinCommand {
    #[command(subcommand)]
    then: Option<Then>,
    #[command(flatten)]
    place: Place,
    /// Write nothing, also where nothing is pinned yet: for continuous integration
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    target: TargetArgs,
}

/// Where the pins are.
#[derive(Debug, clap::Args)]
struct Place {
    /// The file with the pins
    #[arg(long, value_name = "FILE", default_value = "scopegate.pins.json")]
    pins: PathBuf,
}

/// What to do with a difference.
#[derive(Debug, clap::Subcommand)]
enum Then {
    Approve(Approve),
}

/// Pin tools as they are now
///
/// Shows what is agreed to, and writes it. Tools that are gone are forgotten. The server is asked once more:
/// what it says now is what is shown and what is written.
#[derive(Debug, clap::Args)]
struct Approve {
    /// The tools; all of the server's when none is named
    tools: Vec<Name>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    target: TargetArgs,
}

impl PinCommand {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        if let Some(Then::Approve(approve)) = self.then {
            return approve.run(output);
        }
        let mut pins = file::read(&self.place.pins)?.unwrap_or_default();
        let Listed { server, tools: listed } = listing::list(&self.target)?;
        let known = pins.server(&server).cloned();
        let first = known.is_none() && !self.check;
        let before = known.unwrap_or_default();
        let screened = screen(if first { None } else { Some(&before) }, &listed);
        tell(&screened, &before, &listed, output)?;
        if !first {
            return Ok(if screened.is_clean() { Exit::Ok } else { Exit::Denied });
        }
        let pinned = pin_all(&screened, &listed);
        let text = format!("{} tools pinned in {}", pinned.len(), self.place.pins.display());
        pins.servers.insert(server, pinned);
        file::write(&self.place.pins, &pins)?;
        output::message(&reveal(&text));
        Ok(Exit::Ok)
    }
}

impl Approve {
    fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let mut pins = file::read(&self.place.pins)?.unwrap_or_default();
        let Listed { server, tools: listed } = listing::list(&self.target)?;
        let before = pins.server(&server).cloned().unwrap_or_default();
        let screened = screen(Some(&before), &listed);
        let chosen = |tool: &str| self.tools.is_empty() || self.tools.iter().any(|name| name == tool);
        if let Some(unknown) =
            self.tools.iter().find(|tool| !screened.reports.iter().any(|r| r.tool == ***tool))
        {
            return Err(Failure::usage(reveal(&format!(
                "`{unknown}` is neither pinned nor a tool of the server"
            ))));
        }
        let mut shown = screened.clone();
        shown.reports.retain(|report| chosen(&report.tool));
        tell(&shown, &before, &listed, output)?;
        let after = agree(&shown, before, &listed);
        let clean = screen(Some(&after), &listed).is_clean();
        pins.servers.insert(server, after);
        file::write(&self.place.pins, &pins)?;
        Ok(if clean { Exit::Ok } else { Exit::Denied })
    }
}

/// The pins that a proxy was told to use: without the file nothing is as it was pinned, which nobody means.
pub(super) fn required(path: &Path) -> Result<Pins, Failure> {
    file::read(path)?.ok_or_else(|| Failure::usage(format!("{}: there is no such file", path.display())))
}

/// Pins of every tool that can be called at all.
fn pin_all(screened: &Screened, listed: &[Value]) -> ServerPins {
    agree(screened, ServerPins::new(), listed)
}

/// The pins once somebody has agreed to what is reported.
fn agree(agreed: &Screened, mut pins: ServerPins, listed: &[Value]) -> ServerPins {
    for report in &agreed.reports {
        match &report.standing {
            Standing::Gone => drop(pins.remove(report.tool.as_str())),
            Standing::Unusable(_) | Standing::Same => {}
            Standing::New | Standing::Unpinned | Standing::Changed(_) | Standing::Renamed { .. } => {
                pins.extend(pin_of(&report.tool, listed));
            }
        }
    }
    pins
}

/// The pin of a listed tool as it is now.
fn pin_of(tool: &str, listed: &[Value]) -> Option<(Name, Pin)> {
    let entry = listed.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(tool))?;
    let tool = CatalogueTool::from_listed(entry).ok()?;
    let pin = Pin::of(&tool).ok()?;
    Some((tool.name, pin))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str, description: &str) -> Value {
        json!({"name": name, "description": description, "inputSchema": {"type": "object"}})
    }

    #[test]
    fn what_is_agreed_to_is_what_is_pinned() {
        let before = [tool("a", "1"), tool("b", "1"), tool("c", "1"), tool("old", "same")];
        let pins = pin_all(&screen(None, &before), &before);
        assert!(screen(Some(&pins), &before).is_clean());
        let after =
            [tool("a", "1"), tool("b", "2"), tool("d", "1"), tool("new", "same"), json!({"name": "e f"})];
        let screened = screen(Some(&pins), &after);
        let all = agree(&screened, pins.clone(), &after);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a", "b", "d", "new"]);
        let left = screen(Some(&all), &after);
        let unclean: Vec<_> = left.reports.iter().filter(|r| r.standing != Standing::Same).collect();
        assert_eq!(unclean.len(), 1, "a name that nobody can hold is never agreed to: {unclean:?}");
        let mut only_b = screened;
        only_b.reports.retain(|report| report.tool == "b");
        let some = agree(&only_b, pins.clone(), &after);
        assert_eq!(some.keys().collect::<Vec<_>>(), ["a", "b", "c", "old"], "the others stand as they were");
        assert_ne!(some["b"], pins["b"]);
    }

    #[test]
    fn a_tool_listed_twice_is_not_pinned() {
        let listed = [tool("a", "1"), tool("a", "2")];
        assert!(pin_all(&screen(None, &listed), &listed).is_empty());
    }
}
