//! Tools that are granted by patterns, and the trust that roles want.

use scopegate_core::{
    AccessRequest, Args, Decision, Enforcer, Name, Principal, Provision, Quick, Role, ToolCall, Trust,
};

use super::LocalEnforcer;
use crate::Policy;

fn engine(roles: &str) -> LocalEnforcer {
    let text = format!("version: 1\nroles:\n{roles}");
    LocalEnforcer::new(Policy::from_text(&text, "policy").unwrap_or_else(|error| panic!("{error}\n{text}")))
        .unwrap()
}

fn open(engine: &LocalEnforcer, role: &str) -> Principal {
    engine.open(Provision::new(role, "ann")).unwrap().principal
}

fn ask(engine: &LocalEnforcer, principal: &Principal, tool: &str, args: &str) -> &'static str {
    let call = ToolCall::new(tool).with_args(Args::parse(args.to_owned()));
    asked(engine, principal, &call)
}

fn asked(engine: &LocalEnforcer, principal: &Principal, call: &ToolCall) -> &'static str {
    let request = AccessRequest::new(principal.as_ref(), call);
    let decision = match engine.try_enforce(&request) {
        Quick::Decided(decision) => decision,
        Quick::Need(_) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(engine.enforce(&request)).unwrap()
        }
    };
    match decision {
        Decision::Permit(_) => "PERMIT",
        Decision::Hold(_) => "HOLD",
        Decision::Deny(denial) => denial.code.as_str(),
    }
}

const ROLES: &str = "
  - {name: base, allowed_actions: ['db:*', 'pay*'], max_rows: 5, min_trust_level: 50,
     parameter_constraints: {pay_all: [{field: amount, operator: lt, value: 10}]}, approval_required: ['db:drop']}
  - {name: r, parent_role_id: base, allowed_tools: [read, pay], allowed_actions: ['r*'],
     denied_actions: ['*secret*'], approval_required: [run]}
";

#[test]
fn a_pattern_grants_with_all_guards_of_the_role_that_says_so() {
    let engine = engine(ROLES);
    for (tool, args, answer) in [
        ("read", "{}", "PERMIT"),
        ("rename", "{}", "PERMIT"), // of the role itself: its parent's guards stay away
        ("run", "{}", "HOLD"),      // a rule of a tool that no role lists
        ("Rename", "{}", "SCOPE_VIOLATION"),
        ("write", "{}", "SCOPE_VIOLATION"),
        ("", "{}", "SCOPE_VIOLATION"),
        ("r", "{}", "PERMIT"),
        ("ru\u{405}h", "{}", "SCOPE_VIOLATION"), // no name, so no tool
        ("r n", "{}", "SCOPE_VIOLATION"),
        ("read_secret", "{}", "ACTION_FORBIDDEN"),
        ("db:list", "{}", "DATA_LIMIT_EXCEEDED"), // of the parent: its guards come along
        ("db:list", r#"{"limit":5}"#, "PERMIT"),
        ("db:drop", r#"{"limit":5}"#, "HOLD"),
        ("pay", "{}", "DATA_LIMIT_EXCEEDED"), // listed here, but the farthest role grants it too
        ("pay_all", r#"{"limit":5}"#, "PARAMETER_VIOLATION"),
        ("pay_all", r#"{"limit":5,"amount":9}"#, "PERMIT"),
    ] {
        let session = engine.open(Provision::new("r", format!("for {tool} {args}"))).unwrap().principal;
        assert_eq!(ask(&engine, &session, tool, args), answer, "{tool} {args}");
    }
    // What a caller says it does is no tool.
    let session = open(&engine, "r");
    let call = ToolCall { action: Some("read".into()), ..ToolCall::new("write") };
    assert_eq!(asked(&engine, &session, &call), "SCOPE_VIOLATION");
}

#[test]
fn what_a_pattern_grants_is_listed_and_explained() {
    let engine = engine(ROLES);
    let session = open(&engine, "r");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let visible =
        runtime.block_on(engine.visible(session.as_ref(), &["db:x", "write", "read_secret", "run"]));
    assert_eq!(visible.unwrap(), [true, false, false, true]);
    let view = engine.explain("r").unwrap();
    let patterns: Vec<_> = view.patterns.iter().map(|view| (&*view.pattern, &*view.granted_by)).collect();
    assert_eq!(patterns, [("db:*", "base"), ("pay*", "base"), ("r*", "r")]);
    let tool = |name: &'static str| engine.explain_tool("r", &Name::new_static(name), None);
    assert_eq!(tool("db:drop").unwrap().approval, Some(Vec::new()));
    assert_eq!(tool("pay_all").unwrap().constraints, ["`amount` must be less than 10"]);
    assert_eq!(tool("read").unwrap().granted_by, "r");
    assert!(tool("write").is_none());
    assert!(view.guards.last().unwrap().rules.contains(&"the agent must be trusted at least 50".to_owned()));
}

#[test]
fn a_minimum_of_trust_is_counted_for_and_enforced() {
    let engine = engine(ROLES);
    let session = open(&engine, "r");
    let paid = r#"{"limit":5,"amount":1}"#;
    assert_eq!(ask(&engine, &session, "db:list", paid), "PERMIT");
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(engine.trust("ann").to_string(), "48.2");
    // The parent wants more for its tools, the role nothing for its own.
    assert_eq!(ask(&engine, &session, "db:list", paid), "TRUST_TOO_LOW");
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(ask(&engine, &session, "read", "{}"), "PERMIT");
    // Another role of the same owner starts where it stands, and nobody else does.
    assert_eq!(ask(&engine, &open(&engine, "base"), "db:list", paid), "TRUST_TOO_LOW");
    let other = engine.open(Provision::new("base", "ben")).unwrap().principal;
    assert_eq!(ask(&engine, &other, "db:list", paid), "PERMIT");
}

#[test]
fn trust_is_counted_while_a_role_reads_it() {
    let engine = engine("\n  - {name: r, allowed_tools: [read]}");
    let session = open(&engine, "r");
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(engine.trust("ann"), Trust::START); // nobody asks
    let wary = Role { min_trust_level: Some(50), ..Role::new("wary").allow(["read"]) };
    engine.put_role(wary.clone()).unwrap();
    assert_eq!(ask(&engine, &session, "write", "{}"), "SCOPE_VIOLATION");
    assert_eq!(engine.trust("ann").to_string(), "48");
    assert_eq!(ask(&engine, &open(&engine, "wary"), "read", "{}"), "TRUST_TOO_LOW");
    engine.put_role(Role { min_trust_level: None, ..wary }).unwrap();
    assert_eq!(ask(&engine, &open(&engine, "wary"), "read", "{}"), "PERMIT");
    assert_eq!(engine.trust("ann").to_string(), "46"); // the refusal before counted, this permit did not
}

/// Patterns beside what is said of the tools of one MCP server.
const AT_SERVERS: &str = "
  - {name: base, allowed_mcp_servers: [hub, scratch], allowed_actions: ['push*'], max_rows: 5}
  - name: r
    parent_role_id: base
    allowed_mcp_servers: [hub, scratch]
    allowed_tools: [create@hub, push_tag@hub, merge@hub]
    allowed_actions: ['read_*', 'merge*']
    denied_actions: ['read_secret@h*']
    parameter_constraints:
      read_all: [{field: a, operator: lt, value: 10}]
      read_all@scratch: [{field: b, operator: lt, value: 10}]
      create: [{field: a, operator: lt, value: 10}]
      push_tag@scratch: [{field: a, operator: lt, value: 10}]
    approval_required: [read_log@scratch, merge@scratch]
    redact_output: {read_out@scratch: [{max_bytes: 9}]}
    mcp_server_rate_limits: {read_few@scratch: 1}
  - name: free
    allowed_actions: ['read_*']
    approval_required: [read_log@scratch]
";

fn at(server: &'static str, tool: &'static str, args: &'static str) -> ToolCall {
    let server = (!server.is_empty()).then(|| Name::new_static(server));
    ToolCall { server, ..ToolCall::new(tool).with_args(Args::parse(args)) }
}

#[test]
fn what_guards_a_tool_at_one_server_guards_it_there_where_a_pattern_grants_it() {
    let engine = engine(AT_SERVERS);
    for (server, tool, args, answer) in [
        // Constrained anywhere, and more at one server.
        ("hub", "read_all", r#"{"a":1}"#, "PERMIT"),
        ("hub", "read_all", r#"{"a":11}"#, "PARAMETER_VIOLATION"),
        ("scratch", "read_all", r#"{"a":1,"b":1}"#, "PERMIT"),
        ("scratch", "read_all", r#"{"a":1}"#, "PARAMETER_VIOLATION"),
        ("scratch", "read_all", r#"{"a":11,"b":1}"#, "PARAMETER_VIOLATION"),
        // Held, and forbidden, at one server alone.
        ("hub", "read_log", "{}", "PERMIT"),
        ("scratch", "read_log", "{}", "HOLD"),
        ("hub", "read_secret", "{}", "ACTION_FORBIDDEN"),
        ("scratch", "read_secret", "{}", "PERMIT"),
        // Listed at one server, and granted at the others by a pattern or not at all.
        ("hub", "merge", "{}", "PERMIT"),
        ("scratch", "merge", "{}", "HOLD"),
        ("hub", "create", r#"{"a":1}"#, "PERMIT"),
        ("hub", "create", r#"{"a":11}"#, "PARAMETER_VIOLATION"),
        ("scratch", "create", r#"{"a":1}"#, "SCOPE_VIOLATION"),
        // The farthest role that grants it, by whatever, brings its guards.
        ("hub", "push_tag", "{}", "DATA_LIMIT_EXCEEDED"),
        ("hub", "push_tag", r#"{"limit":5}"#, "PERMIT"),
        ("scratch", "push_tag", r#"{"limit":5}"#, "PARAMETER_VIOLATION"),
        ("scratch", "push_tag", r#"{"a":1}"#, "DATA_LIMIT_EXCEEDED"),
        ("scratch", "push_tag", r#"{"a":1,"limit":5}"#, "PERMIT"),
        // No other server, none at all, and no tool that is named like an entry.
        ("evil", "read_all", r#"{"a":1}"#, "MCP_SERVER_UNAUTHORIZED"),
        ("", "read_all", r#"{"a":1}"#, "MCP_SERVER_UNAUTHORIZED"),
        ("hub", "read_all@hub", r#"{"a":1}"#, "SCOPE_VIOLATION"),
        ("hub", "read_log@scratch", "{}", "SCOPE_VIOLATION"),
        ("scratch", "merge@hub", "{}", "SCOPE_VIOLATION"),
    ] {
        let session =
            engine.open(Provision::new("r", format!("for {tool} {server} {args}"))).unwrap().principal;
        assert_eq!(asked(&engine, &session, &at(server, tool, args)), answer, "{tool} at `{server}` {args}");
    }
    let session = open(&engine, "r");
    for (server, answer) in [("scratch", "PERMIT"), ("scratch", "MCP_RATE_LIMIT_EXCEEDED"), ("hub", "PERMIT")]
    {
        assert_eq!(asked(&engine, &session, &at(server, "read_few", "{}")), answer);
    }
    // A pattern grants without a server too, and lists none.
    let session = open(&engine, "free");
    assert_eq!(asked(&engine, &session, &at("", "read_log", "{}")), "PERMIT");
    assert_eq!(asked(&engine, &session, &at("hub", "read_log", "{}")), "MCP_SERVER_UNAUTHORIZED");
}

#[test]
fn what_a_pattern_grants_at_a_server_is_listed_and_explained() {
    let engine = engine(AT_SERVERS);
    let session = open(&engine, "r");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tools = ["read_all", "create", "read_secret", "merge", "write", "read_all@hub"];
    let seen = |server| runtime.block_on(engine.visible_at(session.as_ref(), server, &tools)).unwrap();
    assert_eq!(seen("hub"), [true, true, false, true, false, false]);
    assert_eq!(seen("scratch"), [true, false, true, true, false, false]);
    assert_eq!(seen("evil"), [false; 6]);
    let tool = |name: &'static str, server: &'static str| {
        engine.explain_tool("r", &Name::new_static(name), Some(&Name::new_static(server)))
    };
    let (hub, scratch) = (tool("read_log", "hub").unwrap(), tool("read_log", "scratch").unwrap());
    assert_eq!((hub.server.as_deref(), hub.approval), (None, None));
    assert_eq!((scratch.server.as_deref(), scratch.approval), (Some("scratch"), Some(Vec::new())));
    assert_eq!(tool("read_all", "scratch").unwrap().constraints.len(), 2);
    assert_eq!(tool("read_out", "scratch").unwrap().output, ["at most 9 bytes"]);
    assert!(tool("read_out", "hub").unwrap().output.is_empty());
    assert_eq!(tool("push_tag", "hub").unwrap().granted_by, "base");
    assert!(
        tool("read_secret", "hub").unwrap().forbidden && !tool("read_secret", "scratch").unwrap().forbidden
    );
    assert!(tool("create", "scratch").is_none());
}
