//! From what a server lists to what decisions read of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ServerPins;
use super::compare::{Standing, compare};
use super::hints::{Hint, hints};
use super::listed::claimed_name;
use crate::catalogue::{Catalogue, CatalogueTool};
use crate::id::Name;
use crate::schema::ToolSchema;

/// What a server lists, looked through.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Screened {
    /// What to register of the server. What may not be called is in it, quarantined, so that a call of it
    /// is told why; where a tool is pinned its schema is the pinned one.
    pub catalogue: Catalogue,
    /// One for each tool that was listed or pinned, by name.
    pub reports: Vec<ToolReport>,
}

/// What there is to say of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolReport {
    /// The name it was listed or pinned under: a server's own text, possibly hostile.
    pub tool: String,
    /// How it stands to the pins.
    pub standing: Standing,
    /// What looks odd in its definition. A hint, never a proof.
    pub hints: Vec<Hint>,
}

impl Screened {
    /// Whether every tool is as it was pinned.
    pub fn is_clean(&self) -> bool {
        self.reports.iter().all(|report| report.standing == Standing::Same)
    }

    /// Whether a listed tool may be shown and called.
    pub fn is_callable(&self, tool: &str) -> bool {
        self.reports.iter().any(|report| report.tool == tool && report.standing.is_callable())
    }

    fn report(&mut self, tool: &str, standing: Standing, hints: Vec<Hint>) {
        self.reports.push(ToolReport { tool: tool.to_owned(), standing, hints });
    }
}

/// Looks through the entries of `tools/list` (all pages of it). With pins, whatever is not as it was pinned
/// is quarantined; without, only what no policy could name or judge.
pub fn screen(pins: Option<&ServerPins>, listed: &[Value]) -> Screened {
    let mut screened = Screened { catalogue: Catalogue::default(), reports: Vec::new() };
    let tools = readable(listed, &mut screened);
    let by_name: BTreeMap<&Name, &CatalogueTool> = tools.iter().map(|tool| (&tool.name, tool)).collect();
    let twice = repeated(&tools);
    let mut standings = pins.map(|pins| compare(pins, &by_name)).unwrap_or_default();
    for (name, tool) in &by_name {
        let standing = match unusable(tool, twice.contains(*name)) {
            Some(why) => Standing::Unusable(why),
            None => standings.remove(*name).unwrap_or(Standing::Unpinned),
        };
        screened.catalogue.tools.push(entry(tool, &standing, pins));
        screened.report(name, standing, hints(tool));
    }
    for name in pins.into_iter().flat_map(BTreeMap::keys).filter(|name| !by_name.contains_key(name)) {
        screened.report(name, Standing::Gone, Vec::new());
    }
    screened.reports.sort_by(|a, b| a.tool.cmp(&b.tool));
    screened
}

fn readable(listed: &[Value], screened: &mut Screened) -> Vec<CatalogueTool> {
    let mut tools = Vec::with_capacity(listed.len());
    for entry in listed {
        match CatalogueTool::from_listed(entry) {
            Ok(tool) => tools.push(tool),
            Err(why) => {
                let name = claimed_name(entry);
                let odd = super::hints::hints_of_text("name", name);
                screened.report(name, Standing::Unusable(why.to_string()), odd);
            }
        }
    }
    tools
}

/// A name listed twice names two tools, and nobody knows which of them a call would reach.
fn repeated(tools: &[CatalogueTool]) -> BTreeSet<Name> {
    let mut seen = BTreeSet::new();
    tools.iter().map(|tool| &tool.name).filter(|name| !seen.insert(*name)).cloned().collect()
}

fn unusable(tool: &CatalogueTool, twice: bool) -> Option<String> {
    if twice {
        return Some("the server lists it twice".to_owned());
    }
    let refused = tool.input_schema.as_ref().and_then(|schema| ToolSchema::compile(schema).err());
    let refused = refused.map(|why| format!("its input schema is refused: {why}"));
    let deep =
        || super::DefinitionDigest::of(tool).is_none().then(|| "its definition is too deep".to_owned());
    refused.or_else(deep)
}

/// A tool that may not be called keeps the schema it was pinned with, or none: what it says now is not
/// believed, and may not even compile.
fn entry(tool: &CatalogueTool, standing: &Standing, pins: Option<&ServerPins>) -> CatalogueTool {
    if standing.is_callable() {
        return tool.clone();
    }
    let pinned = pins.and_then(|pins| pins.get(&tool.name)).map(|pin| pin.tool(&tool.name));
    let known = pinned.unwrap_or_else(|| CatalogueTool::new(tool.name.clone()));
    CatalogueTool { quarantined: true, ..known }
}
