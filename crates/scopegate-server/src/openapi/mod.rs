//! The OpenAPI document: made from the table of routes, and from the types that are sent.

mod doc;
mod shapes;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::Json;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

pub(crate) use self::doc::{Answer, Doc};
pub(crate) use self::shapes::{DateTime, Free, open};
use crate::dialect::xybern;
use crate::routes::{self, Route};

/// What every refusal looks like.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; `routes::refusal` writes it")]
struct Refusal {
    error: Reason,
    /// The message once more, where many clients look for it.
    detail: String,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Reason {
    /// Stable, such as `NOT_FOUND`.
    code: String,
    /// For people.
    message: String,
}

/// `GET /openapi.json`.
pub(crate) async fn serve() -> Json<&'static Value> {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    Json(DOCUMENT.get_or_init(document))
}

pub(crate) fn doc() -> Doc {
    Doc::new("This document").gives::<Free>(200, "OpenAPI 3.1")
}

/// The document. Two builds of one source make the same.
pub(crate) fn document() -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    schemas.subschema_for::<Refusal>();
    let mut paths: BTreeMap<&str, BTreeMap<String, Map<String, Value>>> = BTreeMap::new();
    for route in routes::table() {
        let operation = operation(&route, &mut schemas);
        paths.entry(route.path).or_default().insert(route.method.as_str().to_ascii_lowercase(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Scopegate",
            "summary": "Decides whether an AI agent may make this tool call, with these arguments, now.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": "X-Scopebound-API-Key" },
                "x-key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

fn operation(route: &Route, schemas: &mut SchemaGenerator) -> Map<String, Value> {
    let Doc { summary, query, body, answers } = (route.doc)();
    let mut responses: Map<String, Value> =
        answers.into_iter().map(|answer| (answer.status.to_string(), answer.describe(schemas))).collect();
    let mut operation = Map::new();
    let mut say = |name: &str, value| operation.insert(name.to_owned(), value);
    say("summary", json!(summary));
    say("operationId", json!(operation_id(route)));
    say("parameters", path_parameters(route.path).chain(query).collect());
    if let Some(body) = body {
        let schema = body(schemas);
        say(
            "requestBody",
            json!({ "required": true, "content": { "application/json": { "schema": schema } } }),
        );
    }
    if !route.kinds.is_empty() {
        say("x-key-kinds", route.kinds.iter().map(|kind| kind.word()).collect());
        say("security", json!([{ "key": [] }, { "x-key": [] }, { "bearer": [] }]));
        let refused = "Refused: a bad request, no or a bad key, a key of another kind, or nothing there";
        responses.insert("4XX".to_owned(), refusal(route, 400, refused).describe(schemas));
    }
    let unavailable = "Too many requests at a time, or changes cannot be kept";
    let unavailable = refusal(route, 503, unavailable).describe(schemas);
    responses.entry("503").or_insert(unavailable);
    say("responses", Value::Object(responses));
    operation
}

/// A refusal in the words of the route's dialect.
fn refusal(route: &Route, status: u16, why: &'static str) -> Answer {
    match xybern::serves(route.path) {
        true => Answer::of::<xybern::Refusal<'_>>(status, why),
        false => Answer::of::<Refusal>(status, why),
    }
}

/// Such as `post_v1_provision`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let method = route.method.as_str().to_ascii_lowercase();
    std::iter::once(method.as_str()).chain(words).collect::<Vec<_>>().join("_")
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
    })
}
