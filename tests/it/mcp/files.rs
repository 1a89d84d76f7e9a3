//! Catalogues in policy files and in the builder.

use scopegate_core::{Catalogue, CatalogueTool};
use scopegate_engine::Policy;

use super::to;
use crate::engine::World;

const ROLES: &str = "roles: [{name: r, allowed_tools: [count], allowed_mcp_servers: [warehouse]}]";

#[test]
fn a_catalogue_is_written_as_tools_list_answers_it() {
    let policy = format!(
        "
version: 1
mcp_servers:
  warehouse:
    tools:
      - name: count
        description: Counts a bin.
        annotations: {{readOnlyHint: true, x: null}}
        inputSchema:
          type: object
          properties:
            bin: {{type: string, default: null}}
          required: [bin]
{ROLES}
"
    );
    let world = World::new(&policy);
    let session = world.open("r", "ann");
    for (args, expected) in [(r#"{"bin":"a"}"#, "PERMIT"), ("{}", "MCP_ARGUMENT_SCHEMA_VIOLATION")] {
        assert_eq!(world.ask(&session, &to("warehouse", "count", args)), expected, "{args}");
    }
    let policy = Policy::from_text(&policy, "p").expect("a good policy");
    let again = serde_json::to_string(&policy).expect("a policy as JSON");
    assert_eq!(Policy::from_text(&again, "p").expect("the same policy"), policy);
}

#[test]
fn the_builder_registers_beside_the_file() {
    let policy = format!("{{version: 1, mcp_servers: {{warehouse: {{tools: [{{name: burn}}]}}}}, {ROLES}}}");
    let world = World::with(&policy, |builder| builder.mcp_server("warehouse", Catalogue::of(["count"])));
    assert_eq!(world.ask(&world.open("r", "ann"), &to("warehouse", "count", "{}")), "PERMIT");
    let policy = Policy::from_text(&policy, "p").expect("a good policy");
    world.engine.reload(&policy).expect("a good policy");
    assert_eq!(world.ask(&world.open("r", "ann"), &to("warehouse", "count", "{}")), "PERMIT", "still");
}

#[test]
fn a_wrong_catalogue_is_refused_with_its_place() {
    for (servers, message) in [
        ("{a b: {tools: []}}", "1:33: mcp_servers.a b: `a b` is not a name"),
        ("{a: {}}", "1:31: missing field `tools`"),
        ("{a: }", "1:28: missing field `tools`"),
        ("{a: {tool: []}}", "1:32: unknown field `tool`, expected one of tools"),
        ("{a: {tools: }}", "1:37: `tools` has no value; give it one"),
        ("{a: {tools: {}}}", "1:39: expected sequence start"),
        ("{a: {tools: []}, a: {tools: []}}", "1:44: duplicate mapping key: a"),
        ("{a: {tools: [{}]}}", "1:40: missing field `name`"),
        ("{a: {tools: [{name: x*}]}}", "1:47: mcp_servers.a.tools[0].name: `x*` has a wildcard"),
        (
            "{a: {tools: [{name: x}, {name: x}]}}",
            "1:58: mcp_servers.a.tools[1].name: a second tool named `x`",
        ),
        (
            "{a: {tools: [{name: x, inputschema: {}}]}}",
            "1:50: unknown field `inputschema`; did you mean `inputSchema`?",
        ),
        ("{a: {tools: [{name: x, inputSchema: }]}}", "1:61: invalid type: nothing, expected an object"),
        ("{a: {tools: [{name: x, inputSchema: [1]}]}}", "1:63: invalid type: a list, expected an object"),
        (
            "{a: {tools: [{name: x, inputSchema: {type: 7}}]}}",
            "1:63: mcp_servers.a.tools[0].inputSchema: schema refused: 7 is not",
        ),
        ("{a: {tools: [{name: x, description: }]}}", "1:61: `description` has no value"),
    ] {
        let text = format!("{{version: 1, mcp_servers: {servers}, {ROLES}}}");
        let error = Policy::from_text(&text, "p").expect_err(servers).to_string();
        assert!(error.starts_with(&format!("p:{message}")), "{error}\n{message} was expected of {servers}");
    }
}

#[test]
fn too_many_tools_are_refused() {
    let many = Catalogue { tools: (0..1025).map(|n| CatalogueTool::new(format!("t{n}"))).collect() };
    let world = World::new(&format!("{{version: 1, {ROLES}}}"));
    let error = world.engine.put_catalogue("warehouse", many).expect_err("too many");
    assert_eq!(error.to_string(), "tools: 1025 are more than 1024");
}
