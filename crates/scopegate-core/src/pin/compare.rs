//! How a server's tools stand to its pins.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::DefinitionDigest;
use super::{Pin, ServerPins};
use crate::catalogue::CatalogueTool;
use crate::id::Name;

/// How one tool stands to the pins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever shows a report has a word for each")]
pub enum Standing {
    /// As it was pinned.
    Same,
    /// Pinned, and another now, in these parts.
    Changed(Vec<Part>),
    /// Never pinned.
    New,
    /// Never pinned under this name; a pinned tool that is gone had the very same content.
    Renamed {
        /// The name it was pinned under.
        from: Name,
    },
    /// Pinned, and not listed any more.
    Gone,
    /// No pins are in force.
    Unpinned,
    /// It cannot be called, whatever is pinned, for this reason.
    Unusable(String),
}

/// A part of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Part {
    Title,
    Description,
    InputSchema,
    OutputSchema,
    Annotations,
}

impl Part {
    /// The member of a tool that holds it.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::InputSchema => "inputSchema",
            Self::OutputSchema => "outputSchema",
            Self::Annotations => "annotations",
        }
    }
}

impl Standing {
    /// Whether a tool that stands so may be called.
    pub const fn is_callable(&self) -> bool {
        matches!(self, Self::Same | Self::Unpinned)
    }
}

/// The standing of every listed tool, by name.
pub(super) fn compare(
    pins: &ServerPins,
    listed: &BTreeMap<&Name, &CatalogueTool>,
) -> BTreeMap<Name, Standing> {
    let mut renames = Renames::of(pins, listed);
    let standing = |(name, tool): (&&Name, &&CatalogueTool)| match pins.get(name.as_str()) {
        Some(pin) => ((*name).clone(), against(pin, tool)),
        None => match renames.take(tool) {
            Some(from) => ((*name).clone(), Standing::Renamed { from }),
            None => ((*name).clone(), Standing::New),
        },
    };
    listed.iter().map(standing).collect()
}

fn against(pin: &Pin, tool: &CatalogueTool) -> Standing {
    if DefinitionDigest::of(tool) == Some(pin.digest()) {
        return Standing::Same;
    }
    let pinned = pin.tool(&tool.name);
    let parts = [
        (Part::Title, pinned.title != tool.title),
        (Part::Description, pinned.description != tool.description),
        (Part::InputSchema, pinned.input_schema != tool.input_schema),
        (Part::OutputSchema, pinned.output_schema != tool.output_schema),
        (Part::Annotations, pinned.annotations != tool.annotations),
    ];
    Standing::Changed(parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect())
}

/// The pinned tools that are gone, by their content.
struct Renames(BTreeMap<DefinitionDigest, BTreeSet<Name>>);

impl Renames {
    fn of(pins: &ServerPins, listed: &BTreeMap<&Name, &CatalogueTool>) -> Self {
        let mut gone: BTreeMap<_, BTreeSet<Name>> = BTreeMap::new();
        for (name, pin) in pins.iter().filter(|(name, _)| !listed.contains_key(name)) {
            if let Some(content) = DefinitionDigest::of_content(&pin.tool(name)) {
                gone.entry(content).or_default().insert(name.clone());
            }
        }
        Self(gone)
    }

    /// The name that a new tool had; each name is had by one tool.
    fn take(&mut self, tool: &CatalogueTool) -> Option<Name> {
        self.0.get_mut(&DefinitionDigest::of_content(tool)?)?.pop_first()
    }
}
