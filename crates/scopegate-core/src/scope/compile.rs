//! From roles as written to scopes as read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::patterns::{self, Patterns};
use super::pool::Pool;
use super::rules::Shared;
use super::servers;
use super::tools::{ToolSet, ToolTable};
use super::{Asks, Card, Guards, Level, Limit, Rules, Scope, Servers, ToolEntry, ToolRules, Unlisted};
use crate::environment::Environments;
use crate::forbid::{self, Forbids};
use crate::id::Name;
use crate::problem::{self, PolicyError, Problem};
use crate::rate::{Quota, Window};
use crate::redact;
use crate::role::{RateScope, RecordArguments, Role};
use crate::rows::Rows;
use crate::schedule::Schedule;
use crate::trust::Trust;

/// Most parents above a role.
pub const MAX_PARENTS: usize = 8;
/// Largest rate limit.
pub(super) const MAX_RATE: u64 = 1_000_000;
/// Longest life of a session or a review: thirty days.
const MAX_SECONDS: u64 = 30 * 24 * 3600;
/// A limit of scope `session` also has a shared ceiling of so many times itself.
const CEILING: u64 = 10;

/// Compiles roles. Keeps the tool names and the shared rules between compilations, so that
/// changing one role costs one role.
#[derive(Debug, Default)]
pub struct Compiler {
    tools: Arc<ToolTable>,
    shared: Shared,
    environments: Pool<Environments>,
    rows: Pool<Rows>,
    guards: Pool<Guards>,
}

impl Compiler {
    /// The names of all tools so far.
    pub fn tools(&self) -> &Arc<ToolTable> {
        &self.tools
    }

    /// Checks a role on its own: names, hours, constraints, unsupported fields.
    fn check(&mut self, role: &Role) -> Result<(), PolicyError> {
        check_names(role)?;
        check_supported(role)?;
        check_sizes(role)?;
        Schedule::compile(role)?;
        for (tool, constraints) in &role.parameter_constraints {
            let sound = self.shared.check(constraints);
            sound.map_err(|error| error.in_member(tool).in_member("parameter_constraints"))?;
        }
        for (tool, constraints) in &role.approval_unless {
            let place = |error: PolicyError| error.in_member(tool).in_member("approval_unless");
            self.shared.check(constraints).map_err(place)?;
            if constraints.is_empty() {
                return Err(place(Problem::EmptyUnless.into()));
            }
            // What is held wherever it is called is held at each server.
            let anywhere = ToolEntry::read(tool).tool;
            if role.approval_required.iter().any(|held| held == tool || held == anywhere) {
                return Err(place(Problem::NeverWaived(tool.to_string()).into()));
            }
        }
        for (tool, rules) in &role.redact_output {
            redact::check(rules).map_err(|error| error.in_member(tool).in_member("redact_output"))?;
        }
        Ok(())
    }

    /// Compiles a role with its parents, which `roles` must hold.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the role.
    pub fn compile(
        &mut self,
        role: &Role,
        roles: &BTreeMap<Name, Arc<Role>>,
        version: u64,
    ) -> Result<Scope, PolicyError> {
        let chain = chain(role, roles)?;
        chain.iter().try_for_each(|role| self.check(role))?;
        let guards = self.role_wide(role, &chain)?;
        let depths = depths(&chain, guards.patterns.as_deref());
        let unlisted = self.unlisted(&chain, &depths)?;
        let mut rules = Rules::new();
        let mut ids = Vec::with_capacity(depths.len());
        for (entry, depth) in depths {
            let id = self.intern(entry);
            ids.push(id);
            let guards = self.rules(entry, &chain)?;
            if depth > 0 || guards.is_some() {
                rules.push((id, depth, guards));
            }
        }
        rules.sort_unstable_by_key(|(id, ..)| *id);
        rules.shrink_to_fit();
        Ok(Scope {
            tools: ToolSet::new(ids),
            rules,
            guards: self.guards.share(guards),
            version,
            card: Arc::new(Card {
                name: role.name.clone(),
                parents: chain.iter().skip(1).map(|role| role.name.clone()).collect(),
                unlisted,
            }),
        })
    }

    /// The rules of what no role of the chain lists: what else may grant it is guarded too. Sorted.
    fn unlisted(
        &mut self,
        chain: &[&Role],
        listed: &BTreeMap<ToolEntry<'_>, u8>,
    ) -> Result<Unlisted, PolicyError> {
        let said: BTreeSet<_> = chain.iter().flat_map(|role| said(role)).map(ToolEntry::read).collect();
        let mut rules = Vec::new();
        for entry in said.into_iter().filter(|entry| !listed.contains_key(entry)) {
            let guards = self.rules(entry, chain)?;
            rules.extend(guards.map(|guards| (Name::new(entry.to_string()), guards)));
        }
        Ok(rules.into())
    }

    /// All that a chain says of an entry; of a tool at one server, also what it says of the tool anywhere.
    fn rules(
        &mut self,
        entry: ToolEntry<'_>,
        chain: &[&Role],
    ) -> Result<Option<Arc<ToolRules>>, PolicyError> {
        match entry.server {
            None => self.shared.rules(&[entry.tool], chain),
            Some(_) => self.shared.rules(&[&entry.to_string(), entry.tool], chain),
        }
    }

    /// Forgets rules that no scope holds any more.
    pub fn sweep(&mut self) {
        self.guards.sweep(); // first: it holds some of the others
        self.shared.sweep();
        self.environments.sweep();
        self.rows.sweep();
    }

    fn role_wide(&mut self, role: &Role, chain: &[&Role]) -> Result<Guards, PolicyError> {
        let digests_arguments = chain.iter().any(|role| role.record_arguments == RecordArguments::Digest);
        Ok(Guards {
            levels: self.levels(chain, digests_arguments)?,
            forbids: Forbids::new(
                chain.iter().flat_map(|role| role.denied_actions.iter().cloned()).collect(),
            ),
            patterns: Patterns::compile(chain),
            delegation_depth: role.max_delegation_depth,
            digests_arguments,
            ttl_seconds: if role.default_ttl_seconds == 0 { 3600 } else { role.default_ttl_seconds },
            limits: limits(chain),
            servers: Servers::compile(chain),
        })
    }

    /// Role-wide guards, each level holding those of all nearer ones too.
    fn levels(&mut self, chain: &[&Role], digests: bool) -> Result<Box<[Level]>, PolicyError> {
        let mut levels: Vec<Level> = Vec::with_capacity(chain.len());
        for role in chain {
            let environments = (!role.allowed_envs.is_empty()).then(|| Environments {
                allowed: role.allowed_envs.clone().into(),
                optional: role.env_optional,
            });
            let rows = Rows::new(role.max_rows, role.rows_optional);
            let schedule = Schedule::compile(role)?;
            let min_trust = role.min_trust_level.and_then(Trust::from_whole);
            let mut level = match levels.last() {
                None => Level {
                    schedule,
                    min_trust,
                    environments: environments.map(|own| self.environments.share(own)),
                    rows: rows.map(|own| self.rows.share(own)),
                    asks: Asks::NOTHING,
                },
                Some(nearer) => Level {
                    schedule: nearer.schedule.and(schedule),
                    min_trust: nearer.min_trust.max(min_trust),
                    environments: self.environments.both(
                        &nearer.environments,
                        environments,
                        Environments::and,
                    ),
                    rows: self.rows.both(&nearer.rows, rows, Rows::and),
                    asks: Asks::NOTHING,
                },
            };
            level.asks = Asks::of_level(&level, digests);
            levels.push(level);
        }
        Ok(levels.into())
    }

    fn intern(&mut self, entry: ToolEntry<'_>) -> super::ToolId {
        match self.tools.number(entry) {
            Some(id) => id,
            None => Arc::make_mut(&mut self.tools).intern(entry),
        }
    }
}

/// What a chain lists, and the farthest role that grants it, be it by a pattern. A tool of one server stands
/// there by itself where any role says something of it, be it listed there or everywhere.
fn depths<'a>(chain: &[&'a Role], patterns: Option<&Patterns>) -> BTreeMap<ToolEntry<'a>, u8> {
    let mut depths: BTreeMap<ToolEntry<'a>, u8> = BTreeMap::new();
    for (role, depth) in chain.iter().zip(0..) {
        depths.extend(role.allowed_tools.iter().map(|tool| (ToolEntry::read(tool), depth))); // the farthest wins
    }
    let said = chain.iter().flat_map(|role| said(role)).map(ToolEntry::read);
    for entry in said.filter(|entry| entry.server.is_some()) {
        let anywhere = depths.get(&ToolEntry { server: None, ..entry });
        if let Some(depth) = anywhere.max(depths.get(&entry)).copied() {
            depths.insert(entry, depth);
        }
    }
    if let Some(patterns) = patterns {
        for (entry, depth) in &mut depths {
            *depth = patterns.level(entry.tool).map_or(*depth, |farther| farther.max(*depth));
        }
    }
    depths
}

/// The role and its parents, nearest first.
fn chain<'a>(role: &'a Role, roles: &'a BTreeMap<Name, Arc<Role>>) -> Result<Vec<&'a Role>, PolicyError> {
    let place = |problem: Problem| PolicyError::from(problem).in_member("parent_role_id");
    let mut chain = vec![role];
    let mut next = role.parent_role_id.as_ref();
    while let Some(name) = next {
        let parent = roles.get(name).ok_or_else(|| place(Problem::UnknownParent(name.to_string())))?;
        if chain.iter().any(|earlier| earlier.name == parent.name) {
            return Err(place(Problem::Cycle(parent.name.to_string())));
        }
        if chain.len() > MAX_PARENTS {
            return Err(place(Problem::TooDeep(MAX_PARENTS)));
        }
        chain.push(parent);
        next = parent.parent_role_id.as_ref();
    }
    Ok(chain)
}

/// Every entry that a role says something of, whether it grants it or not.
fn said(role: &Role) -> impl Iterator<Item = &str> {
    let Role { parameter_constraints, approval_required, approval_unless, credential_mapping, .. } = role;
    let keys = parameter_constraints.keys().chain(approval_unless.keys()).chain(credential_mapping.keys());
    let keys = keys.chain(role.redact_output.keys());
    keys.chain(approval_required).chain(&role.allowed_tools).map(Name::as_str)
}

/// The limits that shared accounts count, and those that a session's own count.
fn limits(chain: &[&Role]) -> [Box<[Limit]>; 2] {
    let (mut shared, mut own) = (Vec::new(), Vec::new());
    for (role, level) in chain.iter().zip(0..) {
        for (window, calls) in
            [(Window::Minute, role.rate_limit_per_minute), (Window::Hour, role.rate_limit_per_hour)]
        {
            let [of_all, of_one] = limit(role, level, window, calls);
            shared.extend(of_all);
            own.extend(of_one);
        }
    }
    [shared.into(), own.into()]
}

/// One limit of a role on shared accounts, and on a session's own, as its `rate_scope` says.
pub(super) fn limit(role: &Role, level: u8, window: Window, calls: u64) -> [Option<Limit>; 2] {
    let limit = |calls| Quota::new(calls, window).map(|quota| Limit { level, window, quota });
    match role.rate_scope {
        RateScope::Key => [limit(calls), None],
        RateScope::Session => [limit(calls * CEILING), limit(calls)],
    }
}

fn check_names(role: &Role) -> Result<(), PolicyError> {
    problem::name(&role.name).map_err(|p| PolicyError::from(p).in_member("name"))?;
    let tools = [("allowed_tools", &role.allowed_tools), ("approval_required", &role.approval_required)];
    for (member, entries) in tools {
        for (index, entry) in entries.iter().enumerate() {
            ToolEntry::check(entry).map_err(|p| PolicyError::from(p).in_element(index).in_member(member))?;
        }
    }
    let lists = [
        ("allowed_envs", &role.allowed_envs),
        ("allowed_mcp_servers", &role.allowed_mcp_servers),
        ("allowed_credentials", &role.allowed_credentials),
    ];
    for (member, names) in lists {
        for (index, name) in names.iter().enumerate() {
            problem::name(name).map_err(|p| PolicyError::from(p).in_element(index).in_member(member))?;
        }
    }
    type Parse = fn(&str) -> Result<(), Problem>;
    let patterns: [(&str, &[Name], Parse); 2] = [
        ("allowed_actions", &role.allowed_actions, patterns::parse),
        ("denied_actions", &role.denied_actions, forbid::parse),
    ];
    for (member, patterns, parse) in patterns {
        for (index, pattern) in patterns.iter().enumerate() {
            parse(pattern).map_err(|p| PolicyError::from(p).in_element(index).in_member(member))?;
        }
    }
    let keys = role.parameter_constraints.keys().map(|tool| ("parameter_constraints", tool));
    let keys = keys.chain(role.approval_unless.keys().map(|tool| ("approval_unless", tool)));
    let keys = keys.chain(role.credential_mapping.keys().map(|tool| ("credential_mapping", tool)));
    let keys = keys.chain(role.redact_output.keys().map(|tool| ("redact_output", tool)));
    let keys = keys.chain(role.mcp_server_rate_limits.keys().map(|name| ("mcp_server_rate_limits", name)));
    for (member, key) in keys {
        ToolEntry::check(key).map_err(|p| PolicyError::from(p).in_member(key).in_member(member))?;
    }
    Ok(())
}

/// A field that would be ignored is refused instead.
fn check_supported(role: &Role) -> Result<(), PolicyError> {
    let used =
        [("webhook_url", role.webhook_url.is_some()), ("webhook_secret", role.webhook_secret.is_some())];
    match used.into_iter().find(|(_, used)| *used) {
        Some((field, _)) => Err(PolicyError::from(Problem::NotEnforced(field)).in_member(field)),
        None => Ok(()),
    }
}

fn check_sizes(role: &Role) -> Result<(), PolicyError> {
    let sizes = [
        ("rate_limit_per_minute", role.rate_limit_per_minute, MAX_RATE),
        ("rate_limit_per_hour", role.rate_limit_per_hour, MAX_RATE),
        ("approval_ttl_seconds", role.approval_ttl_seconds, MAX_SECONDS),
        ("default_ttl_seconds", role.default_ttl_seconds, MAX_SECONDS),
        ("max_delegation_depth", role.max_delegation_depth, 8),
        ("max_rows", role.max_rows, (1 << 53) - 1),
        ("min_trust_level", role.min_trust_level.unwrap_or(0), 100),
    ];
    if let Some((field, value, most)) = sizes.into_iter().find(|(_, value, most)| value > most) {
        return Err(PolicyError::from(Problem::TooLarge(value, most)).in_member(field));
    }
    servers::check(role)
}
