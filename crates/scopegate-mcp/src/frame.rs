//! One message, read strictly before anything else reads it.

use bytes::Bytes;
use http::request::Parts;
use rmcp::model::{ErrorCode, ErrorData, Extensions, RequestId};
use scopegate_core::Args;
use scopegate_core::json::{Document, Json, JsonError, JsonRef};
use serde::Deserialize;
use serde_json::Value;

/// A JSON-RPC message that passed the strict reader. It travels with the request among its
/// extensions, where nothing that a client sends can put one: a request without it was not read by us.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Document);

/// A message that is not taken.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// Whom to answer, where that can be told.
    pub(crate) id: Option<RequestId>,
    /// Whether it asks for an answer: nobody answers an answer, or what is no JSON at all.
    pub(crate) answerable: bool,
    pub(crate) error: ErrorData,
}

impl Frame {
    pub(crate) fn read(text: Bytes) -> Result<Self, Box<Refused>> {
        match Document::read(text.clone()) {
            Ok(document) => Self::checked(document),
            Err(error) => Err(unread(&text, error)),
        }
    }

    /// The message that travelled with a request, over stdio or HTTP.
    pub(crate) fn of(extensions: &Extensions) -> Option<&Self> {
        let over_http = || extensions.get::<Parts>().and_then(|parts| parts.extensions.get());
        extensions.get().or_else(over_http)
    }

    /// The message, written anew.
    pub(crate) fn to_json(&self) -> String {
        self.0.root().to_json()
    }

    /// Its parameters, written anew.
    pub(crate) fn params(&self) -> Option<String> {
        self.0.root().pointer("/params").map(JsonRef::to_json)
    }

    /// The method; a response has none.
    pub(crate) fn method(&self) -> Option<String> {
        self.text("/method")
    }

    /// A string at a pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<String> {
        match self.0.root().pointer(pointer)?.get() {
            Json::String(text) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// Arguments at a pointer; absent and null are the same, as for rmcp.
    pub(crate) fn args(&self, pointer: &str) -> Args {
        match self.0.root().pointer(pointer).map(JsonRef::get) {
            None | Some(Json::Null) => Args::none(),
            Some(_) => Args::at_pointer(self.0.clone(), pointer),
        }
    }

    /// What asked for this, for an answer.
    pub(crate) fn id(&self) -> Option<RequestId> {
        let id = self.0.root().pointer("/id")?.to_value();
        serde_json::from_value(id).ok()
    }

    /// A message is a request, a notification or a response, and nothing between them.
    fn checked(document: Document) -> Result<Self, Box<Refused>> {
        let frame = Self(document);
        let root = frame.0.root();
        let has = |pointer| root.pointer(pointer).is_some();
        let why = if matches!(root.get(), Json::Array(_)) {
            "batches are not accepted"
        } else if frame.text("/jsonrpc").as_deref() != Some("2.0") {
            "not a JSON-RPC 2.0 message"
        } else if has("/id") && frame.id().is_none() {
            "an id is a string or a whole number"
        } else if root.pointer("/params").is_some_and(|params| !params.is_object()) {
            "parameters are an object"
        } else {
            match (has("/method"), has("/result"), has("/error")) {
                (true, false, false) if frame.method().is_some() => return Ok(frame),
                (false, true, false) | (false, false, true) => return Ok(frame),
                _ => "neither a request nor a response",
            }
        };
        let answerable = has("/method") || !root.is_object();
        let error = ErrorData::invalid_request(why, None);
        Err(Box::new(Refused { id: frame.id(), answerable, error }))
    }
}

/// A text that the strict reader refused. Its id is only looked for to answer it, by a reader that
/// takes no member twice.
fn unread(text: &[u8], error: JsonError) -> Box<Refused> {
    #[derive(Deserialize)]
    struct Head {
        id: Option<RequestId>,
        method: Option<Value>,
    }
    let head: Option<Head> = serde_json::from_slice(text).ok();
    let answerable = match &head {
        Some(head) => head.method.is_some(),
        None => !error.is_unreadable(),
    };
    let code = if error.is_unreadable() { ErrorCode::PARSE_ERROR } else { ErrorCode::INVALID_REQUEST };
    let error = ErrorData::new(code, format!("the message was refused: {error}"), None);
    Box::new(Refused { id: head.and_then(|head| head.id), answerable, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<(bool, Option<RequestId>)> {
        let read = Frame::read(Bytes::copy_from_slice(text.as_bytes()));
        read.err().map(|refused| (refused.answerable, refused.id))
    }

    #[test]
    fn what_is_no_single_message_is_refused() {
        for (text, answerable, id) in [
            (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]"#, true, None),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#, true, None),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"x":2}}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"\u0078":2}}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":9007199254740993}}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":null}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, true, None),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#, true, None),
            (r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#, true, Some(1)),
            (r#"{"id":1,"method":"a"}"#, true, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"x":1,"x":2}}"#, false, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, false, Some(1)),
            (r#"{"jsonrpc":"2.0","id":1}"#, false, Some(1)),
            ("tools/call", false, None),
        ] {
            assert_eq!(refused(text), Some((answerable, id.map(RequestId::Number))), "{text}");
        }
    }

    #[test]
    fn a_message_shows_what_it_says() -> Result<(), Box<Refused>> {
        let text = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"pay","arguments":{"n":1e2}}}"#;
        let frame = Frame::read(Bytes::from_static(text.as_bytes()))?;
        assert_eq!(frame.method().as_deref(), Some("tools/call"));
        assert_eq!(frame.text("/params/name").as_deref(), Some("pay"));
        assert_eq!(frame.id(), Some(RequestId::String("a".into())));
        assert!(frame.args("/params/arguments").error().is_none());
        assert_eq!(frame.args("/params/none").to_json().as_deref(), Some("{}"));
        assert_eq!(frame.args("/params/name").error(), Some(JsonError::NotAnObject));
        Ok(())
    }
}
