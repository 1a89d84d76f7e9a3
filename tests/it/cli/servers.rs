//! MCP servers on the command line: `check --server`, `explain`, `validate`.

use super::{file, scopegate};

const POLICY: &str = r#"
version: 1
records: none
mcp_servers:
  warehouse:
    tools:
      - name: count
        inputSchema: { type: object, properties: { bin: { type: string } }, required: [bin] }
      - name: burn
roles:
  - name: keeper
    allowed_tools: [count, steal]
    allowed_mcp_servers: [warehouse, erp]
    mcp_server_rate_limits: { warehouse: 30 }
"#;

#[test]
fn check_judges_the_server_too() {
    let (_folder, policy) = file("policy.yaml", POLICY);
    for (server, tool, args, code, said) in [
        ("warehouse", "count", r#"{"bin":"a"}"#, 0, "be one of: warehouse, erp"),
        ("warehouse", "count", "{}", 1, "MCP_ARGUMENT_SCHEMA_VIOLATION"),
        ("warehouse", "steal", "{}", 1, "its tool `burn`"),
        (
            "github",
            "count",
            "{}",
            1,
            "would pass  the MCP server must be named, and be one of: warehouse, erp",
        ),
        ("erp", "steal", "{}", 0, "permit\n"),
    ] {
        let line = ["check", "--policy", &policy, "--server", server, "--tool", tool, "--args", args];
        scopegate(&line).assert(code, said, "");
    }
    let unnamed = ["check", "--policy", &policy, "--tool", "count"];
    scopegate(&unnamed).assert(1, "MCP_SERVER_UNAUTHORIZED", "");
}

#[test]
fn explain_names_servers_and_their_limits() {
    let (_folder, policy) = file("policy.yaml", POLICY);
    let run = scopegate(&["explain", "--policy", &policy]);
    run.assert(0, "the MCP server must be named, and be one of: warehouse, erp", "");
    run.assert(
        0,
        "all sessions of one owner together: at most 30 calls per minute to MCP server `warehouse`",
        "",
    );
}

const AT: &str = r#"
version: 1
records: none
roles:
  - name: ops
    allowed_tools: [create_issue@github, read]
    allowed_mcp_servers: [github, scratch]
    parameter_constraints: { read@scratch: [{ field: path, operator: prefix, value: /tmp/ }] }
    mcp_server_rate_limits: { create_issue@github: 3 }
"#;

#[test]
fn a_tool_of_one_server_is_told_apart() {
    let (_folder, policy) = file("policy.yaml", AT);
    for (server, tool, args, code, said) in [
        ("github", "create_issue", "{}", 0, "granted to role `ops`"),
        (
            "scratch",
            "create_issue",
            "{}",
            1,
            "would pass  at another MCP server: granted is `create_issue@github`",
        ),
        ("scratch", "create_issue@github", "{}", 1, "not granted to role `ops`"),
        ("scratch", "read", r#"{"path":"/etc"}"#, 1, "`path` must start with \"/tmp/\""),
        ("github", "read", r#"{"path":"/etc"}"#, 0, "permit\n"),
    ] {
        let line = ["check", "--policy", &policy, "--server", server, "--tool", tool, "--args", args];
        scopegate(&line).assert(code, said, "");
    }
    let run = scopegate(&["explain", "--policy", &policy]);
    for said in [
        "| create_issue@github | ops",
        "| read@scratch ",
        "calls per minute of `create_issue` to MCP server `github`",
    ] {
        run.assert(0, said, "");
    }
    let told = scopegate(&["explain", "--policy", &policy, "--output", "json"]).json();
    assert_eq!(
        (&told[0]["tools"][0]["tool"], &told[0]["tools"][0]["server"]),
        (&"create_issue".into(), &"github".into())
    );
    scopegate(&["validate", &policy]).assert(0, "ok (roles: 1, tools: 2", "");
    let (_folder, odd) = file(
        "policy.yaml",
        "{version: 1, roles: [{name: a, allowed_tools: [read@x], allowed_mcp_servers: [y], approval_required: [read@y]}]}",
    );
    let run = scopegate(&["validate", &odd]);
    run.assert(
        0,
        "ok",
        "allowed_tools names `read@x`, but allowed_mcp_servers does not list `x`, so it grants nothing here",
    );
    run.assert(0, "ok", "approval_required names `read@y`, which no role of this file grants");
}

#[test]
fn validate_refuses_a_schema_that_is_none() {
    let (_folder, policy) = file("policy.yaml", &POLICY.replace("type: object", "type: objekt"));
    let said = "mcp_servers.warehouse.tools[0].inputSchema: schema refused: ";
    let run = scopegate(&["validate", &policy]);
    assert!(run.stdout.contains(said) || run.stderr.contains(said), "{}{}", run.stdout, run.stderr);
    assert_ne!(run.code, 0);
}
