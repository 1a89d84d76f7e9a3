//! The tools of an MCP server that swarms itself connects: only the model's seam reaches them.

use scopegate_core::Event;
use serde_json::json;

use crate::support::{Till, builder, run, script};

/// A server with two tools, in a language that is installed wherever these tests run.
const SERVER: &str = r#"
import json, sys
names = ["count_bin", "empty_bin"]
schema = {"type": "object"}
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    method, params = asked["method"], asked.get("params") or {}
    if method == "initialize":
        info = {"name": "warehouse", "version": "1"}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
    elif method == "tools/list":
        result = {"tools": [{"name": n, "description": n, "inputSchema": schema} for n in names]}
    elif method == "tools/call":
        open(sys.argv[1], "a").write(params["name"] + "\n")
        result = {"content": [{"type": "text", "text": params["name"] + " ran"}], "isError": False}
    else:
        result = {}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

#[tokio::test]
async fn tools_of_an_mcp_server_are_guarded_by_the_model() {
    let till = Till::new("{version: 1, roles: [{name: payer, allowed_tools: [count_bin]}]}");
    let folder = tempfile::tempdir().expect("a folder");
    let (server, log) = (folder.path().join("server.py"), folder.path().join("log"));
    std::fs::write(&server, SERVER).expect("a server");
    let args = [server.to_string_lossy().into_owned(), log.to_string_lossy().into_owned()];
    let model = script([("empty_bin", json!({"bin": "A"})), ("count_bin", json!({"bin": "A"}))]);
    let agent = builder(&model, &till.guard()).add_stdio_mcp_server("python3".to_owned(), args).await;
    run(&agent.build().expect("an agent")).await;
    assert_eq!(std::fs::read_to_string(log).expect("calls"), "count_bin\n");
    assert_eq!(model.offered(), ["count_bin"]);
    let told = model.heard();
    assert!(told[0].contains("SCOPE_VIOLATION") && told[1].contains("count_bin ran"), "{told:?}");
    // What became of it swarms tells nobody here.
    assert_eq!(till.events().await[1..], [Event::Permit, Event::Dropped]);
}
