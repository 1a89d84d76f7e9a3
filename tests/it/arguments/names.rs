//! A tool is allowed by its exact bytes: what only looks like it is another tool.

use scopegate_core::ToolCall;

use crate::engine::{World, call};

const POLICY: &str = "
version: 1
roles:
  - {name: r, allowed_tools: [read_file, 's/k:v.1-x', a]}
  - {name: forbids, allowed_tools: [read_file, delete_file], denied_actions: ['delete_*', '*.admin', 'ex*act*ly', one]}
  - {name: nothing, allowed_tools: [read_file], denied_actions: ['*']}
";

#[test]
fn look_alikes_are_not_allowed() {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    for tool in ["read_file", "s/k:v.1-x", "a"] {
        assert_eq!(world.ask(&session, &call(tool, "{}")), "PERMIT", "{tool}");
        let (first, rest) = tool.split_at(1);
        let last = tool.len() - 1;
        let mut odd = vec![
            tool.to_uppercase(),
            format!("{}{rest}", first.to_uppercase()),
            format!("{tool} "),
            format!(" {tool}"),
            format!("\t{tool}"),
            format!("{tool}\n"),
            format!("{tool}\r\n"),
            format!("{tool}\0"),
            format!("\0{tool}"),
            format!("{tool}\0.txt"),
            format!("{first}\0{rest}"),
            format!("{first}\u{200b}{rest}"),
            format!("{tool}\u{200b}"),
            format!("{first}\u{200d}{rest}"),
            format!("{first}\u{ad}{rest}"),
            format!("\u{feff}{tool}"),
            format!("\u{202e}{tool}"),
            format!("{tool}\u{301}"),
            format!("{tool}\u{fe0f}"),
            tool.replace('a', "\u{430}"),
            tool.replace('e', "\u{435}"),
            tool.replace('k', "\u{212a}"),
            tool.replace('s', "\u{17f}"),
            tool.replace('_', "\u{ff3f}"),
            tool.replace('/', "\u{2215}"),
            tool.replace('-', "\u{2011}"),
            tool.replace('.', "\u{2024}"),
            tool.replace('_', "-"),
            tool.replace('_', "%5f"),
            format!("{tool}*"),
            format!("{first}*"),
            "*".to_owned(),
            "?".to_owned(),
            ".*".to_owned(),
            String::new(),
            tool[..last].to_owned(),
            format!("{tool}{}", &tool[last..]),
            format!("{tool}{tool}"),
            format!("./{tool}"),
            format!("/{tool}"),
            format!("{tool}/"),
            format!("x/../{tool}"),
            format!("{tool}/../{tool}"),
            format!("{tool}#"),
            format!("{tool}?x=1"),
            format!("{tool};"),
            format!("\"{tool}\""),
            format!("[\"{tool}\"]"),
            format!("{tool}{}", "x".repeat(100_000)),
            tool.chars().rev().collect(),
        ];
        odd.retain(|name| !["read_file", "s/k:v.1-x", "a"].contains(&&**name));
        for name in odd {
            assert_eq!(
                world.ask(&session, &call(&name, "{}")),
                "SCOPE_VIOLATION",
                "{name:?} passed for {tool}"
            );
        }
    }
}

#[test]
fn an_action_or_a_resource_grants_nothing() {
    let world = World::new(POLICY);
    let session = world.open("r", "ann");
    let asked = ToolCall {
        action: Some("read_file".into()),
        resource: Some("read_file".into()),
        ..call("write_file", "{}")
    };
    assert_eq!(world.ask(&session, &asked), "SCOPE_VIOLATION");
}

#[test]
fn what_is_forbidden_is_forbidden_by_tool_and_by_action() {
    let world = World::new(POLICY);
    let session = world.open("forbids", "ann");
    for (tool, action, expected) in [
        ("read_file", None, "PERMIT"),
        ("read_file", Some("read"), "PERMIT"),
        ("delete_file", None, "ACTION_FORBIDDEN"),
        ("delete_file", Some("read"), "ACTION_FORBIDDEN"),
        ("delete_", None, "ACTION_FORBIDDEN"),
        ("delete_\u{200b}\0\n", None, "ACTION_FORBIDDEN"),
        ("delete", None, "SCOPE_VIOLATION"),
        ("undelete_file", None, "SCOPE_VIOLATION"),
        ("read_file", Some("delete_all"), "ACTION_FORBIDDEN"),
        ("read_file", Some("files.admin"), "ACTION_FORBIDDEN"),
        ("read_file", Some(".admin"), "ACTION_FORBIDDEN"),
        ("read_file", Some("files.admin.read"), "PERMIT"),
        ("read_file", Some("exactly"), "ACTION_FORBIDDEN"),
        ("read_file", Some("ex-act-act-ly"), "ACTION_FORBIDDEN"),
        ("read_file", Some("exact"), "PERMIT"),
        ("read_file", Some("one"), "ACTION_FORBIDDEN"),
        ("read_file", Some("ones"), "PERMIT"),
        ("read_file", Some(""), "PERMIT"),
    ] {
        let asked = ToolCall { action: action.map(Into::into), ..call(tool, "{}") };
        assert_eq!(world.ask(&session, &asked), expected, "{tool:?} {action:?}");
    }
}

#[test]
fn forbidding_everything_forbids_everything() {
    let world = World::new(POLICY);
    let session = world.open("nothing", "ann");
    for tool in ["read_file", "", "\0", "x", &"y".repeat(100_000)] {
        assert_eq!(world.ask(&session, &call(tool, "{}")), "ACTION_FORBIDDEN", "{}", tool.len());
    }
}
