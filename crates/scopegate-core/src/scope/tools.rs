//! Tool names as small numbers, and sets of them.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::id::Name;

/// A tool that some role names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolId(u32);

/// Every tool name that any role knows. Only policies add names, so nothing a caller sends makes
/// it grow, and a fixed hash is safe.
#[derive(Clone, Debug, Default)]
pub struct ToolTable {
    ids: HashMap<Name, ToolId, FixedState>,
}

impl ToolTable {
    /// The number of a tool, if any role names it. Exact bytes: no case folding, no trimming.
    pub fn find(&self, name: &str) -> Option<ToolId> {
        self.ids.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&Name, ToolId)> {
        self.ids.iter().map(|(name, id)| (name, *id))
    }

    pub(crate) fn intern(&mut self, name: &Name) -> ToolId {
        let next = ToolId(u32::try_from(self.ids.len()).unwrap_or(u32::MAX));
        *self.ids.entry(name.clone()).or_insert(next)
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
