//! Line 8: do the arguments fit the tool's schema?
//!
//! The schema that was registered for the tool always applies. One that comes with the call can only
//! narrow it, because both must pass. The only file that knows the schema library: nothing is ever
//! fetched, and what a schema may cost is bounded before it compiles.

mod bounds;

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::Facts;
use crate::json::{Expected, Members};

/// Largest compiled pattern, in bytes.
const MAX_PROGRAM: usize = 64 * 1024;
/// Longest reason that is told.
const MAX_REASON: usize = 200;

/// Why a schema is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    #[error("its subschemas stand more than {0} deep")]
    TooDeep(usize),
    #[error("it has more than {0} subschemas")]
    TooMany(usize),
    #[error("more than {0} of its subschemas apply to one value")]
    TooMuch(u32),
    #[error("one value may take more than {0} steps through it, where one with patterns counts for many")]
    TooDear(u32),
    #[error("it has more than {0} patterns, or one longer than {1} bytes")]
    Patterns(usize, usize),
    #[error("a subschema refers to itself for the same value")]
    Circle,
    #[error("a schema is an object, and a subschema an object or a boolean")]
    NoSchema,
    #[error("`$schema` is not JSON Schema 2020-12, 2019-09 or draft 7")]
    Draft,
    #[error("`{0}` is not accepted there")]
    Keyword(&'static str),
    #[error("`$ref` may only be `#` or a place below it such as `#/$defs/name`, and must exist: {0}")]
    Reference(String),
    #[error("{0}")]
    Library(String),
}

/// A schema, compiled.
#[derive(Debug)]
pub(crate) struct ToolSchema {
    validator: Validator,
    /// Whether it is cheap to say what does not fit.
    tells: bool,
    /// The arguments that it speaks of.
    fields: Box<[Expected<Box<str>>]>,
}

impl ToolSchema {
    /// A schema that was registered.
    pub(crate) fn compile(schema: &Map<String, Value>) -> Result<Self, Refused> {
        Self::within(schema, bounds::REGISTERED_STEPS)
    }

    fn within(schema: &Map<String, Value>, steps: u32) -> Result<Self, Refused> {
        let mut schema = schema.clone();
        let draft = draft(schema.remove("$schema").as_ref())?;
        // Its own name means nothing to a schema that refers to nothing but itself.
        schema.remove("$id");
        let schema = Value::Object(schema);
        let tells = bounds::check(&schema, steps)?;
        let patterns = PatternOptions::regex().size_limit(MAX_PROGRAM).dfa_size_limit(MAX_PROGRAM * 16);
        let options = jsonschema::options().with_draft(draft).offline().with_pattern_options(patterns);
        let built = options.should_validate_formats(true).build(&schema);
        let validator = built.map_err(|error| Refused::Library(cut(&error.to_string())))?;
        Ok(Self { validator, tells, fields: fields(&schema) })
    }

    /// What does not fit, in words.
    fn check(&self, members: &Members<'_>, arguments: &Value) -> Result<(), String> {
        // Some tools read `Path` where the schema has looked at `path`.
        if let Some(field) = self.fields.iter().find(|field| members.named(field).is_err()) {
            return Err(format!("an argument looks like `{}` and is another", cut(field.name())));
        }
        // Asked for a reason the library repeats work that it otherwise remembers.
        if self.validator.is_valid(arguments) {
            return Ok(());
        }
        let error = self.tells.then(|| self.validator.validate(arguments).err()).flatten();
        Err(error.map_or_else(
            || "the arguments do not fit it".to_owned(),
            |error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "the arguments".to_owned() } else { format!("`{place}`") };
                cut(&format!("{place}: {}", error.masked()))
            },
        ))
    }
}

fn draft(schema: Option<&Value>) -> Result<Draft, Refused> {
    let Some(named) = schema else { return Ok(Draft::Draft202012) };
    match named.as_str().map(|uri| uri.trim_end_matches('#')) {
        Some("https://json-schema.org/draft/2020-12/schema") => Ok(Draft::Draft202012),
        Some("https://json-schema.org/draft/2019-09/schema") => Ok(Draft::Draft201909),
        Some("http://json-schema.org/draft-07/schema" | "https://json-schema.org/draft-07/schema") => {
            Ok(Draft::Draft7)
        }
        _ => Err(Refused::Draft),
    }
}

/// The arguments that a schema speaks of, but for those that it tells apart by case itself.
fn fields(schema: &Value) -> Box<[Expected<Box<str>>]> {
    let Some(Value::Object(properties)) = schema.get("properties") else { return Box::default() };
    let mut alike: HashMap<String, Vec<&str>> = HashMap::new();
    for name in properties.keys() {
        alike.entry(name.to_lowercase()).or_default().push(name);
    }
    let alone = alike.into_values().filter_map(|names| match names[..] {
        [name] => Some(Expected::from(name)),
        _ => None,
    });
    alone.collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_REASON) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The schemas that a call has to fit.
pub(crate) struct InForce<'a> {
    registered: Option<&'a ToolSchema>,
    claimed: Option<&'a Value>,
}

/// What the arguments have to fit, if anything.
#[inline(always)]
pub(crate) fn in_force<'a>(facts: &Facts<'a>, call: &'a ToolCall) -> Option<InForce<'a>> {
    if call.server.is_none() && call.mcp.is_none() { None } else { find(facts, call) }
}

#[inline(never)]
fn find<'a>(facts: &Facts<'a>, call: &'a ToolCall) -> Option<InForce<'a>> {
    let registered = call.server.as_ref().and_then(|server| facts.catalogues.schema(server, &call.tool));
    let claimed = call.mcp.as_ref().and_then(|claims| claims.schema.as_ref());
    (registered.is_some() || claimed.is_some()).then_some(InForce { registered, claimed })
}

#[inline(always)]
pub(crate) fn check(schemas: Option<&InForce<'_>>, call: &ToolCall) -> Result<(), Denial> {
    schemas.map_or(Ok(()), |schemas| schemas.check(call))
}

impl InForce<'_> {
    #[inline(never)]
    fn check(&self, call: &ToolCall) -> Result<(), Denial> {
        let (Some(members), Some(arguments)) = (call.args.members(), call.args.to_value()) else {
            return Err(Denial::new(DenyCode::InvalidArguments));
        };
        if let Some(schema) = self.registered {
            schema
                .check(&members, &arguments)
                .map_err(|why| violation(&format!("the tool's schema: {why}")))?;
        }
        if let Some(claimed) = self.claimed {
            let claimed = claimed.as_object().ok_or(Refused::NoSchema);
            let compiled = claimed.and_then(|claimed| ToolSchema::within(claimed, bounds::CLAIMED_STEPS));
            let schema =
                compiled.map_err(|why| violation(&format!("the schema of the call is refused: {why}")))?;
            let fits = schema.check(&members, &arguments);
            fits.map_err(|why| violation(&format!("the schema of the call: {why}")))?;
        }
        Ok(())
    }
}

fn violation(why: &str) -> Denial {
    Denial::with(DenyCode::McpArgumentSchemaViolation, Detail::Rule(Arc::from(why)))
}
