//! `/mgmt/v1/mcp/servers`: what MCP servers offer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{Catalogue, CatalogueTool, Name, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use super::body::Object;
use super::roles::Deleted;
use crate::auth::Caller;
use crate::domain::member::Invalid;
use crate::domain::{CatalogueDocument, Failure};
use crate::extract::Path;
use crate::openapi::DateTime;
use crate::plane::Plane;

/// All servers that were registered.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Servers {
    servers: Vec<Summary>,
}

/// A server, without its tools' schemas.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    name: Name,
    tools: Vec<Name>,
    #[schemars(with = "DateTime")]
    updated_at: Timestamp,
}

/// A server and all that was registered of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Server {
    name: Name,
    tools: Vec<CatalogueTool>,
    #[schemars(with = "DateTime")]
    updated_at: Timestamp,
}

pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Json<Servers>, Failure> {
    let servers = plane.tenant(&caller.tenant)?.catalogues();
    let summary = |document: &Arc<CatalogueDocument>| Summary {
        name: document.server.clone(),
        tools: document.catalogue.tools.iter().map(|tool| tool.name.clone()).collect(),
        updated_at: document.updated_at,
    };
    Ok(Json(Servers { servers: servers.iter().map(summary).collect() }))
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(server): Path<String>,
) -> Result<Json<Server>, Failure> {
    Ok(Json(show(&*plane.tenant(&caller.tenant)?.catalogue(&server)?)))
}

/// The body is what the server's own `tools/list` answers: `tools`, all of them.
pub(crate) async fn put(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(server): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let (catalogue, now) = (catalogue(body)?, plane.now());
    let tenant = plane.tenant(&caller.tenant)?;
    let (document, new) = tenant.put_catalogue(server.into(), catalogue, now).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(show(&document))).into_response())
}

pub(crate) async fn delete(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(server): Path<String>,
) -> Result<Json<Deleted>, Failure> {
    plane.tenant(&caller.tenant)?.delete_catalogue(&server).await?;
    Ok(Json(Deleted { deleted: true }))
}

fn catalogue(mut body: Map<String, Value>) -> Result<Catalogue, Invalid> {
    let tools = body.remove("tools");
    if let Some(unknown) = body.keys().next() {
        return Err(Invalid::new(unknown, "is not known: the body holds `tools`, all of them"));
    }
    let Some(Value::Array(tools)) = tools else {
        return Err(Invalid::new("tools", "must be a list of tools"));
    };
    let tool = |(tool, index): (Value, usize)| {
        let invalid = |error: serde_json::Error| Invalid::new(&format!("tools[{index}]"), &error.to_string());
        serde_json::from_value::<CatalogueTool>(tool).map_err(invalid)
    };
    Ok(Catalogue { tools: tools.into_iter().zip(0..).map(tool).collect::<Result<_, _>>()? })
}

fn show(document: &CatalogueDocument) -> Server {
    Server {
        name: document.server.clone(),
        tools: document.catalogue.tools.clone(),
        updated_at: document.updated_at,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Catalogue, String> {
        let Value::Object(body) = body else { panic!("{body}") };
        catalogue(body).map_err(|error| error.to_string())
    }

    #[test]
    fn a_catalogue_is_what_tools_list_answers() {
        let tool = json!({"name": "count", "title": "Count", "description": "Counts.",
            "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": true}, "icons": [], "_meta": {"x": 1}});
        let read = read(json!({"tools": [tool, {"name": "burn"}]})).unwrap();
        assert_eq!(serde_json::to_value(&read.tools[0]).unwrap(), tool);
        assert_eq!(read.tools[1], CatalogueTool::new("burn"));
    }

    #[test]
    fn whatever_could_mean_more_than_is_said_is_refused() {
        for (bad, said) in [
            (json!({}), "`tools` must be a list of tools"),
            (json!({"tools": null}), "`tools` must be a list of tools"),
            (json!({"tools": {"count": {}}}), "`tools` must be a list of tools"),
            (json!({"tools": [], "nextCursor": "2"}), "`nextCursor` is not known"),
            (json!({"tools": ["count"]}), "`tools[0]` invalid type: string"),
            (json!({"tools": [{"name": "a"}, {}]}), "`tools[1]` missing field `name`"),
            (json!({"tools": [{"name": 7}]}), "`tools[0]` invalid type: integer"),
            (json!({"tools": [{"name": "a", "inputschema": {}}]}), "`tools[0]` unknown field `inputschema`"),
            (json!({"tools": [{"name": "a", "inputSchema": null}]}), "`tools[0]` invalid type: "),
            (json!({"tools": [{"name": "a", "inputSchema": true}]}), "`tools[0]` invalid type: "),
        ] {
            let error = read(bad.clone()).unwrap_err();
            assert!(error.starts_with(said), "{error} for {bad}");
        }
    }
}
