//! Line 4: denied actions. They beat every grant.

use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::id::Name;
use crate::identity::Scopes;
use crate::problem::{self, Problem};
use crate::scope::Scope;

/// The denied actions of a role and its parents.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Forbids(Box<[Name]>);

impl Forbids {
    /// `None` when nothing is forbidden.
    pub(crate) fn new(patterns: Vec<Name>) -> Option<Box<Self>> {
        if patterns.is_empty() { None } else { Some(Box::new(Self(patterns.into()))) }
    }

    #[inline(never)]
    pub(crate) fn find(&self, call: &ToolCall) -> Option<&Name> {
        let hits = |pattern: &&Name| {
            glob(pattern, &call.tool) || call.action.as_ref().is_some_and(|action| glob(pattern, action))
        };
        self.0.iter().find(hits)
    }

    /// Whether a tool of this name is always forbidden.
    pub(crate) fn names(&self, tool: &str) -> bool {
        self.0.iter().any(|pattern| glob(pattern, tool))
    }

    /// The patterns as written.
    pub(crate) fn patterns(&self) -> &[Name] {
        &self.0
    }
}

#[inline(always)]
pub(crate) fn check<'a>(scopes: Scopes<'a>, call: &ToolCall) -> Result<(), Denial> {
    let find = |scope: &'a Scope| scope.forbids().and_then(|forbids| forbids.find(call));
    let hit = match scopes {
        Scopes::One(scope) => find(scope),
        Scopes::Chain(links) => links.iter().filter_map(|link| link.scope).find_map(find),
    };
    match hit {
        Some(pattern) => Err(Denial::with(DenyCode::ActionForbidden, Detail::Name(pattern.clone()))),
        None => Ok(()),
    }
}

/// Whether a pattern is one a policy may use: a name, where `*` may stand for any characters.
pub(crate) fn parse(pattern: &str) -> Result<(), Problem> {
    let without = pattern.replace('*', "x");
    problem::name(&without).map_err(|_| Problem::Name(pattern.to_owned()))
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
