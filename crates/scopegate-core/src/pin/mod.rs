//! Pins: the definitions of an MCP server's tools as somebody looked at them and agreed.
//!
//! ```text
//! tools/list → screen(pins, listed) → catalogue (what differs is quarantined) + a report on each tool
//! ```
//!
//! A server may say anything of its tools, and another thing tomorrow. What a model is told, and what
//! arguments have to fit, is what was pinned; a tool that differs is not called until somebody has looked.

mod compare;
mod definition;
mod hints;
mod listed;
mod phrases;
mod screen;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::compare::{Part, Standing};
pub use self::definition::DefinitionDigest;
pub use self::hints::{Hint, HintKind, hints, is_odd};
pub use self::listed::Unlisted;
pub use self::screen::{Screened, ToolReport, screen};
use crate::catalogue::CatalogueTool;
use crate::id::Name;
use crate::plain;

/// The pins of several servers, as a file holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "pins are built field by field")]
pub struct Pins {
    /// The version of the format: 1.
    #[serde(deserialize_with = "plain::number")]
    pub version: u64,
    /// By server, its tools.
    pub servers: BTreeMap<Name, ServerPins>,
}

/// The pinned tools of one server, by name.
pub type ServerPins = BTreeMap<Name, Pin>;

/// The definition of one tool, and its digest. The text is there so that a change can be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    /// SHA-256 of the definition: 64 hexadecimal digits.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    sha256: DefinitionDigest,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<Lines>,
    /// For models; a list holds its lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Lines>,
    /// What the arguments have to fit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain::object")]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    input_schema: Option<serde_json::Map<String, serde_json::Value>>,
    /// What the tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_schema: Option<serde_json::Value>,
    /// What the server says of the tool's nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<serde_json::Value>,
}

/// A text; one of several lines as a list of them, so that a change of one line is one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
}

/// What is wrong with pins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// A version this program does not know.
    #[error("version {0} of pins is not known; this program reads version 1")]
    Version(u64),
    /// The name of a server or a tool that no policy could use.
    #[error("`{0}` is not a name: 1 to 128 of letters, digits and `_ . : / -`")]
    Name(String),
    /// A digest beside another definition.
    #[error(
        "`{server}`, tool `{tool}`: the digest is not that of the definition beside it; pins are \
         written by `scopegate mcp pin`, never by hand"
    )]
    Digest {
        /// The server.
        server: Name,
        /// The tool.
        tool: Name,
    },
    /// A definition that has no digest.
    #[error("tool `{0}` has no digest: its definition is too deep")]
    Undigested(Name),
}

impl Default for Pins {
    fn default() -> Self {
        Self { version: 1, servers: BTreeMap::new() }
    }
}

impl Pins {
    /// Whether everything in them is what it says it is.
    ///
    /// # Errors
    /// [`PinError`]: the first problem.
    pub fn check(&self) -> Result<(), PinError> {
        if self.version != 1 {
            return Err(PinError::Version(self.version));
        }
        for (server, pins) in &self.servers {
            named(server)?;
            for (tool, pin) in pins {
                named(tool)?;
                if DefinitionDigest::of(&pin.tool(tool)) != Some(pin.sha256) {
                    return Err(PinError::Digest { server: server.clone(), tool: tool.clone() });
                }
            }
        }
        Ok(())
    }

    /// The pins of a server.
    pub fn server(&self, name: &str) -> Option<&ServerPins> {
        self.servers.get(name)
    }
}

fn named(name: &Name) -> Result<(), PinError> {
    crate::problem::name(name).map_err(|_| PinError::Name(name.to_string()))
}

impl Pin {
    /// Pins a tool as it is defined now.
    ///
    /// # Errors
    /// [`PinError::Undigested`].
    pub fn of(tool: &CatalogueTool) -> Result<Self, PinError> {
        let sha256 = DefinitionDigest::of(tool).ok_or_else(|| PinError::Undigested(tool.name.clone()))?;
        Ok(Self {
            sha256,
            title: tool.title.as_deref().map(Lines::of),
            description: tool.description.as_deref().map(Lines::of),
            input_schema: tool.input_schema.clone(),
            output_schema: tool.output_schema.clone(),
            annotations: tool.annotations.clone(),
        })
    }

    /// The digest of the definition.
    pub fn digest(&self) -> DefinitionDigest {
        self.sha256
    }

    /// The definition, as a tool of this name.
    pub fn tool(&self, name: &Name) -> CatalogueTool {
        CatalogueTool {
            title: self.title.as_ref().map(Lines::text),
            description: self.description.as_ref().map(Lines::text),
            input_schema: self.input_schema.clone(),
            output_schema: self.output_schema.clone(),
            annotations: self.annotations.clone(),
            ..CatalogueTool::new(name.clone())
        }
    }
}

impl Lines {
    fn of(text: &str) -> Self {
        if text.contains('\n') {
            Self::Many(text.split('\n').map(str::to_owned).collect())
        } else {
            Self::One(text.to_owned())
        }
    }

    fn text(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Many(lines) => lines.join("\n"),
        }
    }
}

#[cfg(test)]
mod tests;
