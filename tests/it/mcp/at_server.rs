//! `TOOL@SERVER`: what a role says of a tool of one MCP server alone.

use scopegate_core::{Decision, Detail, Enforcer, Obligation, Window};
use scopegate_engine::{LocalEnforcer, Policy};

use super::to;
use crate::engine::{World, wait};

/// Two servers that are not trusted alike, and offer tools of the same names.
const POLICY: &str = "
version: 1
roles:
  - name: ops
    allowed_mcp_servers: [github, scratch]
    allowed_tools: [create_issue@github, read, merge, wipe@scratch, delete_branch, delete_file]
    denied_actions: ['merge@scratch', 'delete_*@git*']
    parameter_constraints:
      read: [{field: path, operator: prefix, value: /}]
      read@scratch: [{field: path, operator: prefix, value: /tmp/}]
    approval_required: [wipe@scratch]
    approval_unless: {merge@github: [{field: n, operator: lt, value: 5}]}
  - {name: unlisted, allowed_tools: [create_issue@github]}
  - name: base
    allowed_mcp_servers: [github, scratch]
    allowed_tools: [read, push@github]
    max_rows: 5
  - name: heir
    parent_role_id: base
    allowed_mcp_servers: [github, scratch]
    allowed_tools: [push, own@scratch]
    parameter_constraints: {read@scratch: [{field: path, operator: prefix, value: /tmp/}]}
    max_delegation_depth: 1
";

/// What a role answers to calls of a tool on a server.
fn check(role: &str, cases: &[(&str, &str, &str, &str)]) {
    let world = World::new(POLICY);
    let session = world.open(role, "ann");
    for (server, tool, args, expected) in cases {
        let answer = world.ask(&session, &to(server, tool, args));
        assert_eq!(answer, *expected, "{role}: {tool} on `{server}` with {args}");
    }
}

#[test]
fn a_tool_is_granted_at_its_server_and_at_no_other() {
    check(
        "ops",
        &[
            ("github", "create_issue", "{}", "PERMIT"),
            // The other server offers a tool of that name.
            ("scratch", "create_issue", "{}", "SCOPE_VIOLATION"),
            ("", "create_issue", "{}", "MCP_SERVER_UNAUTHORIZED"),
            ("evil", "create_issue", "{}", "MCP_SERVER_UNAUTHORIZED"),
            ("github", "wipe", "{}", "MCP_TOOL_NOT_FOUND"),
            // Wherever it is called.
            ("github", "read", r#"{"path":"/etc"}"#, "PERMIT"),
        ],
    );
    // A grant lists no server.
    check(
        "unlisted",
        &[
            ("github", "create_issue", "{}", "MCP_SERVER_UNAUTHORIZED"),
            ("", "create_issue", "{}", "SCOPE_VIOLATION"),
        ],
    );
}

#[test]
fn no_call_is_named_like_an_entry() {
    for role in ["ops", "unlisted"] {
        let world = World::new(POLICY);
        let session = world.open(role, "ann");
        for server in ["", "github", "scratch", "evil", "create_issue@github"] {
            for tool in ["create_issue@github", "create_issue@", "@github", "create_issue@github@github"] {
                let answer = world.ask(&session, &to(server, tool, "{}"));
                assert!(!["PERMIT", "HOLD"].contains(&answer), "{answer}: {tool} on `{server}` for {role}");
            }
        }
    }
}

#[test]
fn what_guards_a_tool_guards_it_at_its_server_too_and_there_alone() {
    check(
        "ops",
        &[
            ("scratch", "read", r#"{"path":"/tmp/a"}"#, "PERMIT"),
            ("scratch", "read", r#"{"path":"/etc"}"#, "PARAMETER_VIOLATION"),
            ("github", "read", r#"{"path":"/etc"}"#, "PERMIT"),
            ("github", "read", r#"{"path":"etc"}"#, "PARAMETER_VIOLATION"),
            ("scratch", "wipe", "{}", "HOLD"),
            ("github", "merge", r#"{"n":4}"#, "PERMIT"),
            ("github", "merge", r#"{"n":5}"#, "HOLD"),
            ("scratch", "merge", r#"{"n":4}"#, "ACTION_FORBIDDEN"),
            ("github", "delete_branch", "{}", "ACTION_FORBIDDEN"),
            ("scratch", "delete_branch", "{}", "PERMIT"),
        ],
    );
}

#[test]
fn heirs_gain_entries_with_all_that_guards_them() {
    check(
        "heir",
        &[
            // Granted here anywhere, further up at one server: that one brings the parent's guards.
            ("scratch", "push", "{}", "PERMIT"),
            ("github", "push", "{}", "DATA_LIMIT_EXCEEDED"),
            ("github", "push", r#"{"limit":5}"#, "PERMIT"),
            ("scratch", "own", "{}", "PERMIT"),
            ("github", "own", "{}", "MCP_TOOL_NOT_FOUND"),
            // Granted further up, guarded here at one server.
            ("scratch", "read", r#"{"path":"/etc","limit":1}"#, "PARAMETER_VIOLATION"),
            ("scratch", "read", r#"{"path":"/tmp/a"}"#, "DATA_LIMIT_EXCEEDED"),
            ("scratch", "read", r#"{"path":"/tmp/a","limit":1}"#, "PERMIT"),
            ("github", "read", r#"{"limit":1}"#, "PERMIT"),
        ],
    );
    // Each session of a chain has to grant it there.
    let world = World::new(POLICY);
    let child = world.child(&world.open("heir", "ann"), "ops");
    assert_eq!(world.ask(&child, &to("github", "create_issue", "{}")), "SCOPE_VIOLATION");
    assert_eq!(world.ask(&child, &to("scratch", "read", r#"{"path":"/tmp/a","limit":1}"#)), "PERMIT");
    assert_eq!(
        world.ask(&child, &to("scratch", "read", r#"{"path":"/a","limit":1}"#)),
        "PARAMETER_VIOLATION"
    );
}

#[test]
fn what_a_permit_carries_is_that_of_the_server() {
    let policy = "
version: 1
roles:
  - name: r
    allowed_mcp_servers: [a, b]
    allowed_tools: [read]
    allowed_credentials: [anywhere, at-b]
    credential_mapping: {read: anywhere, read@b: at-b}
    redact_output: {read: [{path: x}], read@b: [{max_bytes: 9}]}
";
    for (secrets, b) in [(&["anywhere", "at-b"][..], "PERMIT"), (&["at-b"], "CREDENTIAL_VIOLATION")] {
        let secrets: std::collections::BTreeMap<scopegate_core::Name, std::sync::Arc<str>> =
            secrets.iter().map(|name| ((*name).into(), "secret".into())).collect();
        let world = World::with(policy, |builder| builder.credentials(secrets));
        let session = world.open("r", "ann");
        assert_eq!(world.ask(&session, &to("b", "read", "{}")), b, "both bindings have to be good");
        if b != "PERMIT" {
            continue;
        }
        for (server, credential, many) in [("a", "anywhere", 1), ("b", "at-b", 2)] {
            let permit = world.permit(&session, &to(server, "read", "{}"));
            assert_eq!(permit.credential.map(|bound| bound.name.to_string()).as_deref(), Some(credential));
            assert_eq!(permit.obligations.unwrap_or_default().len(), many);
        }
        let permit = world.permit(&session, &to("b", "read", "{}"));
        let duties = permit.obligations.unwrap_or_default();
        let words: Vec<_> = duties.iter().map(|Obligation::Redact(rule)| rule.to_string()).collect();
        assert_eq!(words, ["at most 9 bytes", "without `x`"]);
    }
}

#[test]
fn a_tool_of_a_server_has_a_limit_of_its_own() {
    let world = World::new(
        "{version: 1, roles: [{name: r, allowed_tools: [read, list], allowed_mcp_servers: [a, b],
            mcp_server_rate_limits: {read@a: 2, a: 4}}]}",
    );
    let session = world.open("r", "ann");
    for (server, tool, expected) in [
        ("a", "read", "PERMIT"),
        ("a", "read", "PERMIT"),
        ("a", "read", "MCP_RATE_LIMIT_EXCEEDED"),
        ("b", "read", "PERMIT"),
        ("a", "list", "PERMIT"),
        // What was refused spent nothing of the server's limit.
        ("a", "list", "PERMIT"),
        ("a", "list", "MCP_RATE_LIMIT_EXCEEDED"),
        ("b", "read", "PERMIT"),
    ] {
        assert_eq!(world.ask(&session, &to(server, tool, "{}")), expected, "{tool} on {server}");
    }
    world.advance(15);
    let Decision::Deny(denial) = world.decide(&session.principal, &to("a", "read", "{}")) else {
        panic!("its own limit has none left");
    };
    assert!(matches!(denial.detail, Detail::Limit(Window::Minute, _)), "{denial:?}");
    assert_eq!(world.ask(&session, &to("a", "list", "{}")), "PERMIT");
    world.advance(15);
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "PERMIT");
}

#[test]
fn what_was_counted_and_held_survives_a_reload() {
    let policy = |more: &str| {
        format!(
            "{{version: 1, records: none, roles: [{{name: r, allowed_tools: [read@a{more}], allowed_mcp_servers: [a, b],
                mcp_server_rate_limits: {{read@a: 1}}}}]}}"
        )
    };
    let world = World::new(&policy(""));
    let session = world.open("r", "ann");
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "PERMIT");
    let wider = Policy::from_text(&policy(", read, list@b"), "p").expect("a policy");
    world.engine.reload(&wider).expect("a good policy");
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "MCP_RATE_LIMIT_EXCEEDED");
    assert_eq!(world.ask(&session, &to("b", "read", "{}")), "PERMIT");
    let none = Policy::from_text(&policy("").replace("read@a]", "list]"), "p").expect("a policy");
    world.engine.reload(&none).expect("a good policy");
    assert_eq!(world.ask(&session, &to("a", "read", "{}")), "SCOPE_VIOLATION");
}

#[test]
fn lists_tell_what_could_be_permitted_at_a_server() {
    let world = World::new(POLICY);
    let session = world.open("ops", "ann");
    let tools = ["create_issue", "read", "merge", "wipe", "delete_branch", "create_issue@github"];
    let seen = |server: Option<&str>| -> Vec<&str> {
        let who = session.principal.as_ref();
        let engine: &LocalEnforcer = &world.engine;
        let seen = match server {
            Some(server) => wait(engine.visible_at(who, server, &tools)),
            None => wait(engine.visible(who, &tools)),
        };
        let seen = seen.expect("an answer").into_iter().zip(tools);
        seen.filter(|(seen, _)| *seen).map(|(_, tool)| tool).collect()
    };
    assert_eq!(seen(Some("github")), ["create_issue", "read", "merge"]);
    assert_eq!(seen(Some("scratch")), ["read", "wipe", "delete_branch"]);
    assert_eq!(seen(Some("evil")), [""; 0]);
    assert_eq!(seen(None), ["read", "merge", "delete_branch"]);
}

#[test]
fn an_entry_that_names_nothing_is_refused_with_its_place() {
    for (fields, message) in [
        ("allowed_tools: ['@a']", "roles[0].allowed_tools[0]: `@a` names no tool"),
        ("allowed_tools: [read, 'read@']", "roles[0].allowed_tools[1]: `read@` names no tool"),
        ("allowed_tools: [read@a@b]", "roles[0].allowed_tools[0]: `read@a@b` names no tool"),
        ("allowed_tools: ['read@*']", "roles[0].allowed_tools[0]: `*` has a wildcard"),
        ("approval_required: ['r d@a']", "roles[0].approval_required[0]: `r d@a` names no tool"),
        ("denied_actions: ['*@']", "roles[0].denied_actions[0]: `*@` names no tool"),
        ("allowed_mcp_servers: [a@b]", "roles[0].allowed_mcp_servers[0]: `a@b` is not a name"),
        ("allowed_envs: [a@b]", "roles[0].allowed_envs[0]: `a@b` is not a name"),
        ("mcp_server_rate_limits: {'read@': 1}", "`read@` names no tool"),
        (
            "approval_required: [read], approval_unless: {read@a: [{field: n, operator: eq, value: 1}]}",
            "roles[0].approval_unless.read@a: `read@a` is held by approval_required too",
        ),
        (
            "approval_required: [read@a], approval_unless: {read@a: [{field: n, operator: eq, value: 1}]}",
            "`read@a` is held by approval_required too",
        ),
    ] {
        let text = format!("{{version: 1, roles: [{{name: r, {fields}}}]}}");
        let error = Policy::from_text(&text, "p").expect_err(&text).to_string();
        assert!(error.contains(message), "{fields}: {error}");
    }
    let waived = "{version: 1, roles: [{name: r, approval_required: [read@a],
        approval_unless: {read: [{field: n, operator: eq, value: 1}], read@b: [{field: n, operator: eq, value: 2}]}}]}";
    assert!(Policy::from_text(waived, "p").is_ok(), "elsewhere it may be waived");
}
