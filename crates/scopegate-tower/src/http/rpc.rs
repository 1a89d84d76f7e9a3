//! JSON-RPC 2.0 tool calls, as MCP sends them.

use scopegate_core::json::{Json, JsonRef};

use super::pointer;
use crate::fault::Fault;

/// The tool's name in one `tools/call` request. Whatever has another shape is refused: a batch, a
/// notification, a response or another method would run unjudged.
pub(super) fn tool(message: JsonRef<'_>) -> Result<JsonRef<'_>, Fault> {
    if !message.is_object() {
        return Err(Fault::NotToolsCall("a batch or no object"));
    }
    if !is_text(pointer::find(message, "/jsonrpc")?, "2.0") {
        return Err(Fault::NotToolsCall("`jsonrpc` is not `2.0`"));
    }
    if !is_text(pointer::find(message, "/method")?, "tools/call") {
        return Err(Fault::NotToolsCall("the method is not `tools/call`"));
    }
    match pointer::find(message, "/id")?.map(JsonRef::get) {
        Some(Json::String(_) | Json::Number(_)) => {}
        _ => return Err(Fault::NotToolsCall("no `id`, or one that is neither string nor number")),
    }
    // Found here only to refuse `Arguments` beside it.
    pointer::find(message, "/params/arguments")?;
    pointer::find(message, "/params/name")?.ok_or(Fault::NoTool)
}

fn is_text(value: Option<JsonRef<'_>>, expected: &str) -> bool {
    matches!(value.map(JsonRef::get), Some(Json::String(text)) if text == expected)
}

#[cfg(test)]
mod tests {
    use scopegate_core::json::Document;

    use super::*;

    fn check(text: &'static str, expected: Result<&str, Fault>) {
        let document = Document::read(text).unwrap();
        let found = tool(document.root()).map(JsonRef::to_json);
        assert_eq!(found, expected.map(|name| format!("\"{name}\"")), "{text}");
    }

    #[test]
    fn one_request_and_nothing_else() {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}"#;
        check(call, Ok("read"));
        for (text, why) in [
            (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]"#, "a batch or no object"),
            (r#"{"id":1,"method":"tools/call"}"#, "`jsonrpc` is not `2.0`"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, "the method is not `tools/call`"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "the method is not `tools/call`"),
        ] {
            check(text, Err(Fault::NotToolsCall(why)));
        }
        for id in ["", r#""id":null,"#, r#""id":{},"#] {
            let text = format!(r#"{{{id}"jsonrpc":"2.0","method":"tools/call","params":{{"name":"read"}}}}"#);
            let document = Document::read(text).unwrap();
            assert!(matches!(tool(document.root()), Err(Fault::NotToolsCall(_))));
        }
        check(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, Err(Fault::NoTool));
        check(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Arguments":{}}}"#,
            Err(Fault::LookAlike("arguments".into())),
        );
    }
}
