//! Tools that roles grant by a pattern. Looked at only where no role lists the tool by its exact name, so the
//! path of every listed tool knows nothing of them.

use super::{Asked, Granted, Scope, ToolEntry, ToolTable};
use crate::forbid::glob;
use crate::grant::overlap;
use crate::id::Name;
use crate::problem::{self, Problem};
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

/// Whether a pattern is one that may grant: a name, where `*` may stand for any characters. What it grants, it
/// grants wherever it is called, as a bare name does.
pub(super) fn parse(pattern: &str) -> Result<(), Problem> {
    if ToolEntry::read(pattern).server.is_some() {
        return Err(Problem::GrantAtServer(pattern.to_owned()));
    }
    problem::name(&pattern.replace('*', "x")).map_err(|_| Problem::Name(pattern.to_owned()))
}

impl Scope {
    /// What grants a tool that no role of the chain lists, there or anywhere.
    #[inline(never)]
    pub(crate) fn granted_by_pattern(&self, entry: ToolEntry<'_>) -> Option<Granted<'_>> {
        let depth = self.guards.patterns.as_ref()?.level(entry.tool)?;
        self.guarded(entry, depth)
    }

    /// Whether it grants a tool that one of these patterns matches.
    pub fn overlaps(&self, tools: &ToolTable, patterns: &[Name]) -> bool {
        let matches = |tool: &str| patterns.iter().any(|pattern| glob(pattern, tool));
        let mut listed = tools.entries().filter(|(.., id)| self.tools.contains(*id));
        let own =
            || self.guards.patterns.iter().flat_map(|own| own.iter()).map(|(pattern, _)| pattern.clone());
        listed.any(|(name, ..)| matches(name)) || overlap(patterns, &own().collect::<Vec<_>>())
    }

    /// A tool that something else grants, with all that the role and its parents guard it with.
    #[inline(never)]
    pub(crate) fn guarded_by_all(&self, asked: Asked<'_>) -> Option<Granted<'_>> {
        let depth = u8::try_from(self.guards.levels.len().checked_sub(1)?).ok()?;
        match self.listed(asked) {
            None => self.guarded(asked.entry, depth),
            Some(listed) => {
                let level = self.guards.levels.last()?;
                let asks = listed.rules.map_or(level.asks, |rules| rules.asks.and(level.asks));
                Some(Granted { level, depth, asks, ..listed })
            }
        }
    }

    /// A tool that no role of the chain lists, with all that guards it where the role at `depth` grants it. What
    /// is said of it at a server holds all that is said of it anywhere.
    fn guarded(&self, entry: ToolEntry<'_>, depth: u8) -> Option<Granted<'_>> {
        let level = self.guards.levels.get(usize::from(depth))?;
        let rules = self.card.rules_of(entry);
        let rules = rules.or_else(|| self.card.rules_of(ToolEntry { server: None, ..entry }));
        let asks = rules.map_or(level.asks, |rules| rules.asks.and(level.asks));
        Some(Granted { scope: self, level, depth, rules, asks })
    }
}
