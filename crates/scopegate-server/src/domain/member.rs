//! Members of a JSON object, read with an error that names them.

use std::collections::BTreeMap;

use scopegate_core::Name;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A member that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{member}` {problem}")]
pub(crate) struct Invalid {
    member: String,
    problem: String,
}

impl Invalid {
    pub(crate) fn new(member: &str, problem: &str) -> Self {
        Self { member: member.to_owned(), problem: problem.to_owned() }
    }
}

type Body = Map<String, Value>;

/// A text; `None` when absent or null.
pub(crate) fn text(body: &Body, member: &str) -> Result<Option<String>, Invalid> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Invalid::new(member, "must be a text")),
    }
}

/// A name; `None` when absent, null or empty.
pub(crate) fn opt_name(body: &Body, member: &str) -> Result<Option<Name>, Invalid> {
    Ok(text(body, member)?.filter(|text| !text.is_empty()).map(Name::from))
}

/// A name that has to be there.
pub(crate) fn name(body: &Body, member: &str) -> Result<Name, Invalid> {
    opt_name(body, member)?.ok_or_else(|| Invalid::new(member, "is missing"))
}

/// A whole number; 0 when absent or null.
pub(crate) fn whole(body: &Body, member: &str) -> Result<u64, Invalid> {
    Ok(opt_whole(body, member)?.unwrap_or(0))
}

/// A whole number; `None` when absent or null.
pub(crate) fn opt_whole(body: &Body, member: &str) -> Result<Option<u64>, Invalid> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            None => Err(Invalid::new(member, "must be a whole number of at least 0")),
            number => Ok(number),
        },
    }
}

/// A yes or no; `None` when absent or null.
pub(crate) fn flag(body: &Body, member: &str) -> Result<Option<bool>, Invalid> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Invalid::new(member, "must be true or false")),
    }
}

/// A list; empty when absent or null. `what` says of what.
pub(crate) fn list<T: DeserializeOwned>(body: &Body, member: &str, what: &str) -> Result<Vec<T>, Invalid> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => serde_json::from_value(value.clone())
            .map_err(|_| Invalid::new(member, &format!("must be a list of {what}"))),
    }
}

/// An object; empty when absent or null. `read` says what it expects when a value is not that.
pub(crate) fn map<T>(
    body: &Body,
    member: &str,
    read: impl Fn(&Value) -> Result<T, String>,
) -> Result<BTreeMap<Name, T>, Invalid> {
    let members = match body.get(member) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(Invalid::new(member, "must be an object")),
    };
    let read = |(key, value): (&String, &Value)| match read(value) {
        Ok(value) => Ok((Name::from(key.as_str()), value)),
        Err(what) => Err(Invalid::new(&format!("{member}.{key}"), &format!("must be {what}"))),
    };
    members.iter().map(read).collect()
}
