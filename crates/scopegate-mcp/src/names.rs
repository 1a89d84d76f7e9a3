//! By which names requests beside tool calls are judged, and which methods are MCP's own.

/// Names of what is no tool begin so.
const OURS: &str = "mcp:";

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
    format!("{OURS}prompts/get:{name}")
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
    fn a_prompt_has_a_name_that_a_policy_can_grant() {
        assert_eq!(prompt("greet"), "mcp:prompts/get:greet");
        assert!(is_ours(&prompt("greet")) && is_ours(READ) && !is_ours("greet"));
    }
}
