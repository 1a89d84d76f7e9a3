//! What well-known MCP servers have, until an operator registers what theirs does.

const SERVERS: [(&str, &[&str]); 4] = [
    ("filesystem", &["read_file", "write_file", "list_directory", "delete_file"]),
    ("github", &["create_issue", "push_commit", "create_pr", "merge_pr", "read_file"]),
    ("slack", &["send_message", "post_to_channel", "list_channels"]),
    ("database", &["query", "execute", "list_tables"]),
];

/// The tools of a well-known server.
pub(super) fn tools(server: &str) -> Option<&'static [&'static str]> {
    SERVERS.iter().find(|(name, _)| *name == server).map(|(_, tools)| *tools)
}
