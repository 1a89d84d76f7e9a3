//! Line 4: denied actions. They beat every grant.

use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::id::Name;
use crate::identity::Scopes;
use crate::problem::Problem;
use crate::scope::ToolEntry;

/// The denied actions of a role and its parents.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Forbids {
    /// Wherever a call goes.
    anywhere: Box<[Name]>,
    /// `PATTERN@SERVERS`: of calls to these MCP servers alone.
    at: Box<[Name]>,
}

impl Forbids {
    /// `None` when nothing is forbidden.
    pub(crate) fn new(patterns: Vec<Name>) -> Option<Box<Self>> {
        let (at, anywhere): (Vec<_>, Vec<_>) =
            patterns.into_iter().partition(|pattern| ToolEntry::read(pattern).server.is_some());
        let none = at.is_empty() && anywhere.is_empty();
        (!none).then(|| Box::new(Self { anywhere: anywhere.into(), at: at.into() }))
    }

    #[inline(never)]
    fn find(&self, call: &ToolCall) -> Option<&Name> {
        self.anywhere.iter().find(|pattern| hits(pattern, call))
    }

    /// The same for a call that may go to a server.
    #[inline(never)]
    pub(crate) fn find_there(&self, call: &ToolCall) -> Option<&Name> {
        let there = |pattern: &&Name| {
            let ToolEntry { tool, server } = ToolEntry::read(pattern);
            let goes = call.server.as_ref().zip(server).is_some_and(|(goes, server)| glob(server, goes));
            goes && hits(tool, call)
        };
        self.find(call).or_else(|| self.at.iter().find(there))
    }

    /// Whether a tool of this name is always forbidden, at this server or at none.
    pub(crate) fn names(&self, tool: &str, at: Option<&str>) -> bool {
        let there = |pattern: &Name| {
            let ToolEntry { tool: pattern, server } = ToolEntry::read(pattern);
            at.zip(server).is_some_and(|(at, server)| glob(server, at) && glob(pattern, tool))
        };
        self.anywhere.iter().any(|pattern| glob(pattern, tool)) || self.at.iter().any(there)
    }

    /// The patterns as written.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Name> {
        self.anywhere.iter().chain(&self.at)
    }
}

#[inline(always)]
pub(crate) fn check<'a>(scopes: Scopes<'a>, call: &ToolCall) -> Result<(), Denial> {
    let hit = match scopes {
        Scopes::One(scope) => scope.forbids().and_then(|forbids| forbids.find(call)),
        Scopes::Chain(links) => {
            links.iter().filter_map(|link| link.scope?.forbids()).find_map(|forbids| forbids.find_there(call))
        }
    };
    match hit {
        Some(pattern) => Err(Denial::with(DenyCode::ActionForbidden, Detail::Name(pattern.clone()))),
        None => Ok(()),
    }
}

/// Whether a pattern hits a call, by its tool or by its action.
#[inline(always)]
fn hits(pattern: &str, call: &ToolCall) -> bool {
    glob(pattern, &call.tool) || call.action.as_ref().is_some_and(|action| glob(pattern, action))
}

/// Whether a pattern is one a policy may use: a name, where `*` may stand for any characters, or two with an
/// `@` between them.
pub(crate) fn parse(pattern: &str) -> Result<(), Problem> {
    let without = pattern.replace('*', "x");
    ToolEntry::check(&without).map_err(|_| Problem::ToolName(pattern.to_owned()))
}

/// `*` stands for any run of characters, also none.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        // The leftmost place is the best one for every part but the last.
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "anything"),
            ("delete_*", "delete_"),
            ("delete_*", "delete_file"),
            ("*_file", "delete_file"),
            ("a*b*c", "axxbxxc"),
            ("a*b*c", "abcbc"),
            ("**", "x"),
        ] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a", "b"), ("delete_*", "undelete_x"), ("a*a", "a"), ("a*b", "abc"), ("*a*", "b")]
        {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }
}
