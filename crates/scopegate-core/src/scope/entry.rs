//! How roles name a tool: `TOOL`, wherever it is called, or `TOOL@SERVER`, at that MCP server alone. No
//! name of a tool or a server that a role may use holds an `@`, so an entry reads in one way.

use crate::problem::{self, Problem};

/// Between a tool and its server.
const AT: char = '@';

/// A tool as a role names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a tool is meant with all of it")]
pub struct ToolEntry<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// The MCP server whose tool alone is meant.
    pub server: Option<&'a str>,
}

impl<'a> ToolEntry<'a> {
    /// An entry as it is written.
    pub fn read(text: &'a str) -> Self {
        match text.split_once(AT) {
            Some((tool, server)) => Self { tool, server: Some(server) },
            None => Self { tool: text, server: None },
        }
    }

    /// Whether this means that tool of a call to this server, or to none.
    pub fn means(self, tool: &str, server: Option<&str>) -> bool {
        self.tool == tool && (self.server.is_none() || self.server == server)
    }

    /// An entry of a role: names on both sides, where there are two.
    pub(crate) fn check(text: &'a str) -> Result<(), Problem> {
        let ToolEntry { tool, server } = ToolEntry::read(text);
        let sound = problem::name(tool).and_then(|()| server.map_or(Ok(()), problem::name));
        sound.map_err(|problem| match problem {
            Problem::Name(_) => Problem::ToolName(text.to_owned()),
            other => other,
        })
    }
}

/// As it is written.
impl std::fmt::Display for ToolEntry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.tool)?;
        self.server.map_or(Ok(()), |server| write!(f, "{AT}{server}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_in_one_way() {
        assert_eq!(ToolEntry::read("a/b:c"), ToolEntry { tool: "a/b:c", server: None });
        let there = ToolEntry { tool: "a", server: Some("b") };
        assert_eq!((ToolEntry::read("a@b"), there.to_string().as_str()), (there, "a@b"));
        assert!(there.means("a", Some("b")) && ToolEntry::read("a").means("a", Some("b")));
        for (tool, server) in
            [("a", None), ("a", Some("c")), ("b", Some("b")), ("a@b", None), ("a@b", Some("b"))]
        {
            assert!(!there.means(tool, server), "{tool} at {server:?}");
        }
        for sound in ["pay", "pay@bank", "mcp:prompts/get:greet@files", "a.b/c@d-e_f"] {
            assert_eq!(ToolEntry::check(sound), Ok(()), "{sound}");
        }
        for wrong in ["", "@", "pay@", "@bank", "pay@bank@x", "p y@bank", "pay@b nk", "pay@*", "*@bank", "*"]
        {
            assert!(ToolEntry::check(wrong).is_err(), "{wrong}");
        }
    }
}
