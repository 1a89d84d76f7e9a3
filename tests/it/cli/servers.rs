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

#[test]
fn validate_refuses_a_schema_that_is_none() {
    let (_folder, policy) = file("policy.yaml", &POLICY.replace("type: object", "type: objekt"));
    let said = "mcp_servers.warehouse.tools[0].inputSchema: schema refused: ";
    let run = scopegate(&["validate", &policy]);
    assert!(run.stdout.contains(said) || run.stderr.contains(said), "{}{}", run.stdout, run.stderr);
    assert_ne!(run.code, 0);
}
