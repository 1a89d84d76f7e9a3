//! Line 8: what an operator registers always applies, and what comes with a call can only narrow it.

use std::time::{Duration, Instant};

use scopegate_core::{Catalogue, CatalogueTool, Decision, Provisioned};
use serde_json::{Map, Value, json};

use super::{claiming, to};
use crate::engine::World;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

/// A session of a role that may call `use` on server `a`, whose schema of it is registered.
fn world(registered: Option<Value>) -> (World, Provisioned) {
    let world = World::new(
        "{version: 1, roles: [{name: r, allowed_tools: [use], allowed_mcp_servers: [a], rate_limit_per_minute: 100000}]}",
    );
    if let Some(schema) = registered {
        let tool = CatalogueTool::new("use").with_schema(object(schema));
        world.engine.put_catalogue("a", Catalogue { tools: vec![tool] }).expect("a good schema");
    }
    let session = world.open("r", "ann");
    (world, session)
}

fn ask(registered: Option<Value>, claimed: Option<Value>, args: &str) -> String {
    let (world, session) = world(registered);
    match world.decide(&session.principal, &claiming(to("a", "use", args), None, claimed)) {
        Decision::Permit(_) => "PERMIT".to_owned(),
        Decision::Deny(denial) => format!("{} {denial}", denial.code),
        Decision::Hold(_) => "HOLD".to_owned(),
    }
}

const VIOLATION: &str = "MCP_ARGUMENT_SCHEMA_VIOLATION";

/// The same schema registered, claimed, and both.
fn check(schema: &Value, args: &str, fits: bool) {
    for (registered, claimed) in
        [(Some(schema.clone()), None), (None, Some(schema.clone())), (Some(schema.clone()), Some(json!({})))]
    {
        let answer = ask(registered, claimed, args);
        let expected = if fits { "PERMIT" } else { VIOLATION };
        assert!(answer.starts_with(expected), "{schema} {args}: {answer}");
    }
}

#[test]
fn arguments_fit_or_are_refused() {
    let schema = json!({
        "type": "object",
        "properties": {
            "path": {"type": "string", "pattern": "^/data/", "maxLength": 20},
            "depth": {"type": "integer", "minimum": 1},
            "mode": {"enum": ["r", "w"]},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "uniqueItems": true},
            "at": {"type": "string", "format": "date-time"},
        },
        "required": ["path"],
        "additionalProperties": false,
        "$defs": {"tag": {"type": "string", "minLength": 1}},
    });
    for args in [
        r#"{"path":"/data/a"}"#,
        r#"{"path":"/data/a","depth":2.0,"mode":"w","tags":["a","b"],"at":"2026-01-05T10:00:00Z"}"#,
    ] {
        check(&schema, args, true);
    }
    for args in [
        "{}",
        r#"{"path":null}"#,
        r#"{"path":7}"#,
        r#"{"path":["/data/a"]}"#,
        r#"{"path":"/etc/a"}"#,
        r#"{"path":"/data/aaaaaaaaaaaaaaaaaaaaaaa"}"#,
        r#"{"path":"/data/a","depth":"2"}"#,
        r#"{"path":"/data/a","depth":1.5}"#,
        r#"{"path":"/data/a","depth":0}"#,
        r#"{"path":"/data/a","mode":"rw"}"#,
        r#"{"path":"/data/a","tags":["a","a"]}"#,
        r#"{"path":"/data/a","tags":[""]}"#,
        r#"{"path":"/data/a","at":"yesterday"}"#,
        r#"{"path":"/data/a","Path":"/etc"}"#,
    ] {
        check(&schema, args, false);
    }
    let malformed = ask(Some(schema), None, r#"{"path":"/data/a","path":"/etc"}"#);
    assert!(malformed.starts_with("INVALID_ARGUMENTS"), "{malformed}");
}

#[test]
fn the_reason_names_the_place_and_no_value() {
    let schema = json!({"properties": {"card": {"properties": {"pin": {"type": "integer"}}}}});
    let told = ask(Some(schema.clone()), None, r#"{"card":{"pin":"s3cret"}}"#);
    assert!(told.contains("`/card/pin`: ") && told.contains("integer") && !told.contains("s3cret"), "{told}");
    let told = ask(None, Some(schema), r#"{"card":{"pin":"s3cret"}}"#);
    assert!(told.contains("the schema of the call: `/card/pin`"), "{told}");
}

#[test]
fn what_looks_like_an_argument_of_the_schema_is_refused() {
    let schema = json!({"properties": {"path": {"type": "string"}, "ID": {}, "id": {}}});
    for (args, fits) in [
        (r#"{"path":"/data"}"#, true),
        (r#"{"path":"/data","Path":"/etc"}"#, false),
        (r#"{"PATH":7}"#, false),
        (r#"{"inner":{"Path":7}}"#, true),
        (r#"{"ID":1,"id":2}"#, true),
    ] {
        check(&schema, args, fits);
    }
}

#[test]
fn a_claimed_schema_only_narrows() {
    let registered = json!({"properties": {"bin": {"type": "string"}}, "required": ["bin"]});
    for (claimed, args, expected) in [
        (json!({}), r#"{"bin":"a"}"#, "PERMIT"),
        (json!({}), r#"{"bin":7}"#, VIOLATION),
        (json!({"properties": {"bin": {"type": "integer"}}}), r#"{"bin":7}"#, VIOLATION),
        (json!({"properties": {"bin": {"enum": ["b"]}}}), r#"{"bin":"a"}"#, VIOLATION),
        (json!({"properties": {"bin": {"enum": ["b"]}}}), r#"{"bin":"b"}"#, "PERMIT"),
        (json!({"not": {}}), r#"{"bin":"a"}"#, VIOLATION),
    ] {
        let answer = ask(Some(registered.clone()), Some(claimed.clone()), args);
        assert!(answer.starts_with(expected), "{claimed} {args}: {answer}");
    }
}

/// Schemas that are none, or could cost more than they may: refused where they are registered, and a
/// denial where they come with a call.
#[test]
fn what_is_no_schema_or_too_much_of_one_is_refused() {
    let deep = |levels| (0..levels).fold(json!({}), |inner, _| json!({"properties": {"a": inner}}));
    let list = |key: &str, each: Value, times| json!({ key: vec![each; times] });
    let doubling = |levels: usize| {
        let pair = |k: usize| json!({"allOf": [{"$ref": format!("#/$defs/d{k}")}, {"$ref": format!("#/$defs/d{k}")}]});
        let mut defs: Map<String, Value> = (0..levels).map(|k| (format!("d{k}"), pair(k + 1))).collect();
        defs.insert(format!("d{levels}"), json!({"type": "integer"}));
        json!({"$defs": defs, "properties": {"a": {"$ref": "#/$defs/d0"}}})
    };
    // Each level applies the next to a part of the value, many times over.
    let fanning = |levels: usize, times: usize| {
        let next = |k: usize| json!({"properties": {"a": {"$ref": format!("#/$defs/d{k}")}}});
        let mut defs: Map<String, Value> =
            (0..levels).map(|k| (format!("d{k}"), json!({"allOf": vec![next(k + 1); times]}))).collect();
        defs.insert(format!("d{levels}"), json!(true));
        json!({"$defs": defs, "$ref": "#/$defs/d0"})
    };
    // Every place leads to every other: no step is repeated for one value, and the ways are many.
    let mesh = |places: usize| {
        let to = |k: usize| (format!("p{k}"), json!({"$ref": format!("#/$defs/d{k}")}));
        let place = json!({"properties": Value::Object((0..places).map(to).collect())});
        let defs: Map<String, Value> = (0..places).map(|k| (format!("d{k}"), place.clone())).collect();
        json!({"$defs": defs, "$ref": "#/$defs/d0"})
    };
    for (schema, why) in [
        (fanning(22, 2), "steps through it"),
        (fanning(4, 40), "steps through it"),
        (fanning(28, 16), "steps through it"),
        (mesh(12), "steps through it"),
        (json!({"type": 7}), "7 is not"),
        (json!({"type": "objekt"}), "objekt"),
        (json!({"required": "path"}), "path"),
        (json!({"properties": {"a": 7}}), "a schema is an object"),
        (json!({"properties": {"a": null}}), "a schema is an object"),
        (json!({"$ref": "http://127.0.0.1:9/schema"}), "`$ref` may only be"),
        (json!({"$ref": "file:///etc/passwd"}), "`$ref` may only be"),
        (json!({"$ref": "other.json#/a"}), "`$ref` may only be"),
        (json!({"$ref": "#/$defs/nobody"}), "must exist"),
        (json!({"$ref": "#name"}), "`$ref` may only be"),
        (json!({"$ref": "#/%24defs/a", "$defs": {"a": {}}}), "`$ref` may only be"),
        (json!({"$ref": 7}), "`$ref` may only be"),
        (json!({"$ref": ""}), "`$ref` may only be"),
        (json!({"$schema": "http://127.0.0.1:9/meta"}), "`$schema` is not"),
        (json!({"$schema": 7}), "`$schema` is not"),
        (json!({"properties": {"a": {"$id": "http://127.0.0.1:9/"}}}), "`$id` is not accepted there"),
        (json!({"$dynamicRef": "#a"}), "`$dynamicRef` is not accepted there"),
        (json!({"properties": {"a": {"$anchor": "a"}}}), "`$anchor` is not accepted there"),
        (json!({"$ref": "#"}), "refers to itself for the same value"),
        (json!({"allOf": [{"anyOf": [{"$ref": "#"}]}]}), "refers to itself for the same value"),
        (
            json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
            "refers to itself for the same value",
        ),
        (deep(17), "more than 16 deep"),
        (list("allOf", json!({}), 1000), "more than 1000 of its subschemas apply to one value"),
        (doubling(9), "more than 1000 of its subschemas apply to one value"),
        (doubling(600), "more than 1000 of its subschemas apply to one value"),
        (list("prefixItems", json!(true), 3000), "more than 2048 subschemas"),
        (json!({"description": "x".repeat(66_000)}), "longer than 65536 bytes"),
        (json!({"properties": {"a": {"pattern": "("}}}), "regex"),
        (json!({"properties": {"a": {"pattern": "a".repeat(513)}}}), "64 patterns, or one longer than 512"),
        (json!({"properties": {"a": {"pattern": "^(?!x)"}}}), "regex"),
        (json!({"properties": {"a": {"pattern": "(a)\\1"}}}), "regex"),
        (json!({"properties": {"a": {"pattern": "(a{300}){300}"}}}), "regex"),
        (list("allOf", json!({"pattern": "a"}), 65), "more than 64 patterns"),
        (json!({"patternProperties": {"(": {}}}), "regex"),
    ] {
        let short = schema.to_string().chars().take(120).collect::<String>();
        let told = ask(None, Some(schema.clone()), "{}");
        let expected = format!("{VIOLATION} the schema of the call is refused: ");
        assert!(told.starts_with(&expected) && told.contains(why), "{short}: {told}");
        let tool = CatalogueTool::new("use").with_schema(object(schema));
        let refused = world(None).0.engine.put_catalogue("a", Catalogue { tools: vec![tool] });
        let refused = refused.expect_err(&short).to_string();
        assert!(
            refused.starts_with("tools[0].inputSchema: schema refused: ") && refused.contains(why),
            "{refused}"
        );
    }
    for claimed in [json!([]), json!("none"), json!(7), json!(true), json!(false)] {
        let told = ask(None, Some(claimed.clone()), "{}");
        assert!(told.starts_with(VIOLATION), "{claimed}: {told}");
    }
}

#[test]
fn what_real_servers_write_is_accepted() {
    for schema in [
        json!({}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://example.com/t", "type": "object"}),
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "x-order": 1}),
        // A tree, as generators write it, and one whose branches meet again.
        json!({"$defs": {"Node": {"properties": {"kids": {"items": {"$ref": "#/$defs/Node"}}}}}, "$ref": "#/$defs/Node"}),
        json!({"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "string"}, "$ref": {"type": "string"}}}),
        json!({"dependencies": {"a": ["b"]}, "definitions": {"x": true}}),
        json!({"properties": {"id": {"type": "string"}, "$id": {"type": "string"}, "default": {"default": null}}}),
    ] {
        assert_eq!(ask(Some(schema.clone()), Some(schema.clone()), "{}"), "PERMIT", "{schema}");
    }
}

/// The value can repeat what the schema repeats, level by level. The library remembers; this is about
/// minutes, not about speed.
#[test]
fn a_schema_that_branches_with_the_value_does_not_run_away() {
    let again = || json!({"properties": {"a": {"$ref": "#"}}});
    let args = (0..28).fold("{\"b\":1}".to_owned(), |inner, _| format!("{{\"a\":{inner}}}"));
    let begun = Instant::now();
    for schema in [
        json!({"allOf": [again(), again()]}),
        json!({"allOf": [again(), again()], "properties": {"b": {"type": "string"}}}),
        json!({"anyOf": [again(), {"not": again()}]}),
        json!({"oneOf": [again(), again(), {"properties": {"b": {"const": 2}}}]}),
        json!({"allOf": [again(), again()], "unevaluatedProperties": {"type": "integer"}}),
    ] {
        ask(Some(schema.clone()), Some(schema), &args);
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_tool_without_a_schema_streams_and_one_with_it_is_read() {
    use scopegate_core::{AccessRequest, Enforcer, Need, Quick, ToolCall};
    let unread = || {
        let mut call = ToolCall::new("use");
        call.server = Some("a".into());
        call
    };
    for (schema, reads) in [(None, false), (Some(json!({})), true)] {
        let (world, session) = world(schema);
        let (call, principal) = (unread(), session.principal.clone());
        let answer = world.engine.try_enforce(&AccessRequest::new(principal.as_ref(), &call));
        assert_eq!(matches!(answer, Quick::Need(Need::Args)), reads, "{answer:?}");
    }
}
