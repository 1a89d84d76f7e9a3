//! What the table says of a route beside who may take it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

type Shape = fn(&mut SchemaGenerator) -> Schema;

/// A route, described.
pub(crate) struct Doc {
    /// What it does, in a line.
    pub(crate) summary: &'static str,
    /// Parameters of the query.
    pub(crate) query: Vec<Value>,
    /// What the body looks like, if there is one.
    pub(crate) body: Option<Shape>,
    /// What it answers when it does not refuse.
    pub(crate) answers: Vec<Answer>,
}

/// An answer, described.
pub(crate) struct Answer {
    pub(crate) status: u16,
    description: &'static str,
    content: Vec<(&'static str, Shape)>,
}

impl Doc {
    pub(crate) fn new(summary: &'static str) -> Self {
        Self { summary, query: Vec::new(), body: None, answers: Vec::new() }
    }

    /// It takes a JSON body.
    pub(crate) fn takes<T: JsonSchema>(self) -> Self {
        Self { body: Some(SchemaGenerator::subschema_for::<T>), ..self }
    }

    /// A parameter of the query, which may be absent.
    pub(crate) fn asks(mut self, name: &str, description: &str, schema: &Value) -> Self {
        self.query.push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
        self
    }

    /// It answers with JSON.
    pub(crate) fn gives<T: JsonSchema>(mut self, status: u16, description: &'static str) -> Self {
        self.answers.push(Answer::of::<T>(status, description));
        self
    }

    /// The last answer may also be a text of that type.
    pub(crate) fn or_text(mut self, kind: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push((kind, SchemaGenerator::subschema_for::<String>));
        }
        self
    }

    /// It answers with a text of that type.
    pub(crate) fn tells(mut self, kind: &'static str, description: &'static str) -> Self {
        let content = vec![(kind, SchemaGenerator::subschema_for::<String> as Shape)];
        self.answers.push(Answer { status: 200, description, content });
        self
    }
}

impl Answer {
    pub(crate) fn of<T: JsonSchema>(status: u16, description: &'static str) -> Self {
        let json = ("application/json", SchemaGenerator::subschema_for::<T> as Shape);
        Self { status, description, content: vec![json] }
    }

    pub(crate) fn describe(&self, schemas: &mut SchemaGenerator) -> Value {
        let content = self
            .content
            .iter()
            .map(|(kind, shape)| ((*kind).to_owned(), json!({ "schema": shape(schemas) })));
        json!({
            "description": self.description,
            "headers": {
                "x-request-id": { "required": true, "schema": { "type": "string" } },
                "cache-control": { "required": true, "schema": { "const": "no-store" } },
            },
            "content": content.collect::<serde_json::Map<_, _>>(),
        })
    }
}
