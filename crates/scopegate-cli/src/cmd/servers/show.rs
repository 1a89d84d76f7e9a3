//! MCP servers as they stand.

use serde_json::json;

use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{Output, listing};
use crate::reveal::reveal;

pub(super) fn list(plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
    let servers = plane.ask(plane.client.list_servers())?;
    let mut table = listing(["server", "tools", "registered"]);
    for server in &servers {
        if output.is_json() {
            output.json(server)?;
            continue;
        }
        let tools = server.tools.iter().map(|tool| reveal(tool)).collect::<Vec<_>>().join(", ");
        table.add_row([reveal(&server.name), tools, server.updated_at.to_string()]);
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

pub(super) fn get(plane: &Plane, server: &str, output: &mut Output) -> Result<Exit, Failure> {
    let server = plane.ask(plane.client.get_server(server))?;
    if output.is_json() {
        output.json(&json!({ "tools": server.tools }))?;
        return Ok(Exit::Ok);
    }
    let mut table = listing(["tool", "state", "arguments"]);
    for tool in &server.tools {
        let state = if tool.quarantined { "quarantined" } else { "good" };
        let schema = tool.input_schema.as_ref().map(|schema| json!(schema).to_string());
        let arguments = schema.map_or_else(|| "any".to_owned(), |schema| reveal(&schema));
        table.add_row([reveal(&tool.name), state.to_owned(), arguments]);
    }
    output.page(table)?;
    Ok(Exit::Ok)
}
