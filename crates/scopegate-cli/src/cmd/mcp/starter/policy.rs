//! The policy itself. What a server says goes into comments only, each a line, each character visible;
//! names of tools are checked, everything else that is no comment is ours.

use std::fmt::Write as _;

use scopegate_core::pin::{Screened, Standing};
use scopegate_core::{CatalogueTool, Name, ToolEntry};
use serde_json::{Map, Value};

use crate::reveal::reveal;

/// Longest piece of a server's text in a comment.
const LONGEST: usize = 100;

/// A policy for these tools. Of several servers each is named as that of its own: a bare name would be granted
/// at all of them.
pub(super) fn write(servers: &[(Name, Screened)], role: &Name) -> String {
    let offered = servers.iter().flat_map(|(server, screened)| {
        let entry = move |tool: &CatalogueTool| match servers {
            [_] => tool.name.to_string(),
            _ => ToolEntry { tool: &tool.name, server: Some(server) }.to_string(),
        };
        let usable = screened.catalogue.tools.iter().filter(|tool| !tool.quarantined);
        usable.map(move |tool| Offered { entry: entry(tool), tool })
    });
    let offered: Vec<_> = offered.collect();
    let mut text = head(servers, role);
    list(&mut text, "allowed_tools", &offered);
    text.push_str("\n    # A person agrees to each of these, call by call. Take out what need not wait.\n");
    let held: Vec<_> = offered.iter().filter(|offered| reads_only(offered.tool)).cloned().collect();
    list(&mut text, "approval_required", &held);
    constraints(&mut text, &offered);
    text.push_str(TAIL);
    unusable(&mut text, servers);
    text
}

/// A tool, and how the policy names it.
#[derive(Clone)]
struct Offered<'a> {
    entry: String,
    tool: &'a CatalogueTool,
}

fn head(servers: &[(Name, Screened)], role: &Name) -> String {
    let listed = servers.iter().map(|(server, _)| server.as_str()).collect::<Vec<_>>().join(", ");
    format!(
        "# yaml-language-server: $schema=./scopegate.schema.json\n\
         #\n\
         # Written by `scopegate mcp init` to be changed. What stands behind a name is the server's own word for\n\
         # it: a hint, not a fact. A tool that it calls read-only may write.\n\
         version: 1\n\
         roles:\n  \
           - name: {role}\n    \
             allowed_mcp_servers: [{listed}]\n\n    \
             # Whatever is not listed is denied. Tools that the server calls read-only are listed, and wait for a\n    \
             # person below; take in the others one by one.\n"
    )
}

const TAIL: &str = "
    # Calls a minute; 0 means no limit.
    rate_limit_per_minute: 30
    # How long a held call waits, in seconds.
    approval_ttl_seconds: 900
    # What is taken out of answers before the agent sees them:
    # redact_output:
    #   some_tool: [{ path: customer.iban }, { pattern: '[0-9]{16}' }, { max_bytes: 65536 }]
";

/// A list of tools, of which those that only read are in force.
fn list(text: &mut String, member: &str, all: &[Offered<'_>]) {
    if all.iter().any(|offered| reads_only(offered.tool)) {
        add(text, &format!("    {member}:"));
    } else {
        add(text, &format!("    {member}: []"));
        if !all.is_empty() {
            add(text, &format!("    # {member}:"));
        }
    }
    for Offered { entry, tool } in all {
        let off = if reads_only(tool) { "" } else { "# " };
        let words = if member == "allowed_tools" { format!(" # {}", words(tool)) } else { String::new() };
        add(text, &format!("      {off}- {}{words}", name(entry)));
    }
}

/// What a server says of a tool, in one line.
fn words(tool: &CatalogueTool) -> String {
    let hint = |member: &str| tool.annotations.as_ref().and_then(|hints| hints.get(member)?.as_bool());
    let mut hints = Vec::new();
    match (hint("readOnlyHint"), hint("destructiveHint")) {
        (Some(true), _) => hints.push("says it only reads"),
        (_, Some(true)) => hints.push("says it destroys"),
        (_, Some(false)) => hints.push("says it only adds"),
        (_, None) => {}
    }
    if hint("openWorldHint") == Some(true) {
        hints.push("says it reaches out");
    }
    let first = tool.description.as_deref().unwrap_or_default().trim().lines().next().unwrap_or_default();
    let said = if hints.is_empty() { String::new() } else { format!("({}) ", hints.join(", ")) };
    format!("{said}{}", comment(first))
}

fn reads_only(tool: &CatalogueTool) -> bool {
    tool.annotations.as_ref().and_then(|hints| hints.get("readOnlyHint")?.as_bool()) == Some(true)
}

/// Every argument of every tool as a constraint to fill in.
fn constraints(text: &mut String, offered: &[Offered<'_>]) {
    text.push_str("\n    # What must hold of the arguments, all of it; take in what is meant.\n    # parameter_constraints:\n");
    for Offered { entry, tool } in offered {
        let schema = tool.input_schema.as_ref();
        let none = Map::new();
        let fields = schema.and_then(|schema| schema.get("properties")?.as_object()).unwrap_or(&none);
        let needed = schema.and_then(|schema| schema.get("required")?.as_array());
        if fields.is_empty() {
            continue;
        }
        add(text, &format!("    #   {}:", name(entry)));
        for (field, schema) in fields {
            let needed = needed.is_some_and(|needed| needed.iter().any(|name| name == field));
            add(text, &format!("    #     {}", constraint(field, schema, needed)));
        }
    }
}

fn constraint(field: &str, schema: &Value, needed: bool) -> String {
    let said = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let said = comment(said.trim().lines().next().unwrap_or_default());
    let plain = field.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) && !field.is_empty();
    if !plain {
        return format!("({}: no constraint can name it) # {said}", comment(field));
    }
    let (path, operator, value) = guess(field, schema);
    let absent = if needed { "" } else { ", when_absent: allow" };
    format!("- {{ field: \"{path}\", operator: {operator}, value: {value}{absent} }} # {said}")
}

/// An operator that may fit, and a value to replace.
fn guess(field: &str, schema: &Value) -> (String, &'static str, String) {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let named = |words: &[&str]| words.iter().any(|word| field.to_ascii_lowercase().contains(word));
    let plain = |operator, value: &str| (field.to_owned(), operator, value.to_owned());
    match kind {
        "string" if schema.get("enum").is_some_and(Value::is_array) => plain("in", "[one, other]"),
        "string" if named(&["path", "file", "dir", "folder", "source", "destination"]) => {
            plain("path_within", "/srv/project")
        }
        "string" if named(&["url", "uri", "host", "endpoint"]) => plain("url_host", "[example.com]"),
        "string" => plain("max_length", "1000"),
        "number" | "integer" => plain("lte", "100"),
        "boolean" => plain("eq", "false"),
        "array" if named(&["path", "file"]) => {
            (format!("{field}[*]"), "path_within", "/srv/project".to_owned())
        }
        "array" => plain("max_length", "20"),
        _ => plain("eq", "\"\""),
    }
}

/// What nobody can be granted, and why.
fn unusable(text: &mut String, servers: &[(Name, Screened)]) {
    let whose = |server: &Name| if servers.len() > 1 { format!("{server}: ") } else { String::new() };
    let reports = || {
        servers
            .iter()
            .flat_map(|(server, screened)| screened.reports.iter().map(move |report| (server, report)))
    };
    let mut begun = false;
    for (server, report) in reports() {
        let Standing::Unusable(why) = &report.standing else { continue };
        if !begun {
            text.push_str("\n# These cannot be granted:\n");
            begun = true;
        }
        add(text, &format!("#   {}{}: {}", whose(server), comment(&report.tool), comment(why)));
    }
    for (server, report) in reports() {
        for hint in &report.hints {
            let said = comment(&format!("{}: {}", hint.place, hint.kind));
            add(text, &format!("# Look at {}`{}`: {said}", whose(server), comment(&report.tool)));
        }
    }
}

/// A name that policies hold; quoted, so that none of them reads as a number or a truth value.
fn name(name: &str) -> String {
    format!("\"{name}\"")
}

/// Somebody else's text in a comment: one line, everything visible.
fn comment(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", reveal(&cut))
}

fn add(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use scopegate_core::pin::screen;
    use scopegate_engine::Policy;
    use serde_json::json;

    use super::*;

    fn written(listed: &[Value]) -> (String, Policy) {
        let text = write(&[("files".into(), screen(None, listed))], &"agent".into());
        let policy = Policy::from_text(&text, "p").unwrap_or_else(|error| panic!("{error}\n{text}"));
        (text, policy)
    }

    #[test]
    fn what_says_it_reads_is_held_and_the_rest_is_commented_out() {
        let (text, policy) = written(&[
            json!({"name": "read", "description": "Reads a file.\nMore.", "annotations": {"readOnlyHint": true},
                "inputSchema": {"type": "object", "required": ["path"], "properties": {
                    "path": {"type": "string", "description": "Where"}, "head": {"type": "integer"}}}}),
            json!({"name": "wipe", "description": "Wipes.", "annotations": {"destructiveHint": true}}),
            json!({"name": "plain", "inputSchema": {"type": "object", "properties": {"url": {"type": "string"}}}}),
        ]);
        let role = &policy.roles[0];
        assert_eq!(
            (&*role.allowed_tools, &*role.approval_required),
            (&["read".into()][..], &["read".into()][..])
        );
        for line in [
            "      - \"read\" # (says it only reads) Reads a file.",
            "      # - \"wipe\" # (says it destroys) Wipes.",
            "      # - \"plain\" #",
            "    #   \"read\":",
            "    #     - { field: \"path\", operator: path_within, value: /srv/project } # Where",
            "    #     - { field: \"head\", operator: lte, value: 100, when_absent: allow } #",
            "    #     - { field: \"url\", operator: url_host, value: [example.com], when_absent: allow } #",
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
    }

    #[test]
    fn it_is_a_policy_whatever_a_server_says() {
        let hostile = "x\n      - wipe\n\u{85}      - wipe\u{2028}      - wipe\r- wipe # }]\u{1b}[2J";
        let (text, policy) = written(&[
            json!({"name": "true", "description": hostile, "annotations": {"readOnlyHint": true}}),
            json!({"name": "5", "annotations": {"readOnlyHint": true}, "inputSchema": {"properties": {
                (hostile): {"type": "string", "description": hostile}, "a\"b": {}, "": {}, "a.b": {"type": "array"}, "e": {"type": "string", "enum": [hostile]}}}}),
            json!({"name": hostile}),
            json!({"name": "twice"}),
            json!({"name": "twice"}),
        ]);
        assert_eq!(policy.roles[0].allowed_tools, ["5", "true"]);
        assert!(text.bytes().all(|b| b == b'\n' || (b' '..0x7f).contains(&b) || b >= 0x80), "{text}");
        assert!(!text.contains(['\u{85}', '\u{2028}', '\u{1b}', '\r']));
        let (_, nothing) = written(&[]);
        assert!(nothing.roles[0].allowed_tools.is_empty());
        let (_, none_reads) = written(&[json!({"name": "wipe"})]);
        assert!(none_reads.roles[0].allowed_tools.is_empty());
    }

    #[test]
    fn tools_of_several_servers_are_named_as_theirs() {
        let (reads, odd) = (json!({"readOnlyHint": true}), json!({"name": "no name"}));
        let files = [
            json!({"name": "read", "annotations": reads, "inputSchema": {"properties": {"path": {"type": "string"}}}}),
        ];
        let wiki = [json!({"name": "read", "annotations": reads}), json!({"name": "edit"}), odd];
        let servers = [("files".into(), screen(None, &files)), ("wiki".into(), screen(None, &wiki))];
        let text = write(&servers, &"agent".into());
        let policy = Policy::from_text(&text, "p").unwrap_or_else(|error| panic!("{error}\n{text}"));
        let role = &policy.roles[0];
        assert_eq!(role.allowed_mcp_servers, ["files", "wiki"]);
        assert_eq!(role.allowed_tools, ["read@files", "read@wiki"]);
        assert_eq!(role.approval_required, role.allowed_tools);
        for line in ["      # - \"edit@wiki\" #", "    #   \"read@files\":", "#   wiki: no name: "] {
            assert!(text.lines().any(|written| written.starts_with(line)), "{line}\n{text}");
        }
    }

    #[test]
    fn taking_everything_in_leaves_a_policy() {
        let (text, _) = written(&[
            json!({"name": "a", "annotations": {"readOnlyHint": true}, "inputSchema": {"properties": {
                "path": {"type": "string"}, "paths": {"type": "array"}, "n": {"type": "number"},
                "b": {"type": "boolean"}, "u": {}, "uri": {"type": "string"}, "q": {"type": "string"}}}}),
        ]);
        let constraints = text.lines().skip_while(|line| !line.contains("# parameter_constraints"));
        let constraints: Vec<_> = constraints.take_while(|line| line.starts_with("    #")).collect();
        let taken: Vec<_> = constraints.iter().map(|line| line.replacen("# ", "", 1)).collect();
        let policy = text.replace(&constraints.join("\n"), &taken.join("\n"));
        let policy = Policy::from_text(&policy, "p").unwrap_or_else(|error| panic!("{error}\n{policy}"));
        assert_eq!(policy.roles[0].parameter_constraints["a"].len(), 7);
    }
}
