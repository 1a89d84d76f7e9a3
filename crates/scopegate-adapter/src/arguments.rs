//! Arguments as they were written.

use scopegate_core::{Args, ToolCall};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Arguments as they were written, for typed tools: read into a tool's own type first, they would
/// not be what the model sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct RawArgs(Box<RawValue>);

impl RawArgs {
    /// The text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl From<Value> for RawArgs {
    fn from(value: Value) -> Self {
        Self(RawValue::from_string(value.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

/// A call whose arguments are a text.
pub fn call(tool: &str, arguments: &str) -> ToolCall {
    ToolCall::new(tool).with_args(read(arguments))
}

/// The arguments in a text. A call without any may say `null`, in the frameworks as here.
pub fn read(arguments: &str) -> Args {
    match arguments.trim() {
        "null" => Args::none(),
        _ => Args::parse(arguments.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_and_read_strictly() {
        let raw: RawArgs = serde_json::from_str(r#"{"a": 1, "a": 2}"#).expect("JSON");
        assert_eq!(raw.get(), r#"{"a": 1, "a": 2}"#);
        assert!(read(raw.get()).error().is_some(), "a member twice");
        assert_eq!(read(" null\n").to_json().as_deref(), Some("{}"));
        for refused in ["", "7", "[]", "\"{}\"", "{", "nul"] {
            assert!(read(refused).error().is_some(), "{refused}");
        }
        assert_eq!(RawArgs::from(serde_json::json!({"a": 1})).get(), r#"{"a":1}"#);
    }
}
