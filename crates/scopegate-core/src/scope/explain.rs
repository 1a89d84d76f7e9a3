//! A scope in words: what is left after inheritance, for people who wrote the roles.

use serde::Serialize;

use super::{Level, Limit, Scope, ToolEntry, ToolTable};
use crate::decision::Obligation;
use crate::facts::Account;
use crate::grant::Granted;
use crate::id::Name;

/// What sessions of a role may do.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ScopeView {
    /// The role.
    pub role: Name,
    /// Its parents, nearest first.
    pub parents: Vec<Name>,
    /// How long a session lives, in seconds.
    pub session_seconds: u64,
    /// How deep sub-agents may go.
    pub delegation_depth: u64,
    /// Patterns that nothing lifts.
    pub forbids: Vec<Name>,
    /// What guards every tool that a role of the chain grants, besides the tool's own rules.
    pub guards: Vec<GuardsView>,
    /// Every tool that is listed, by name.
    pub tools: Vec<ToolView>,
    /// Patterns that grant tools beside these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<PatternView>,
}

/// A pattern that grants tools.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PatternView {
    /// The pattern.
    pub pattern: Name,
    /// The role that has it: all guards up to there apply.
    pub granted_by: Name,
}

/// The role-wide guards of the tools that one role of the chain grants.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct GuardsView {
    /// The role that grants.
    pub granted_by: Name,
    /// Its guards and those of all nearer roles.
    pub rules: Vec<String>,
}

/// One tool of a scope.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ToolView {
    /// The tool.
    pub tool: Name,
    /// The MCP server that this is about alone: a role says something of the tool there, and what is said
    /// of it anywhere is part of this. Other servers have what stands without a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Name>,
    /// The farthest role that grants it: all guards up to there apply.
    pub granted_by: Name,
    /// What must hold of the arguments.
    pub constraints: Vec<String>,
    /// Whether a person has to agree, and what lets a call pass without.
    pub approval: Option<Vec<String>>,
    /// The credential it is given.
    pub credential: Option<Name>,
    /// What is taken out of its answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// Whether a denied action stands against it.
    pub forbidden: bool,
}

impl ToolView {
    /// As a role names it: `TOOL` or `TOOL@SERVER`.
    pub fn entry(&self) -> ToolEntry<'_> {
        ToolEntry { tool: &self.tool, server: self.server.as_deref() }
    }
}

impl Scope {
    /// The scope in words.
    pub fn view(&self, tools: &ToolTable) -> ScopeView {
        let mut views: Vec<_> =
            tools.entries().filter_map(|(name, at, id)| self.tool_view(name, at, id)).collect();
        views.sort_by(|a, b| (&a.tool, &a.server).cmp(&(&b.tool, &b.server)));
        ScopeView {
            role: self.name().clone(),
            parents: self.parents().to_vec(),
            session_seconds: self.ttl_seconds(),
            delegation_depth: self.delegation_depth(),
            forbids: self.forbids().map(|forbids| forbids.patterns().cloned().collect()).unwrap_or_default(),
            guards: self.guards_view(),
            tools: views,
            patterns: self.patterns_view(),
        }
    }

    /// One tool in words, at this MCP server or at none, listed or not; `None` when nothing grants it there.
    pub fn view_tool(&self, tools: &ToolTable, tool: &Name, server: Option<&Name>) -> Option<ToolView> {
        let granted = self.grants(tools.named(tool, server.map(Name::as_str)))?;
        let at = server.filter(|server| self.says_something_at(tools, tool, server));
        let forbidden = self.forbids_named(tool, server);
        Some(ToolView { forbidden, ..self.granted_view(tool, at, granted) })
    }

    /// Whether the roles say something of the tool of this very server.
    fn says_something_at(&self, tools: &ToolTable, tool: &str, server: &str) -> bool {
        let listed = tools.find_at(tool, server).is_some_and(|id| self.granted(id).is_some());
        listed || self.card.rules_of(ToolEntry { tool, server: Some(server) }).is_some()
    }

    fn forbids_named(&self, tool: &str, server: Option<&Name>) -> bool {
        self.forbids().is_some_and(|forbids| forbids.names(tool, server.map(Name::as_str)))
    }

    fn patterns_view(&self) -> Vec<PatternView> {
        let patterns = self.guards.patterns.iter().flat_map(|patterns| patterns.iter());
        let view = |(pattern, depth): &(Name, u8)| PatternView {
            pattern: pattern.clone(),
            granted_by: self.card.nth(*depth).unwrap_or(self.name()).clone(),
        };
        patterns.map(view).collect()
    }

    fn guards_view(&self) -> Vec<GuardsView> {
        let chain = std::iter::once(self.name()).chain(self.parents());
        let levels = chain.zip(self.guards.levels.iter().zip(0..));
        let words = |account, depth| {
            let limits = self.limits(account).iter().filter(move |limit| limit.level <= depth);
            limits.map(move |limit| limit.words(account))
        };
        let view = |(role, (level, depth)): (&Name, (&Level, u8))| {
            let limits = words(Account::Own, depth).chain(words(Account::Shared, depth));
            let servers = self.servers().map(|servers| servers.words(depth)).unwrap_or_default();
            let rules = level.words().into_iter().chain(limits).chain(servers).collect();
            GuardsView { granted_by: role.clone(), rules }
        };
        levels.map(view).collect()
    }

    fn tool_view(&self, name: &Name, at: Option<&Name>, id: super::ToolId) -> Option<ToolView> {
        Some(self.granted_view(name, at, self.granted(id)?))
    }

    fn granted_view(&self, name: &Name, at: Option<&Name>, granted: Granted<'_>) -> ToolView {
        let rules = granted.rules;
        let approvals = rules.map(|rules| rules.approvals.as_slice()).unwrap_or_default();
        ToolView {
            tool: name.clone(),
            server: at.cloned(),
            granted_by: self.card.nth(granted.depth).unwrap_or(self.name()).clone(),
            constraints: rules.iter().flat_map(|r| r.constraints.words()).map(ToString::to_string).collect(),
            approval: (!approvals.is_empty())
                .then(|| approvals.iter().flat_map(super::rules::Approval::unless).collect()),
            credential: rules.and_then(|rules| rules.credentials.first()).map(|binding| binding.name.clone()),
            output: rules
                .iter()
                .flat_map(|rules| rules.duties.iter().flat_map(|duties| duties.iter()))
                .map(|Obligation::Redact(rule)| rule.to_string())
                .collect(),
            forbidden: self.forbids_named(name, at),
        }
    }
}

impl Level {
    fn words(&self) -> Vec<String> {
        let mut words = self.schedule.words();
        words.extend(self.min_trust.map(|least| format!("the agent must be trusted at least {least}")));
        words.extend(self.environments.as_ref().map(|environments| environments.words()));
        words.extend(self.rows.as_ref().map(|rows| rows.words().to_string()));
        words
    }
}

impl Limit {
    pub(super) fn words(&self, account: Account) -> String {
        let whose = match account {
            Account::Shared => "all sessions of one owner together",
            Account::Own => "each session",
        };
        format!("{whose}: at most {} calls per {}", self.quota.calls(), self.window.word())
    }
}
