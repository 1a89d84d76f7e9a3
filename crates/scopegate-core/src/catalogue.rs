//! What MCP servers offer: catalogues as operators register them, and as decisions read them.

mod built_in;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::Name;
use crate::pin::DefinitionDigest;
use crate::plain;
use crate::problem::{self, PolicyError, Problem};
use crate::schema::ToolSchema;

/// Most tools of one server.
const MAX_TOOLS: usize = 1024;

/// The tools of an MCP server, as its own `tools/list` names them. A tool that is not among them is
/// never permitted on that server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct Catalogue {
    /// Every tool, each once; at most 1024.
    pub tools: Vec<CatalogueTool>,
}

/// One tool of an MCP server, with the member names that MCP gives them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct CatalogueTool {
    /// Its name.
    pub name: Name,
    /// What must hold of the arguments: JSON Schema (2020-12, or the draft that `$schema` names),
    /// at most 64 KiB, 16 subschemas deep, referring only to itself.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain::object")]
    #[cfg_attr(feature = "schema", schemars(with = "Map<String, Value>"))]
    pub input_schema: Option<Map<String, Value>>,
    /// For people. No rule reads this, nor what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What the server says of the tool's nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// Pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icons: Option<Value>,
    /// How it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Value>,
    /// Anything else that the server adds.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
    /// Nobody has looked at the tool as it is now, so it is not called. Not a word of MCP.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "plain::truth")]
    pub quarantined: bool,
}

impl Catalogue {
    /// A catalogue of these tools, without schemas.
    pub fn of<N: Into<Name>>(tools: impl IntoIterator<Item = N>) -> Self {
        Self { tools: tools.into_iter().map(CatalogueTool::new).collect() }
    }

    /// The catalogue, with every tool quarantined that another of the same server quarantines: what an
    /// operator wrote stands above what a server says, a pin above both.
    #[must_use]
    pub fn quarantine_as(self, other: &Self) -> Self {
        let held = |name: &Name| other.tools.iter().any(|tool| tool.quarantined && tool.name == *name);
        let judged =
            |tool: CatalogueTool| CatalogueTool { quarantined: tool.quarantined || held(&tool.name), ..tool };
        Self { tools: self.tools.into_iter().map(judged).collect() }
    }
}

impl CatalogueTool {
    /// A tool whose arguments may be anything.
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The tool, taking only arguments that fit this schema.
    #[must_use]
    pub fn with_schema(self, schema: Map<String, Value>) -> Self {
        Self { input_schema: Some(schema), ..self }
    }
}

/// The catalogues in force, compiled. Only operators add to it, so a fixed hash is safe.
#[derive(Clone, Debug, Default)]
pub struct Catalogues(HashMap<Name, Arc<Tools>, FixedState>);

/// The tools of one server.
type Tools = HashMap<Name, Offered, FixedState>;

/// A tool as decisions read it.
#[derive(Debug)]
struct Offered {
    schema: Option<ToolSchema>,
    definition: DefinitionDigest,
    quarantined: bool,
}

/// What is known of a tool on a server.
pub(crate) enum Offer {
    /// The server has it.
    Listed,
    /// The server has it, and nobody has looked at what it is now.
    Quarantined,
    /// The server was registered without it.
    NotRegistered,
    /// It is a well-known server, and we do not know it to have this tool.
    NotBuiltIn,
    /// Nobody has described the server.
    Undescribed,
}

impl Catalogues {
    /// Registers a server, in the place of what was registered under its name.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the catalogue; nothing changed.
    pub fn put(&mut self, server: &Name, catalogue: &Catalogue) -> Result<(), PolicyError> {
        problem::name(server)?;
        let tools = compile(catalogue)?;
        self.0.insert(server.clone(), Arc::new(tools));
        Ok(())
    }

    /// Forgets a server; whether there was one.
    pub fn remove(&mut self, server: &str) -> bool {
        self.0.remove(server).is_some()
    }

    pub(crate) fn offer(&self, server: &str, tool: &str) -> Offer {
        match (self.0.get(server), built_in::tools(server)) {
            (Some(tools), _) => match tools.get(tool) {
                Some(offered) if offered.quarantined => Offer::Quarantined,
                Some(_) => Offer::Listed,
                None => Offer::NotRegistered,
            },
            (None, Some(tools)) if tools.contains(&tool) => Offer::Listed,
            (None, Some(_)) => Offer::NotBuiltIn,
            (None, None) => Offer::Undescribed,
        }
    }

    /// The schema that was registered for a tool.
    pub(crate) fn schema(&self, server: &str, tool: &str) -> Option<&ToolSchema> {
        self.0.get(server)?.get(tool)?.schema.as_ref()
    }

    /// The digest of what a tool was registered as; `None` when nobody has described it.
    pub fn definition(&self, server: &str, tool: &str) -> Option<DefinitionDigest> {
        Some(self.0.get(server)?.get(tool)?.definition)
    }
}

fn compile(catalogue: &Catalogue) -> Result<Tools, PolicyError> {
    let in_tools = |error: PolicyError, index| error.in_element(index).in_member("tools");
    let many = catalogue.tools.len();
    if many > MAX_TOOLS {
        return Err(PolicyError::from(Problem::TooMany(many, MAX_TOOLS)).in_member("tools"));
    }
    let mut tools = Tools::default();
    for (tool, index) in catalogue.tools.iter().zip(0..) {
        let named = |problem: Problem| in_tools(PolicyError::from(problem).in_member("name"), index);
        problem::name(&tool.name).map_err(named)?;
        let schema = tool.input_schema.as_ref().map(ToolSchema::compile).transpose();
        let schema = schema
            .map_err(|refused| PolicyError::from(Problem::Schema(refused.to_string())))
            .map_err(|error| in_tools(error.in_member("inputSchema"), index))?;
        let definition = DefinitionDigest::of(tool);
        let definition = definition.ok_or_else(|| in_tools(Problem::Definition.into(), index))?;
        let offered = Offered { schema, definition, quarantined: tool.quarantined };
        if tools.insert(tool.name.clone(), offered).is_some() {
            return Err(named(Problem::DuplicateTool(tool.name.to_string())));
        }
    }
    Ok(tools)
}
