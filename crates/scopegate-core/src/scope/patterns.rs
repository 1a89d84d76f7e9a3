//! Tools that roles grant by a pattern. Looked at only where no role lists the tool by its exact name, so the
//! path of every listed tool knows nothing of them.

use super::{Granted, Scope, ToolId, ToolTable};
use crate::forbid::glob;
use crate::grant::overlap;
use crate::id::Name;
use crate::problem;
use crate::role::Role;

/// The `allowed_actions` of a role and its parents, each with its role's level; the farthest comes first.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Patterns(Box<[(Name, u8)]>);

impl Patterns {
    /// `None` when no role of the chain has any.
    pub(super) fn compile(chain: &[&Role]) -> Option<Box<Self>> {
        let levels = chain.iter().zip(0..);
        let of =
            |(role, level): (&&Role, u8)| role.allowed_actions.clone().into_iter().map(move |p| (p, level));
        let mut all: Vec<(Name, u8)> = levels.flat_map(of).collect();
        all.sort_by_key(|(_, level)| std::cmp::Reverse(*level)); // the farthest wins, as with exact names
        (!all.is_empty()).then(|| Box::new(Self(all.into())))
    }

    /// The farthest role that grants the tool. What could not stand in a role is no tool: no pattern grants
    /// an empty name, or one that only looks like another.
    pub(super) fn level(&self, tool: &str) -> Option<u8> {
        problem::name(tool).ok()?;
        self.0.iter().find(|(pattern, _)| glob(pattern, tool)).map(|(_, level)| *level)
    }

    /// The patterns and their levels.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Name, u8)> {
        self.0.iter()
    }
}

impl Scope {
    /// What grants a tool, by its name or by a pattern.
    pub(crate) fn granted_named(&self, id: Option<ToolId>, tool: &str) -> Option<Granted<'_>> {
        id.and_then(|id| self.granted(id)).or_else(|| self.granted_by_pattern(tool))
    }

    /// What grants a tool that no role of the chain lists.
    #[inline(never)]
    pub(crate) fn granted_by_pattern(&self, tool: &str) -> Option<Granted<'_>> {
        let depth = self.guards.patterns.as_ref()?.level(tool)?;
        self.guarded(tool, depth)
    }

    /// Whether it grants a tool that one of these patterns matches.
    pub fn overlaps(&self, tools: &ToolTable, patterns: &[Name]) -> bool {
        let matches = |tool: &str| patterns.iter().any(|pattern| glob(pattern, tool));
        let mut listed = tools.names().filter(|(_, id)| self.tools.contains(*id));
        let own =
            || self.guards.patterns.iter().flat_map(|own| own.iter()).map(|(pattern, _)| pattern.clone());
        listed.any(|(name, _)| matches(name)) || overlap(patterns, &own().collect::<Vec<_>>())
    }

    /// A tool that something else grants, with all that the role and its parents guard it with.
    #[inline(never)]
    pub(crate) fn guarded_by_all(&self, id: Option<ToolId>, tool: &str) -> Option<Granted<'_>> {
        let depth = u8::try_from(self.guards.levels.len().checked_sub(1)?).ok()?;
        match id.and_then(|id| self.granted(id)) {
            None => self.guarded(tool, depth),
            Some(listed) => {
                let level = self.guards.levels.last()?;
                let asks = listed.rules.map_or(level.asks, |rules| rules.asks.and(level.asks));
                Some(Granted { level, depth, asks, ..listed })
            }
        }
    }

    /// A tool that no role of the chain lists, with all that guards it where the role at `depth` grants it.
    fn guarded(&self, tool: &str, depth: u8) -> Option<Granted<'_>> {
        let level = self.guards.levels.get(usize::from(depth))?;
        let unlisted = &self.card.unlisted;
        let at = unlisted.binary_search_by(|(name, _)| name.as_str().cmp(tool)).ok();
        let rules = at.and_then(|at| unlisted.get(at)).map(|(_, rules)| &**rules);
        let asks = rules.map_or(level.asks, |rules| rules.asks.and(level.asks));
        Some(Granted { scope: self, level, depth, rules, asks })
    }
}
