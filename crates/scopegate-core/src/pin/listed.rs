//! An entry of `tools/list`, as a server sent it.

use serde_json::{Map, Value};

use crate::catalogue::CatalogueTool;
use crate::problem;

/// An entry that is no tool which a policy could name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unlisted {
    /// Not an object.
    #[error("an entry is not an object")]
    Shape,
    /// No name, or not a text.
    #[error("an entry has no name")]
    Nameless,
    /// A name that no policy can hold.
    #[error("`{0}` is not a name that a policy could hold: 1 to 128 of letters, digits and `_ . : / -`")]
    Name(String),
    /// A member of another type than MCP gives it.
    #[error("`{0}`: its `{1}` is not of the type that MCP gives it")]
    Type(String, &'static str),
}

impl CatalogueTool {
    /// A tool as a server lists it. What MCP does not name is left out: servers may add members, and
    /// nobody reads them here.
    ///
    /// # Errors
    /// [`Unlisted`] when no policy could name it, or a member is of another type.
    pub fn from_listed(entry: &Value) -> Result<Self, Unlisted> {
        let members = entry.as_object().ok_or(Unlisted::Shape)?;
        let name = members.get("name").and_then(Value::as_str).ok_or(Unlisted::Nameless)?;
        problem::name(name).map_err(|_| Unlisted::Name(name.to_owned()))?;
        let wrong = |member| Unlisted::Type(name.to_owned(), member);
        let text = |member: &'static str| match members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(member)),
        };
        let object = |member: &'static str| match members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(_) => Err(wrong(member)),
        };
        let value = |member: &'static str| Ok::<_, Unlisted>(object(member)?.map(Value::Object));
        Ok(Self {
            title: text("title")?,
            description: text("description")?,
            input_schema: object("inputSchema")?,
            output_schema: value("outputSchema")?,
            annotations: value("annotations")?,
            icons: members.get("icons").cloned(),
            execution: members.get("execution").cloned(),
            meta: members.get("_meta").cloned(),
            ..Self::new(name)
        })
    }
}

/// The name an entry gives itself, for reports on it.
pub(super) fn claimed_name(entry: &Value) -> &str {
    entry
        .as_object()
        .and_then(|members: &Map<String, Value>| members.get("name")?.as_str())
        .unwrap_or_default()
}
