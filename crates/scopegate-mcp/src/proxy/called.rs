//! The answer that a tool call mostly gets, read as what it is.
//!
//! rmcp tries one kind of answer after another, which for this one takes longer than all else that a
//! call costs here. Whatever does not look exactly so is left to rmcp.

use rmcp::model::{
    CallToolResult, ContentBlock, JsonRpcMessage, JsonRpcVersion2_0, MetaObject, RequestId, ResultType,
    ServerJsonRpcMessage, ServerResult,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(rename = "jsonrpc")]
    _jsonrpc: JsonRpcVersion2_0,
    id: RequestId,
    result: Called,
}

/// No other answer of MCP has these members alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Called {
    result_type: Option<ResultType>,
    content: Vec<ContentBlock>,
    #[serde(default, deserialize_with = "present")]
    structured_content: Option<Value>,
    is_error: Option<bool>,
    #[serde(rename = "_meta")]
    meta: Option<MetaObject>,
}

/// The answer to a call, if the line is one in its plainest form.
pub(crate) fn read(line: &[u8]) -> Option<ServerJsonRpcMessage> {
    let Answer { id, result, .. } = serde_json::from_slice(line).ok()?;
    let Called { result_type, content, structured_content, is_error, meta } = result;
    if result_type.as_ref().is_some_and(|kind| *kind != ResultType::COMPLETE) {
        return None;
    }
    let mut called = CallToolResult::default();
    (called.result_type, called.content, called.meta) = (result_type, content, meta);
    (called.structured_content, called.is_error) = (structured_content, is_error);
    Some(JsonRpcMessage::response(ServerResult::CallToolResult(called), id))
}

/// `null` that is written is not the same as nothing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_rmcp_makes_of_it_or_left_to_rmcp() {
        let answer = |result: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{result}}}");
        for (result, is_plain) in [
            (r#"{"content":[]}"#, true),
            (
                r#"{"content":[{"type":"text","text":"a","annotations":{"priority":0.5},"_meta":{"a/b":1}}]}"#,
                true,
            ),
            (r#"{"content":[{"type":"image","data":"REUx","mimeType":"image/png"}],"isError":true}"#, true),
            (r#"{"content":[],"structuredContent":null,"resultType":"complete"}"#, true),
            (r#"{"content":[],"structuredContent":{"n":1.5},"isError":false,"_meta":{"x":[1]}}"#, true),
            (r#"{"content":[],"resultType":"input_required"}"#, false),
            (r#"{"content":[],"resultType":"task"}"#, false),
            (r#"{"structuredContent":{"n":1}}"#, false),
            (r#"{"content":[],"more":1}"#, false),
            (r#"{"content":[],"content":[]}"#, false),
            (r#"{"content":[{"type":"unheard-of"}]}"#, false),
            (r#"{"action":"accept","content":{"name":"Ada"}}"#, false),
            (r#"{"contents":[]}"#, false),
            ("{}", false),
        ] {
            let line = answer(result);
            let ours = read(line.as_bytes());
            assert_eq!(ours.is_some(), is_plain, "{result}");
            let Some(ours) = ours else { continue };
            let rmcps: ServerJsonRpcMessage = serde_json::from_str(&line).unwrap();
            assert_eq!(format!("{ours:?}"), format!("{rmcps:?}"), "{result}");
        }
        for line in [
            r#"{"jsonrpc":"1.0","id":7,"result":{"content":[]}}"#,
            r#"{"id":7,"result":{"content":[]}}"#,
            r#"{"jsonrpc":"2.0","id":null,"result":{"content":[]}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]},"error":{"code":1,"message":"a"}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{"content":[]}}"#,
        ] {
            assert!(read(line.as_bytes()).is_none(), "{line}");
        }
    }
}
