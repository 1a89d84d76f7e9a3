//! Policies: what stands against calls, whatever role grants them.

use crate::decide::{Call, SECOND};
use crate::guards::glob_matches;
use crate::json::{Json, read_arguments};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

/// What a policy makes of a call that it matches, from the mildest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Makes {
    /// Held for a person.
    Hold,
    /// Denied.
    Deny,
}

/// A policy that is switched on.
#[derive(Debug)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it makes of a call.
    pub makes: Makes,
    /// Whether it decides; otherwise it only looks.
    pub live: bool,
    /// Whether nothing lifts it.
    absolute: bool,
    actions: Vec<String>,
    when: When,
}

/// When it matches.
#[derive(Debug)]
enum When {
    Always,
    /// Below so many tenths.
    TrustBelow(u64),
    /// One of these is found.
    Says(Vec<Regex>),
    /// In these hours and on these days, Monday being 1.
    At(Vec<u64>, Vec<u64>),
    /// Deeper than this, or through these hands.
    Through(Option<u64>, Vec<String>),
}

/// A call, with all that policies look at.
pub(crate) struct Seen<'a, 'c> {
    pub(crate) call: &'a Call<'c>,
    pub(crate) owner: &'a str,
    /// Sessions above the one that asks.
    pub(crate) above: usize,
    pub(crate) now: u64,
    /// In tenths.
    pub(crate) trust: u64,
}

/// Reads the policies that are switched on.
pub fn read_policies(text: &str) -> Result<Vec<Policy>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut policies = Vec::new();
    for value in document["policies"].as_array().cloned().unwrap_or_default() {
        if value["enabled"] != Value::Bool(false) {
            policies.push(read(&value)?);
        }
    }
    Ok(policies)
}

fn read(value: &Value) -> Result<Policy, String> {
    let asks = &value["conditions"];
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
    };
    let numbers = |list: &Value| list.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let when = match value["policy_type"].as_str() {
        Some("action_type") => When::Always,
        Some("threshold") => {
            let level = value["trust_threshold"].as_f64().ok_or("a threshold without a level")?;
            When::TrustBelow((level * 10.0).round() as u64)
        }
        Some("content_pattern") => {
            let bytes = |source: &String| RegexBuilder::new(source).unicode(false).build();
            let patterns = texts(&asks["patterns"]).iter().map(bytes).collect::<Result<_, _>>();
            When::Says(patterns.map_err(|error| error.to_string())?)
        }
        Some("temporal") => When::At(numbers(&asks["blocked_hours"]), numbers(&asks["blocked_days"])),
        Some("chain_of_custody") => {
            When::Through(asks["max_chain_depth"].as_u64(), texts(&asks["forbidden_agents"]))
        }
        other => return Err(format!("policy type {other:?}")),
    };
    Ok(Policy {
        name: value["name"].as_str().ok_or("a policy without a name")?.to_string(),
        makes: if value["decision"] == "deny" { Makes::Deny } else { Makes::Hold },
        live: value["mode"] != "shadow",
        absolute: value["absolute"] != Value::Bool(false),
        actions: texts(&value["action_types"]),
        when,
    })
}

impl Policy {
    /// Whether the arguments of a call have to be read for it: to look into them, or to show them to a person.
    pub(crate) fn wants_arguments(&self, seen: &Seen) -> bool {
        match self.when {
            When::Says(_) => self.speaks_of(seen.call),
            _ => self.makes == Makes::Hold && self.matches(seen),
        }
    }

    /// Whether broken glass lifts it.
    pub(crate) fn can_be_lifted(&self) -> bool {
        !self.absolute && self.makes == Makes::Deny
    }

    /// Whether it is asked before anything is granted.
    pub(crate) fn comes_first(&self) -> bool {
        self.absolute && self.makes == Makes::Deny && !matches!(self.when, When::Says(_))
    }

    pub(crate) fn matches(&self, seen: &Seen) -> bool {
        if !self.speaks_of(seen.call) {
            return false;
        }
        match &self.when {
            When::Always => true,
            When::TrustBelow(tenths) => seen.trust < *tenths,
            When::Says(patterns) => match read_arguments(seen.call.args) {
                Ok(arguments) => patterns.iter().any(|pattern| says(&arguments, pattern)),
                Err(_) => false,
            },
            When::At(hours, days) => {
                let hour = seen.now / (3600 * SECOND) % 24;
                // 1970-01-01 was a Thursday, which is day 4 here.
                let day = (seen.now / (24 * 3600 * SECOND) + 3) % 7 + 1;
                hours.contains(&hour) || days.contains(&day)
            }
            When::Through(most, agents) => {
                let depth = (seen.above + seen.call.via.len()) as u64;
                let hands = seen.call.via.iter().map(String::as_str).chain([seen.owner]);
                most.is_some_and(|most| depth > most)
                    || hands.into_iter().any(|hand| agents.iter().any(|agent| agent == hand))
            }
        }
    }

    fn speaks_of(&self, call: &Call) -> bool {
        let names = |pattern: &String, name: &str| glob_matches(pattern.as_bytes(), name.as_bytes());
        self.actions.is_empty()
            || self.actions.iter().any(|pattern| {
                names(pattern, call.tool) || call.action.is_some_and(|action| names(pattern, action))
            })
    }
}

/// Whether it is found in a text, a name or a number, or in the whole as it is written without spaces.
fn says(arguments: &Json, pattern: &Regex) -> bool {
    let found = |text: &str| pattern.is_match(text.as_bytes());
    let mut parts = Vec::new();
    take_apart(arguments, &mut parts);
    parts.iter().any(|part| found(part)) || found(&written(arguments))
}

fn take_apart(value: &Json, parts: &mut Vec<String>) {
    match value {
        Json::Null | Json::Bool(_) => {}
        Json::Num(number) => parts.push(number.decimals()),
        Json::Str(text) => parts.push(text.clone()),
        Json::Arr(items) => items.iter().for_each(|item| take_apart(item, parts)),
        Json::Obj(members) => {
            for (name, member) in members {
                parts.push(name.clone());
                take_apart(member, parts);
            }
        }
    }
}

fn written(value: &Json) -> String {
    let quoted = |text: &String| Value::String(text.clone()).to_string();
    match value {
        Json::Null => "null".to_string(),
        Json::Bool(truth) => truth.to_string(),
        Json::Num(number) => number.decimals(),
        Json::Str(text) => quoted(text),
        Json::Arr(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(",")),
        Json::Obj(members) => {
            let member = |(name, value): &(String, Json)| format!("{}:{}", quoted(name), written(value));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
    }
}
