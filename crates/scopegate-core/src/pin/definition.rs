//! The digest of what a tool is said to be.

use serde_json::{Map, Value, json};

use crate::catalogue::CatalogueTool;
use crate::digest::{digest_text, tagged};

/// Largest whole number that binary64 holds together with all below it.
const EXACT: u64 = 1 << 53;
/// Deepest definition that is digested: schemas of 16 levels fit many times.
const DEEPEST: usize = 128;

/// SHA-256 over a domain tag and the canonical form (RFC 8785) of a tool's name, title, description,
/// schemas and annotations. Pictures, `_meta` and how it runs are not part of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefinitionDigest([u8; 32]);

impl DefinitionDigest {
    /// The digest of a tool's definition; `None` only for one nested absurdly deep.
    pub fn of(tool: &CatalogueTool) -> Option<Self> {
        let mut definition = content(tool);
        definition.insert("name".to_owned(), json!(tool.name));
        digest("scopegate-tool-v1", definition)
    }

    /// The same without the name: two tools that share it are one tool under two names.
    pub(super) fn of_content(tool: &CatalogueTool) -> Option<Self> {
        digest("scopegate-tool-content-v1", content(tool))
    }
}

/// What is absent is left out, so that a server that writes null says the same as one that does not.
fn content(tool: &CatalogueTool) -> Map<String, Value> {
    let parts = [
        ("title", tool.title.clone().map(Value::String)),
        ("description", tool.description.clone().map(Value::String)),
        ("inputSchema", tool.input_schema.clone().map(Value::Object)),
        ("outputSchema", tool.output_schema.clone()),
        ("annotations", tool.annotations.clone()),
    ];
    let present = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?)));
    present.filter(|(_, part)| !part.is_null()).collect()
}

/// Canonical JSON writes 2^53 and 2^53+1 alike, and schemas of 64-bit numbers hold such: beside the
/// definition the digest covers every large whole number as it was written, with its place.
fn digest(tag: &str, definition: Map<String, Value>) -> Option<DefinitionDigest> {
    let mut large = Vec::new();
    let definition = Value::Object(definition);
    collect(&definition, &mut String::new(), &mut large, 0)?;
    // Members come in whatever order the build keeps them in.
    large.sort_unstable();
    tagged(tag, &json!([definition, large])).map(DefinitionDigest)
}

fn collect(value: &Value, place: &mut String, large: &mut Vec<String>, depth: usize) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    let before = place.len();
    let mut enter = |step: &str, value: &Value| {
        // Escaped, so that no name can pass for a longer place.
        place.push_str(&step.replace('~', "~0").replace('/', "~1"));
        place.push('/');
        collect(value, place, large, depth + 1)?;
        place.truncate(before);
        Some(())
    };
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| enter(name, value)),
        Value::Array(elements) => {
            elements.iter().zip(0_usize..).try_for_each(|(value, at)| enter(&at.to_string(), value))
        }
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_some_and(|size| size > EXACT) {
                large.push(format!("{place}={number}"));
            }
            Some(())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Some(()),
    }
}

digest_text!(DefinitionDigest);
