//! By which names requests beside tool calls are judged, and which methods are MCP's own.

use scopegate_core::Name;

/// Names of what is no tool begin so.
const OURS: &str = "mcp:";

/// Getting a prompt: its name follows.
const PROMPT: &str = "mcp:prompts/get:";
/// Reading a resource, a directory of resources or a skill.
pub(crate) const READ: &str = "mcp:resources/read";
/// Being told when a resource changes.
pub(crate) const SUBSCRIBE: &str = "mcp:resources/subscribe";
/// Completing an argument.
pub(crate) const COMPLETE: &str = "mcp:completion/complete";
/// Looking at a task.
pub(crate) const GET_TASK: &str = "mcp:tasks/get";
/// Answering a task.
pub(crate) const UPDATE_TASK: &str = "mcp:tasks/update";
/// Ending a task.
pub(crate) const CANCEL_TASK: &str = "mcp:tasks/cancel";

/// Getting a prompt.
pub(crate) fn prompt(name: &str) -> String {
    format!("{PROMPT}{name}")
}

/// What a server has itself, of a name that several servers are served under. Of what is no tool only
/// prompts have names that say whose they are.
pub(crate) fn take_apart(name: &str, split: &dyn Fn(&str) -> Option<(Name, Name)>) -> Option<(Name, Name)> {
    match name.strip_prefix(PROMPT) {
        Some(whole) => split(whole).map(|(server, own)| (server, prompt(&own).into())),
        None if is_ours(name) => None,
        // A tool cannot be called by a name that stands for something else.
        None => split(name).filter(|(_, own)| !is_ours(own)),
    }
}

/// A method that MCP does not have.
pub(crate) fn custom(method: &str) -> String {
    format!("{OURS}{method}")
}

/// Whether a tool has a name that is judged as something else.
pub(crate) fn is_ours(tool: &str) -> bool {
    tool.starts_with(OURS)
}

/// Whether a method belongs to MCP, in this version or another, or looks as if it did. A message
/// with such a method that was not decoded as what it says must not be taken for something else:
/// whoever it is handed on to might decode it.
pub(crate) fn is_standard(method: &str) -> bool {
    let method = method.to_ascii_lowercase();
    let area = method.split('/').next().unwrap_or_default();
    STANDARD.contains(&area)
}

/// What the methods of MCP begin with.
const STANDARD: [&str; 15] = [
    "completion",
    "elicitation",
    "initialize",
    "logging",
    "notifications",
    "ping",
    "prompts",
    "resources",
    "roots",
    "sampling",
    "server",
    "skills",
    "subscriptions",
    "tasks",
    "tools",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_of_mcp_is_known_however_it_is_written() {
        for method in ["tools/call", "Tools/Call", "tools", "tools/", "notifications/cancelled", "initialize"]
        {
            assert!(is_standard(method), "{method}");
        }
        for method in ["acme/reload", "toolshed/open", "", "/tools/call", "x-tools/call"] {
            assert!(!is_standard(method), "{method}");
        }
    }

    #[test]
    fn a_name_that_says_whose_it_is_is_taken_apart() {
        let split = |name: &str| name.split_once("__").map(|(server, own)| (server.into(), own.into()));
        let apart = |name: &str| take_apart(name, &split).map(|(server, own)| format!("{server} {own}"));
        assert_eq!(apart("files__read").as_deref(), Some("files read"));
        assert_eq!(apart("mcp:prompts/get:files__greet").as_deref(), Some("files mcp:prompts/get:greet"));
        assert_eq!(apart("mcp:resources/read"), None);
        assert_eq!(apart("mcp:x__y"), None);
        assert_eq!(apart("read"), None);
        assert_eq!(apart("files__mcp:resources/read"), None);
    }

    #[test]
    fn a_prompt_has_a_name_that_a_policy_can_grant() {
        assert_eq!(prompt("greet"), "mcp:prompts/get:greet");
        assert!(is_ours(&prompt("greet")) && is_ours(READ) && !is_ours("greet"));
    }
}
