//! The compiled view of a role that decisions read: parents resolved, names interned, programs
//! shared. Made on write, so that reading costs the same however many roles there are.

mod compile;
mod explain;
mod pool;
mod rules;
mod tools;

use smallvec::SmallVec;

pub use self::compile::{Compiler, MAX_PARENTS};
pub use self::explain::{GuardsView, ScopeView, ToolView};
pub(crate) use self::rules::ToolRules;
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

use std::sync::Arc;

/// What sessions of one role may do.
#[derive(Debug)]
pub struct Scope {
    tools: ToolSet,
    /// Role-wide guards, cumulative: level k holds those of the role and its first k parents.
    levels: SmallVec<[Level; 1]>,
    /// Tools with guards of their own, or granted by a parent; sorted.
    rules: Rules,
    limits: SmallVec<[Limit; 2]>,
    forbids: Option<Box<Forbids>>,
    delegation_depth: u64,
    digests_arguments: bool,
    ttl_seconds: u64,
    version: u64,
    /// Whether any limit counts on the shared and on the own account.
    counts: [bool; 2],
    card: Arc<Card>,
}

/// The level that grants a tool, and the guards of its own.
type Rules = SmallVec<[(ToolId, u8, Option<Arc<ToolRules>>); 2]>;

/// Who a scope belongs to: nothing that a permit reads.
#[derive(Debug)]
struct Card {
    name: Name,
    /// The role's parents, nearest first.
    parents: Box<[Name]>,
    /// Which limits the shared and the own accounts count, by slot.
    shapes: [Shape; 2],
}

/// What the accounts of a ledger count, by slot: the role that set the limit, and its window.
pub type Shape = Arc<[(Name, Window)]>;

/// The role-wide guards that apply to a tool.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) schedule: Schedule,
    pub(crate) environments: Option<Arc<Environments>>,
    pub(crate) rows: Option<Arc<Rows>>,
}

/// A rate limit of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Counts tools granted at this level or further up.
    pub(crate) level: u8,
    /// Whose account it is counted on.
    pub account: Account,
    /// Its account among those of the same kind.
    pub slot: u8,
    /// The span it counts over.
    pub window: Window,
    /// The limit.
    pub quota: Quota,
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
        self.ttl_seconds
    }

    /// How deep sub-agents may go.
    pub fn delegation_depth(&self) -> u64 {
        self.delegation_depth
    }

    /// What the accounts of this kind count, by slot: survives changes of the policy.
    pub fn shape(&self, account: Account) -> &Shape {
        let [shared, own] = &self.card.shapes;
        match account {
            Account::Shared => shared,
            Account::Own => own,
        }
    }

    /// Whether any limit counts on accounts of this kind.
    #[inline]
    pub fn counts(&self, account: Account) -> bool {
        let [shared, own] = self.counts;
        match account {
            Account::Shared => shared,
            Account::Own => own,
        }
    }

    /// Every rate limit.
    #[inline]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Whether a tool of this name could ever be permitted.
    pub fn could_permit(&self, tools: &ToolTable, tool: &str) -> bool {
        let granted = tools.find(tool).and_then(|id| self.granted(id)).is_some();
        granted && !self.forbids().is_some_and(|forbids| forbids.names(tool))
    }

    #[inline]
    pub(crate) fn forbids(&self) -> Option<&Forbids> {
        self.forbids.as_deref()
    }

    #[inline]
    pub(crate) fn digests_arguments(&self) -> bool {
        self.digests_arguments
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
        Some(Granted { scope: self, level: self.levels.get(usize::from(depth))?, depth, rules })
    }
}
