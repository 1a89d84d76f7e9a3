//! The part of JSON Schema 2020-12 that generated schemas use.

use crate::constraint::fold;
use crate::json::Json;
use crate::number::Decimal;
use std::cmp::Ordering;

const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

/// Whether a tool's arguments fit its schema. A schema that is none fits nothing.
pub fn fits(schema: &Json, arguments: &Json) -> bool {
    matches!(schema, Json::Obj(_))
        && is_schema(schema, schema)
        && !has_look_alike(schema, arguments)
        && holds(schema, schema, arguments)
}

/// Whether an argument differs by case alone from one that the schema names, and the schema does not
/// name both.
fn has_look_alike(schema: &Json, arguments: &Json) -> bool {
    let named: Vec<&str> =
        members(schema.member("properties")).iter().map(|(name, _)| name.as_str()).collect();
    let given = members(Some(arguments));
    named.iter().any(|name| {
        let twins = named.iter().filter(|other| fold(other) == fold(name)).count();
        twins == 1 && given.iter().any(|(other, _)| other != name && fold(other) == fold(name))
    })
}

fn members(value: Option<&Json>) -> &[(String, Json)] {
    match value {
        Some(Json::Obj(members)) => members,
        _ => &[],
    }
}

fn list(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Arr(items)) => items,
        _ => &[],
    }
}

fn target<'a>(root: &'a Json, schema: &Json) -> Option<Option<&'a Json>> {
    let Json::Str(reference) = schema.member("$ref")? else { return Some(None) };
    if reference == "#" {
        return Some(Some(root));
    }
    Some(reference.strip_prefix("#/$defs/").and_then(|name| root.member("$defs")?.member(name)))
}

/// Whether it is a schema, all of it, and refers only to itself and never to itself for one value.
fn is_schema(root: &Json, schema: &Json) -> bool {
    match schema {
        Json::Bool(_) => return true,
        Json::Obj(_) => {}
        _ => return false,
    }
    let is_type = |value: &Json| matches!(value, Json::Str(name) if TYPES.contains(&name.as_str()));
    let types = match schema.member("type") {
        None => true,
        Some(Json::Arr(items)) => !items.is_empty() && items.iter().all(is_type),
        Some(one) => is_type(one),
    };
    let required = match schema.member("required") {
        None => true,
        Some(Json::Arr(items)) => items.iter().all(|item| matches!(item, Json::Str(_))),
        Some(_) => false,
    };
    let refers = !matches!(target(root, schema), Some(None)) && !comes_back(root, schema, 0);
    let named = ["properties", "$defs"].iter().flat_map(|key| members(schema.member(key))).map(|(_, s)| s);
    let single = ["not", "items", "additionalProperties"].iter().filter_map(|key| schema.member(key));
    let listed = ["anyOf", "allOf"].iter().flat_map(|key| list(schema.member(key)));
    types && required && refers && named.chain(single).chain(listed).all(|part| is_schema(root, part))
}

/// Whether applying it to a value never ends. No generated schema has forty references in a row.
fn comes_back(root: &Json, schema: &Json, steps: usize) -> bool {
    let here = ["anyOf", "allOf"].iter().flat_map(|key| list(schema.member(key))).chain(schema.member("not"));
    let here = here.chain(target(root, schema).flatten());
    steps > 40 || here.into_iter().any(|part| comes_back(root, part, steps + 1))
}

fn holds(root: &Json, schema: &Json, value: &Json) -> bool {
    if let Json::Bool(all) = schema {
        return *all;
    }
    let here = |part: &Json| holds(root, part, value);
    let types = match schema.member("type") {
        Some(Json::Arr(items)) => items.iter().any(|item| is_of_type(item, value)),
        Some(one) => is_of_type(one, value),
        None => true,
    };
    types
        && target(root, schema).flatten().is_none_or(here)
        && schema.member("anyOf").is_none_or(|parts| list(Some(parts)).iter().any(here))
        && list(schema.member("allOf")).iter().all(here)
        && !schema.member("not").is_some_and(here)
        && schema.member("const").is_none_or(|wanted| wanted.equals(value))
        && schema.member("enum").is_none_or(|wanted| list(Some(wanted)).iter().any(|one| one.equals(value)))
        && match value {
            Json::Num(number) => number_holds(schema, number),
            Json::Str(text) => size_holds(schema, text.chars().count(), "minLength", "maxLength"),
            Json::Arr(items) => {
                size_holds(schema, items.len(), "minItems", "maxItems")
                    && schema
                        .member("items")
                        .is_none_or(|each| items.iter().all(|item| holds(root, each, item)))
            }
            Json::Obj(given) => object_holds(root, schema, given),
            _ => true,
        }
}

fn is_of_type(wanted: &Json, value: &Json) -> bool {
    let Json::Str(wanted) = wanted else { return false };
    match value {
        Json::Null => wanted == "null",
        Json::Bool(_) => wanted == "boolean",
        Json::Num(number) => wanted == "number" || (wanted == "integer" && number.is_integer()),
        Json::Str(_) => wanted == "string",
        Json::Arr(_) => wanted == "array",
        Json::Obj(_) => wanted == "object",
    }
}

fn number_holds(schema: &Json, number: &Decimal) -> bool {
    let compared = |key: &str| match schema.member(key) {
        Some(Json::Num(bound)) => Some(number.compare(bound)),
        _ => None,
    };
    compared("minimum") != Some(Ordering::Less) && compared("maximum") != Some(Ordering::Greater)
}

fn size_holds(schema: &Json, size: usize, least: &str, most: &str) -> bool {
    let size = Decimal::from_u64(size as u64);
    let compared = |key: &str| match schema.member(key) {
        Some(Json::Num(bound)) => Some(size.compare(bound)),
        _ => None,
    };
    compared(least) != Some(Ordering::Less) && compared(most) != Some(Ordering::Greater)
}

fn object_holds(root: &Json, schema: &Json, given: &[(String, Json)]) -> bool {
    let has = |name: &Json| matches!(name, Json::Str(name) if given.iter().any(|(other, _)| other == name));
    let properties = members(schema.member("properties"));
    let named = |name: &str| properties.iter().find(|(other, _)| other == name).map(|(_, part)| part);
    let part = |name: &str| named(name).or_else(|| schema.member("additionalProperties"));
    list(schema.member("required")).iter().all(has)
        && given.iter().all(|(name, value)| part(name).is_none_or(|part| holds(root, part, value)))
}
