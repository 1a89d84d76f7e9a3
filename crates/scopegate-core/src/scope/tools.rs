//! Tool names as small numbers, and sets of them.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::entry::ToolEntry;
use crate::call::ToolCall;
use crate::id::Name;

/// A tool that some role names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolId(u32);

/// Every tool name that any role knows. Only policies add names, so nothing a caller sends makes
/// it grow, and a fixed hash is safe.
#[derive(Clone, Debug, Default)]
pub struct ToolTable {
    ids: HashMap<Name, ToolId, FixedState>,
    /// Tools of one MCP server alone, by server: apart, so that no call can name one by a name of its own.
    at: HashMap<Name, HashMap<Name, ToolId, FixedState>, FixedState>,
    many: u32,
}

/// The tool of a call: as it is named wherever it is called, and as that of the MCP server it goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'c> {
    /// As the call has them: neither needs to be a name.
    pub(crate) entry: ToolEntry<'c>,
    pub(crate) anywhere: Option<ToolId>,
    pub(crate) at: Option<ToolId>,
}

impl ToolTable {
    /// The number of a tool, if any role names it. Exact bytes: no case folding, no trimming.
    pub fn find(&self, name: &str) -> Option<ToolId> {
        self.ids.get(name).copied()
    }

    /// The number of a tool of one MCP server, if any role names it as such.
    pub(super) fn find_at(&self, tool: &str, server: &str) -> Option<ToolId> {
        self.at.get(server)?.get(tool).copied()
    }

    /// The tool that a call asks for.
    pub(crate) fn asked<'c>(&self, call: &'c ToolCall) -> Asked<'c> {
        self.named(&call.tool, call.server.as_deref())
    }

    /// The same of a tool at this server, or at none.
    pub(crate) fn named<'c>(&self, tool: &'c str, server: Option<&'c str>) -> Asked<'c> {
        let at = server.and_then(|server| self.find_at(tool, server));
        Asked { entry: ToolEntry { tool, server }, anywhere: self.find(tool), at }
    }

    /// Every entry of a role so far, with the server that it is for.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Name, Option<&Name>, ToolId)> {
        let anywhere = self.ids.iter().map(|(tool, id)| (tool, None, *id));
        let at = self
            .at
            .iter()
            .flat_map(|(server, tools)| tools.iter().map(move |(tool, id)| (tool, Some(server), *id)));
        anywhere.chain(at)
    }

    pub(super) fn number(&self, entry: ToolEntry<'_>) -> Option<ToolId> {
        match entry.server {
            Some(server) => self.find_at(entry.tool, server),
            None => self.find(entry.tool),
        }
    }

    pub(super) fn intern(&mut self, entry: ToolEntry<'_>) -> ToolId {
        let (next, tool) = (ToolId(self.many), Name::new(entry.tool));
        let id = match entry.server {
            Some(server) => *self.at.entry(Name::new(server)).or_default().entry(tool).or_insert(next),
            None => *self.ids.entry(tool).or_insert(next),
        };
        if id == next {
            self.many = self.many.saturating_add(1);
        }
        id
    }
}

/// A set of tools: bits for the first 192, a sorted list beyond.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub(super) struct ToolSet {
    bits: [u64; 3],
    more: Box<[ToolId]>,
}

impl ToolSet {
    pub(super) fn new(tools: impl IntoIterator<Item = ToolId>) -> Self {
        let mut set = Self::default();
        let mut more = Vec::new();
        for tool in tools {
            match set.bits.get_mut(tool.0 as usize / 64) {
                Some(word) => *word |= 1 << (tool.0 % 64),
                None => more.push(tool),
            }
        }
        more.sort_unstable();
        more.dedup();
        set.more = more.into();
        set
    }

    pub(super) fn contains(&self, tool: ToolId) -> bool {
        match self.bits.get(tool.0 as usize / 64) {
            Some(word) => word >> (tool.0 % 64) & 1 == 1,
            None => self.more.binary_search(&tool).is_ok(),
        }
    }
}
