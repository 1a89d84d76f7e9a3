//! Headers that repeat what the body says. Only the body is ever judged; headers that say something
//! else are refused, because somebody on the way may have believed them.

use http::HeaderMap;

use crate::frame::Frame;

const VERSION: &str = "mcp-protocol-version";
const SESSION: &str = "mcp-session-id";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";
const EVENT: &str = "last-event-id";

/// The first version with headers that repeat the body, which rmcp compares.
const FIRST_COMPARED: &str = "2026-07-28";
/// How a value that is no header value is wrapped.
const WRAPPED: (&str, &str) = ("=?base64?", "?=");

/// The session of a request, or of an answer.
pub(super) fn session(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION)?.to_str().ok().map(str::to_owned)
}

/// Whether rmcp compares the headers of this request with its body.
pub(super) fn are_compared(headers: &HeaderMap) -> bool {
    headers.get(VERSION).and_then(|version| version.to_str().ok()).is_some_and(|v| v >= FIRST_COMPARED)
}

/// Each of them stands alone and is text.
pub(super) fn check_single(headers: &HeaderMap) -> Result<(), String> {
    for name in [VERSION, SESSION, METHOD, NAME, EVENT] {
        let mut values = headers.get_all(name).iter();
        let first = values.next();
        if values.next().is_some() {
            return Err(format!("more than one {name} header"));
        }
        if first.is_some_and(|value| value.to_str().is_err()) {
            return Err(format!("the {name} header is not text"));
        }
    }
    Ok(())
}

/// What is said twice is the same, in every version; what has to be said, rmcp knows.
pub(super) fn check_agreement(headers: &HeaderMap, frame: &Frame) -> Result<(), String> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let method = frame.method();
    if header(METHOD).is_some_and(|said| method.as_deref() != Some(said)) {
        return Err(format!("the {METHOD} header does not match the body"));
    }
    let Some(said) = header(NAME) else { return Ok(()) };
    let name = name(method.as_deref(), frame);
    let wrapped = said.starts_with(WRAPPED.0) && said.ends_with(WRAPPED.1);
    match name {
        Some(name) if name == said && !wrapped => Ok(()),
        // rmcp unwraps it and compares.
        Some(name) if wrapped && are_compared(headers) && has_to_be_wrapped(&name) => Ok(()),
        _ => Err(format!("the {NAME} header does not match the body")),
    }
}

/// The member that `Mcp-Name` repeats.
fn name(method: Option<&str>, frame: &Frame) -> Option<String> {
    let pointer = match method? {
        "tools/call" | "prompts/get" => "/params/name",
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => "/params/uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "/params/taskId",
        _ => return None,
    };
    frame.text(pointer)
}

/// A name that could stand there as it is must: whoever reads it on the way reads the same.
fn has_to_be_wrapped(name: &str) -> bool {
    let padded = name.starts_with([' ', '\t']) || name.ends_with([' ', '\t']);
    let looks_wrapped = name.starts_with(WRAPPED.0) && name.ends_with(WRAPPED.1);
    padded || looks_wrapped || name.bytes().any(|byte| !(0x20..0x7F).contains(&byte))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn agrees(version: &'static str, method: &'static str, name: &'static str, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        for (header, value) in [(VERSION, version), (METHOD, method), (NAME, name)] {
            if !value.is_empty() {
                headers.insert(HeaderName::from_static(header), HeaderValue::from_static(value));
            }
        }
        let frame = Frame::read(Bytes::copy_from_slice(body.as_bytes()));
        frame.is_ok_and(|frame| check_agreement(&headers, &frame).is_ok())
    }

    #[test]
    fn a_header_says_what_the_body_says_in_every_version() {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}"#;
        for version in ["", "2025-11-25", "2026-07-28"] {
            assert!(agrees(version, "", "", call));
            assert!(agrees(version, "tools/call", "pay", call));
            assert!(!agrees(version, "tools/list", "pay", call));
            assert!(!agrees(version, "tools/call", "look", call));
            assert!(!agrees(version, "tools/call", "PAY", call));
            // "pay" in base64: it needs none.
            assert!(!agrees(version, "tools/call", "=?base64?cGF5?=", call));
        }
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        assert!(!agrees("2026-07-28", "tools/list", "pay", list));
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        assert!(!agrees("2026-07-28", "tools/call", "", answer));
    }

    #[test]
    fn what_is_no_header_value_is_wrapped_where_that_is_known() {
        // "café"
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"caf\u00e9"}}"#;
        assert!(agrees("2026-07-28", "prompts/get", "=?base64?Y2Fmw6k=?=", call));
        assert!(!agrees("2025-11-25", "prompts/get", "=?base64?Y2Fmw6k=?=", call));
    }

    #[test]
    fn a_header_that_stands_twice_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append(NAME, HeaderValue::from_static("pay"));
        assert!(check_single(&headers).is_ok());
        headers.append(NAME, HeaderValue::from_static("pay"));
        assert!(check_single(&headers).is_err());
    }
}
