//! The OpenAPI document: it has every route of the table and nothing else, and a change of it shows
//! in review.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::built::root;
use crate::served::Plane;

/// The document as it was reviewed. `SCOPEGATE_UPDATE=1` writes it anew.
const REVIEWED: &str = "crates/scopegate-server/openapi.json";

fn document() -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(folder.path());
    let (status, document) = plane.client("").ask("GET", "/openapi.json", &Value::Null).expect("an answer");
    assert_eq!(status, 200, "it needs no key");
    document
}

#[test]
fn the_document_is_the_table_and_was_reviewed() {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().expect("operations").keys();
            methods.map(|method| (method.to_ascii_uppercase(), path.clone()))
        })
        .collect();
    let listed: BTreeSet<(String, String)> = scopegate_server::listing()
        .into_iter()
        .map(|(method, path, _)| (method.to_string(), path.to_owned()))
        .collect();
    assert_eq!(described, listed);

    let reviewed = root().join(REVIEWED);
    if std::env::var_os("SCOPEGATE_UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&document).expect("JSON");
        std::fs::write(&reviewed, format!("{text}\n")).expect("written");
    }
    let text = std::fs::read_to_string(&reviewed).expect("the reviewed document");
    let reviewed: Value = serde_json::from_str(&text).expect("JSON");
    assert!(document == reviewed, "{REVIEWED} is another one: SCOPEGATE_UPDATE=1 writes it anew, for review");
}

/// Every reference leads somewhere, and every operation says what it answers.
#[test]
fn the_document_holds_together() {
    let document = document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference within the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let ids: Vec<&str> = document["paths"]
        .as_object()
        .expect("paths")
        .values()
        .flat_map(|operations| operations.as_object().expect("operations").values())
        .map(|operation| {
            let answers = operation["responses"].as_object().expect("responses");
            assert!(answers.keys().any(|status| status.starts_with('2')), "{operation}");
            operation["operationId"].as_str().expect("an id")
        })
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
            Some(text) if name == "$ref" => references.push(text),
            _ => collect(value, references),
        }),
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
