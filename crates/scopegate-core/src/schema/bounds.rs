//! What a schema may be and cost, found out before it compiles.
//!
//! A schema is a graph: subschemas, and what each applies *here*, to the same value, or *below*, to
//! a part of it. References point back into the schema. The library remembers what it has done only
//! where a schema comes back to itself, so every other way through it is counted as it would be gone:
//! a place that many others refer to, as often as they do.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Refused;

/// Longest text of a schema, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// Most subschemas inside each other.
const MAX_DEPTH: usize = 16;
/// Most subschemas.
const MAX_SUBSCHEMAS: usize = 2048;
/// Most subschemas that apply to one and the same value.
const MAX_HERE: u32 = 1000;
/// Most steps that one value may take through a schema that was registered.
pub(super) const REGISTERED_STEPS: u32 = 10_000;
/// The same for one that comes with a call, which anybody may send again and again.
pub(super) const CLAIMED_STEPS: u32 = 1_000;
/// What a subschema with patterns counts for.
const PATTERN_STEPS: u32 = 100;
/// Most patterns, and the longest.
const MAX_PATTERNS: usize = 64;
const MAX_PATTERN: usize = 512;

/// Keywords with which one place would mean another than it seems to, or another file.
const REFUSED: [&str; 8] = [
    "$id",
    "$schema",
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveAnchor",
    "$recursiveRef",
    "$vocabulary",
];

/// Where a subschema applies.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Here,
    Below,
    /// Only where something refers to it.
    Nowhere,
}

/// Keywords that hold subschemas: one, a list of them, or by name.
const HOLDERS: [(&str, Place); 22] = [
    ("allOf", Place::Here),
    ("anyOf", Place::Here),
    ("oneOf", Place::Here),
    ("not", Place::Here),
    ("if", Place::Here),
    ("then", Place::Here),
    ("else", Place::Here),
    ("dependentSchemas", Place::Here),
    ("dependencies", Place::Here),
    ("properties", Place::Below),
    ("patternProperties", Place::Below),
    ("additionalProperties", Place::Below),
    ("propertyNames", Place::Below),
    ("unevaluatedProperties", Place::Below),
    ("items", Place::Below),
    ("prefixItems", Place::Below),
    ("additionalItems", Place::Below),
    ("contains", Place::Below),
    ("unevaluatedItems", Place::Below),
    ("contentSchema", Place::Below),
    ("$defs", Place::Nowhere),
    ("definitions", Place::Nowhere),
];

/// Keywords whose members are named by the schema's author, not by JSON Schema.
const BY_NAME: [&str; 6] =
    ["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];

/// Whether a validation of this schema may also say what is wrong. To do so the library works without
/// its memory, so a schema that comes back to itself only says yes or no.
pub(super) fn check(schema: &Value, most: u32) -> Result<bool, Refused> {
    if text_len(schema) > MAX_TEXT {
        return Err(Refused::TooLong(MAX_TEXT));
    }
    let graph = Graph::of(schema)?;
    let mut costs = Costs::new(&graph);
    for at in 0..graph.nodes.len() {
        if costs.here(at)? > MAX_HERE {
            return Err(Refused::TooMuch(MAX_HERE));
        }
    }
    let mut walk =
        Walk { graph: &graph, most, steps: 0, open: vec![false; graph.nodes.len()], circles: false };
    walk.through(0)?;
    Ok(!walk.circles)
}

/// Counts what is written, and keeps none of it.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn text_len(schema: &Value) -> usize {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, schema).map_or(usize::MAX, |()| length.0)
}

/// A subschema, and the numbers of those it applies.
#[derive(Default)]
struct Node {
    here: Vec<usize>,
    below: Vec<usize>,
    /// Whether texts are matched with patterns.
    matches: bool,
}

struct Graph<'a> {
    root: &'a Value,
    nodes: Vec<Node>,
    /// Numbers by place in memory: one place of the schema is one subschema, however it is reached.
    numbers: HashMap<*const Value, usize>,
    /// Numbers that have not been looked into, with their depth.
    unread: Vec<(usize, &'a Value, usize)>,
    patterns: usize,
}

impl<'a> Graph<'a> {
    fn of(root: &'a Value) -> Result<Self, Refused> {
        let mut graph =
            Self { root, nodes: Vec::new(), numbers: HashMap::new(), unread: Vec::new(), patterns: 0 };
        graph.number(root, 0)?;
        while let Some((at, schema, depth)) = graph.unread.pop() {
            match schema {
                Value::Object(members) => graph.read(at, members, depth)?,
                Value::Bool(_) => {}
                _ => return Err(Refused::NoSchema),
            }
        }
        Ok(graph)
    }

    fn number(&mut self, schema: &'a Value, depth: usize) -> Result<usize, Refused> {
        if depth > MAX_DEPTH {
            return Err(Refused::TooDeep(MAX_DEPTH));
        }
        if let Some(known) = self.numbers.get(&std::ptr::from_ref(schema)) {
            return Ok(*known);
        }
        let at = self.nodes.len();
        if at == MAX_SUBSCHEMAS {
            return Err(Refused::TooMany(MAX_SUBSCHEMAS));
        }
        self.nodes.push(Node::default());
        self.numbers.insert(schema, at);
        self.unread.push((at, schema, depth));
        Ok(at)
    }

    fn read(&mut self, at: usize, members: &'a Map<String, Value>, depth: usize) -> Result<(), Refused> {
        if let Some(keyword) = REFUSED.iter().find(|keyword| members.contains_key(**keyword)) {
            return Err(Refused::Keyword(keyword));
        }
        if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
            self.pattern(pattern)?;
        }
        if let Some(Value::Object(patterns)) = members.get("patternProperties") {
            patterns.keys().try_for_each(|pattern| self.pattern(pattern))?;
        }
        let matches = members.contains_key("pattern") || members.contains_key("patternProperties");
        let mut node = Node { matches, ..Node::default() };
        for (keyword, place) in HOLDERS {
            let Some(held) = members.get(keyword) else { continue };
            for subschema in held_by(keyword, held) {
                let number = self.number(subschema, depth + 1)?;
                match place {
                    Place::Here => node.here.push(number),
                    Place::Below => node.below.push(number),
                    Place::Nowhere => {}
                }
            }
        }
        if let Some(reference) = members.get("$ref") {
            let target = self.resolve(reference)?;
            node.here.push(self.number(target, 0)?);
        }
        if let Some(place) = self.nodes.get_mut(at) {
            *place = node;
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), Refused> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS || pattern.len() > MAX_PATTERN {
            return Err(Refused::Patterns(MAX_PATTERNS, MAX_PATTERN));
        }
        Ok(())
    }

    /// Only `#` and plain JSON pointers below it: everything else could mean another document.
    fn resolve(&self, reference: &Value) -> Result<&'a Value, Refused> {
        let refused = || Refused::Reference(super::cut(&reference.to_string()));
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).ok_or_else(refused)?;
        if pointer.contains('%') {
            return Err(refused());
        }
        self.root.pointer(pointer).ok_or_else(refused)
    }
}

/// The subschemas that a keyword holds.
fn held_by<'a>(keyword: &str, held: &'a Value) -> Vec<&'a Value> {
    match held {
        Value::Object(members) if BY_NAME.contains(&keyword) => {
            // `dependencies` may also name members, in a list.
            members.values().filter(|member| keyword != "dependencies" || !member.is_array()).collect()
        }
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

/// How many subschemas apply to one value, each subschema counted once.
struct Costs<'a> {
    graph: &'a Graph<'a>,
    here: Vec<Count>,
}

#[derive(Clone, Copy)]
enum Count {
    Unknown,
    /// Being counted: to come here again is a circle.
    Open,
    Known(u32),
}

impl<'a> Costs<'a> {
    fn new(graph: &'a Graph<'a>) -> Self {
        Self { graph, here: vec![Count::Unknown; graph.nodes.len()] }
    }

    /// How many subschemas apply to the value that this one applies to.
    fn here(&mut self, at: usize) -> Result<u32, Refused> {
        match self.here.get(at) {
            Some(Count::Known(known)) => return Ok(*known),
            Some(Count::Unknown) => self.put(at, Count::Open),
            Some(Count::Open) | None => return Err(Refused::Circle),
        }
        let parts = self.graph.nodes.get(at).map(|node| node.here.as_slice()).unwrap_or_default();
        let steps =
            parts.iter().try_fold(1, |steps: u32, part| Ok(steps.saturating_add(self.here(*part)?)))?;
        self.put(at, Count::Known(steps));
        Ok(steps)
    }

    fn put(&mut self, at: usize, count: Count) {
        if let Some(place) = self.here.get_mut(at) {
            *place = count;
        }
    }
}

/// Goes every way through a schema, back to none that it is on, and gives up when that is too much.
struct Walk<'a> {
    graph: &'a Graph<'a>,
    most: u32,
    steps: u32,
    /// Subschemas that the way leads through.
    open: Vec<bool>,
    circles: bool,
}

impl Walk<'_> {
    fn through(&mut self, at: usize) -> Result<(), Refused> {
        let Some(node) = self.graph.nodes.get(at) else { return Ok(()) };
        self.steps += if node.matches { PATTERN_STEPS } else { 1 };
        if self.steps > self.most {
            return Err(Refused::TooDear(self.most));
        }
        if self.open.get(at) == Some(&true) {
            self.circles = true;
            return Ok(());
        }
        self.mark(at, true);
        node.here.iter().chain(&node.below).try_for_each(|part| self.through(*part))?;
        self.mark(at, false);
        Ok(())
    }

    fn mark(&mut self, at: usize, open: bool) {
        if let Some(place) = self.open.get_mut(at) {
            *place = open;
        }
    }
}
