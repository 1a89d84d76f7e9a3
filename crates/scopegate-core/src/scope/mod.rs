//! The compiled view of a role that decisions read: parents resolved, names interned, programs
//! shared. Made on write, so that reading costs the same however many roles there are.

mod asks;
mod compile;
mod entry;
mod explain;
mod patterns;
mod pool;
mod rules;
mod servers;
mod tools;

use std::sync::Arc;

use smallvec::SmallVec;

pub(crate) use self::asks::Asks;
pub use self::compile::{Compiler, MAX_PARENTS};
pub use self::entry::ToolEntry;
pub use self::explain::{GuardsView, PatternView, ScopeView, ToolView};
use self::patterns::Patterns;
pub(crate) use self::rules::ToolRules;
pub(crate) use self::servers::Servers;
pub(crate) use self::tools::Asked;
use self::tools::ToolSet;
pub use self::tools::{ToolId, ToolTable};
use crate::environment::Environments;
use crate::facts::Account;
use crate::forbid::Forbids;
use crate::grant::Granted;
use crate::id::Name;
use crate::rate::{Quota, Window};
use crate::rows::Rows;
use crate::schedule::Schedule;
use crate::trust::Trust;

/// What sessions of one role may do. Two cache lines, of which a decision nearly always reads the first alone:
/// of a hundred thousand roles, most calls find theirs in memory that is far away.
#[derive(Clone, Debug)]
#[repr(C, align(128))]
pub struct Scope {
    guards: Arc<Guards>,
    version: u64,
    /// Tools with guards of their own, or granted by a parent; sorted.
    rules: Rules,
    tools: ToolSet,
    card: Arc<Card>,
}

/// The level that grants a tool, and the guards of its own.
type Rules = SmallVec<[(ToolId, u8, Option<Arc<ToolRules>>); 2]>;

/// What a role says beside its tools. Roles that say the same hold it once.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Guards {
    /// Role-wide guards, cumulative: level k holds those of the role and its first k parents.
    levels: Box<[Level]>,
    /// Those that all sessions of one owner share, and those that each session has.
    limits: [Box<[Limit]>; 2],
    forbids: Option<Box<Forbids>>,
    /// Tools that are granted by patterns; `None` when no role of the chain has any.
    patterns: Option<Box<Patterns>>,
    /// Which MCP servers its calls may go to, and how often; `None` when no role of the chain says.
    servers: Option<Box<Servers>>,
    delegation_depth: u64,
    digests_arguments: bool,
    ttl_seconds: u64,
}

/// Who a scope belongs to, and what guards tools that it does not list: nothing that the permit of a listed
/// tool reads.
#[derive(Debug)]
struct Card {
    name: Name,
    /// The role's parents, nearest first.
    parents: Box<[Name]>,
    /// What has guards of its own and no role of the chain lists.
    unlisted: Unlisted,
}

/// Entries as roles write them and their rules, in the order of [`ToolEntry`].
type Unlisted = Box<[(Name, Arc<ToolRules>)]>;

/// What the accounts of a ledger count, by slot: survives changes of the policy.
#[derive(Clone, Debug)]
pub struct Shape {
    card: Arc<Card>,
    guards: Arc<Guards>,
    account: Account,
}

/// Names a limit: the role that sets it, its window, and the MCP server if it is for one alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a key is all of its parts")]
pub struct LimitKey {
    /// The role that sets it.
    pub role: Name,
    /// The span it counts over.
    pub window: Window,
    /// The MCP server whose calls alone it counts.
    pub server: Option<Name>,
}

impl Shape {
    /// What each account counts, by slot.
    pub fn counted(&self) -> impl Iterator<Item = LimitKey> {
        let all = self.guards.limits(self.account).iter().map(|limit| (limit, None));
        let servers = self.guards.servers.iter().flat_map(|servers| servers.limits(self.account));
        let all = all.chain(servers.map(|(server, limit)| (limit, Some(server.clone()))));
        all.filter_map(|(limit, server)| {
            let role = self.card.nth(limit.level)?.clone();
            Some(LimitKey { role, window: limit.window, server })
        })
    }
}

impl Card {
    /// The role itself, or its parent at that level.
    fn nth(&self, level: u8) -> Option<&Name> {
        std::iter::once(&self.name).chain(&self.parents).nth(usize::from(level))
    }

    /// The rules of an entry that no role of the chain lists.
    fn rules_of(&self, entry: ToolEntry<'_>) -> Option<&ToolRules> {
        let at = self.unlisted.binary_search_by(|(written, _)| ToolEntry::read(written).cmp(&entry)).ok()?;
        self.unlisted.get(at).map(|(_, rules)| &**rules)
    }
}

/// The role-wide guards that apply to a tool.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Level {
    pub(crate) schedule: Schedule,
    /// How far the owner must be trusted at least.
    pub(crate) min_trust: Option<Trust>,
    pub(crate) environments: Option<Arc<Environments>>,
    pub(crate) rows: Option<Arc<Rows>>,
    /// All that is asked for here.
    asks: Asks,
}

/// A rate limit of a scope, counted on the account that has its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limit {
    /// Counts tools granted at this level or further up.
    pub(crate) level: u8,
    /// The span it counts over.
    pub(crate) window: Window,
    /// The limit.
    pub(crate) quota: Quota,
}

impl Guards {
    #[inline]
    fn limits(&self, account: Account) -> &[Limit] {
        let [shared, own] = &self.limits;
        match account {
            Account::Shared => shared,
            Account::Own => own,
        }
    }
}

impl Scope {
    /// The role's name.
    pub fn name(&self) -> &Name {
        &self.card.name
    }

    /// Counts the changes of this role.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The role's parents, nearest first.
    pub fn parents(&self) -> &[Name] {
        &self.card.parents
    }

    /// How long a session lives, in seconds.
    pub fn ttl_seconds(&self) -> u64 {
        self.guards.ttl_seconds
    }

    /// How deep sub-agents may go.
    pub fn delegation_depth(&self) -> u64 {
        self.guards.delegation_depth
    }

    /// What the accounts of this kind count.
    pub fn shape(&self, account: Account) -> Shape {
        Shape { card: self.card.clone(), guards: self.guards.clone(), account }
    }

    /// Whether any limit counts on accounts of this kind.
    #[inline]
    pub fn counts(&self, account: Account) -> bool {
        !self.limits(account).is_empty() || self.servers().is_some_and(|servers| servers.count(account))
    }

    /// The limits that accounts of this kind count, by slot; those of MCP servers come behind.
    #[inline]
    pub(crate) fn limits(&self, account: Account) -> &[Limit] {
        self.guards.limits(account)
    }

    /// Whether a tool of this name could ever be permitted, at this MCP server or at none.
    pub fn could_permit(&self, tools: &ToolTable, tool: &str, server: Option<&str>) -> bool {
        let asked = tools.named(tool, server);
        let listed = self.listed_servers(asked);
        let goes =
            server.is_none_or(|server| listed.is_some_and(|listed| listed.iter().any(|s| s == server)));
        goes && self.grants(asked).is_some()
            && !self.forbids().is_some_and(|forbids| forbids.names(tool, server))
    }

    #[inline]
    pub(crate) fn forbids(&self) -> Option<&Forbids> {
        self.guards.forbids.as_deref()
    }

    #[inline]
    pub(crate) fn digests_arguments(&self) -> bool {
        self.guards.digests_arguments
    }

    /// What admits the tool of a call, wherever it goes. A tool of one server has an entry of its own where
    /// any role of the chain says something of it there, and that holds what all of them say of it anywhere.
    /// Patterns are looked at only for what no role lists.
    pub(crate) fn grants(&self, asked: Asked<'_>) -> Option<Granted<'_>> {
        self.listed(asked).or_else(|| self.granted_by_pattern(asked.entry))
    }

    /// The same of what a role of the chain lists: there, or else anywhere.
    fn listed(&self, asked: Asked<'_>) -> Option<Granted<'_>> {
        let at = asked.at.and_then(|tool| self.granted(tool));
        at.or_else(|| asked.anywhere.and_then(|tool| self.granted(tool)))
    }

    #[inline(always)]
    pub(crate) fn granted(&self, tool: ToolId) -> Option<Granted<'_>> {
        if !self.tools.contains(tool) {
            return None;
        }
        let entry = match self.rules.len() {
            // A few entries are found faster by looking at each.
            0..=8 => self.rules.iter().find(|(id, ..)| *id == tool),
            _ => {
                self.rules.binary_search_by_key(&tool, |(id, ..)| *id).ok().and_then(|at| self.rules.get(at))
            }
        };
        let (depth, rules) = entry.map_or((0, None), |(_, depth, rules)| (*depth, rules.as_deref()));
        let level = self.guards.levels.get(usize::from(depth))?;
        let asks = rules.map_or(level.asks, |rules| rules.asks.and(level.asks));
        Some(Granted { scope: self, level, depth, rules, asks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_reads_one_cache_line_of_a_scope() {
        assert_eq!(size_of::<Option<Scope>>(), 128);
        // The first word of the set has the first 64 tools.
        assert!(std::mem::offset_of!(Scope, tools) + size_of::<u64>() <= 64);
    }
}
