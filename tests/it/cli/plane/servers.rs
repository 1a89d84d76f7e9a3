//! `scopegate servers`.

use serde_json::json;

use super::Desk;

const TOOLS: &str = r#"{"tools": [
    {"name": "count", "description": "Counts.", "inputSchema": {"type": "object", "required": ["shelf"]}},
    {"name": "burn"}
]}"#;

#[test]
fn a_server_is_registered_seen_and_forgotten() {
    let desk = Desk::open();
    let tools = desk.write("tools.json", TOOLS);
    let put = |kind: &str, file: &str, more: &[&str]| {
        desk.run(kind, &[&["servers", "put", "ware/house", file], more].concat())
    };
    put("admin", &tools, &[]).assert(2, "+ add burn\n+ add count", "add --yes");
    desk.run("admin", &["servers", "get", "ware/house"]).assert(2, "", "no such MCP server");
    put("agent", &tools, &["--yes"]).assert(2, "", "this needs a key of kind admin or dev");
    put("admin", &tools, &["--yes"]).assert(0, "+ add count", "`ware/house` is registered with 2 tools");
    put("admin", &tools, &["--yes"]).assert(0, "", "nothing to do");

    desk.run("agent", &["servers", "list"]).assert(0, "ware/house", "");
    assert_eq!(desk.json("auditor", &["servers", "list"])[0]["tools"], json!(["count", "burn"]));
    desk.run("admin", &["servers", "get", "ware/house"]).assert(0, "required", "");
    // What it shows for programs is what it takes.
    let shown = desk.run("admin", &["servers", "get", "ware/house", "--output", "json"]);
    assert_eq!(shown.json()[0], serde_json::from_str::<serde_json::Value>(TOOLS).expect("JSON"));
    let same = desk.write("same.json", &shown.stdout);
    put("admin", &same, &["--yes"]).assert(0, "", "nothing to do");

    let fewer = desk.write("fewer.yaml", "tools:\n  - {name: count}\n  - {name: ship}\n");
    let changed = put("admin", &fewer, &["--yes", "--output", "json"]);
    let step = |tool: &str, action: &str| json!({ "tool": tool, "action": action });
    let steps = [step("burn", "remove"), step("count", "change"), step("ship", "add")];
    assert_eq!(changed.json(), steps);

    desk.run("admin", &["servers", "delete", "ware/house"]).assert(2, "", "add --yes");
    desk.run("admin", &["servers", "delete", "ware/house", "--yes"]).assert(0, "", "is forgotten");
    desk.run("admin", &["servers", "delete", "ware/house", "--yes"]).assert(2, "", "no such MCP server");
}

#[test]
fn what_is_no_catalogue_is_refused_with_its_place() {
    let desk = Desk::open();
    for (text, why) in [
        ("", "tools.json: "),
        ("[]", "tools.json: "),
        (r#"{"tools": [], "nextCursor": "2"}"#, "unknown field `nextCursor`"),
        (r#"{"tools": [{"name": "a", "inputschema": {}}]}"#, "unknown field `inputschema`"),
        (r#"{"tools": [], "tools": []}"#, "duplicate"),
        (r#"{"tools": [{"name": "a"}, {"name": "a"}]}"#, "second tool"),
        (r#"{"tools": [{"name": "a", "inputSchema": {"$ref": "https://x.example/y"}}]}"#, "$ref"),
    ] {
        let file = desk.write("tools.json", text);
        desk.run("admin", &["servers", "put", "erp", &file, "--yes"]).assert(2, "", why);
    }
    let missing = desk.path("nothing.json");
    desk.run("admin", &["servers", "put", "erp", &missing, "--yes"]).assert(2, "", "nothing.json: ");
    assert_eq!(desk.json("admin", &["servers", "list"]).len(), 0, "nothing was registered");
}
