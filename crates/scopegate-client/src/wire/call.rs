//! A question, and the verdict on it.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::{Answer, garbage};
use crate::error::{ClientError, Denied, Pending};
use crate::wire::Token;

/// A tool call that an agent wants to make.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// The tool, by its exact name.
    pub tool: String,
    /// The arguments: a JSON object.
    pub arguments: Value,
    /// What is done, where that is told apart from the tool.
    pub action: Option<String>,
    /// What the caller calls the call: at most 128 bytes are kept.
    pub call_id: String,
}

impl Call {
    /// A call of a tool.
    pub fn new(tool: impl Into<String>, arguments: impl Into<Value>) -> Self {
        Self { tool: tool.into(), arguments: arguments.into(), action: None, call_id: String::new() }
    }

    /// The call, under this name.
    #[must_use]
    pub fn named(mut self, call_id: impl Into<String>) -> Self {
        self.call_id = call_id.into();
        self
    }

    /// The call, doing this.
    #[must_use]
    pub fn doing(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }
}

/// A call of a tool that an MCP server offers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct McpCall {
    /// The tool, by its exact name.
    pub tool: String,
    /// The arguments: a JSON object.
    pub arguments: Value,
    /// What the caller calls the call: at most 128 bytes are kept.
    pub call_id: String,
    /// The server.
    pub server: Option<String>,
    /// The schema that the server gave for the tool's arguments.
    pub schema: Option<Map<String, Value>>,
    /// The MCP session that the call belongs to.
    pub session: Option<String>,
}

impl McpCall {
    /// A call of a tool of a server.
    pub fn new(server: impl Into<String>, tool: impl Into<String>, arguments: impl Into<Value>) -> Self {
        Self {
            tool: tool.into(),
            arguments: arguments.into(),
            call_id: String::new(),
            server: Some(server.into()),
            schema: None,
            session: None,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct EnforceBody<'a> {
    jwt: &'a str,
    tool_name: &'a str,
    call_args: &'a Map<String, Value>,
    call_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
}

impl<'a> EnforceBody<'a> {
    pub(crate) fn new(token: &'a Token, call: &'a Call) -> Result<Self, ClientError> {
        Ok(Self {
            jwt: token.reveal(),
            tool_name: &call.tool,
            call_args: object(&call.arguments)?,
            call_id: &call.call_id,
            action: call.action.as_deref(),
        })
    }
}

#[derive(Serialize)]
pub(crate) struct McpEnforceBody<'a> {
    jwt: &'a str,
    tool_name: &'a str,
    arguments: &'a Map<String, Value>,
    call_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_server: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_tool_schema: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_session_id: Option<&'a str>,
}

impl<'a> McpEnforceBody<'a> {
    pub(crate) fn new(token: &'a Token, call: &'a McpCall) -> Result<Self, ClientError> {
        Ok(Self {
            jwt: token.reveal(),
            tool_name: &call.tool,
            arguments: object(&call.arguments)?,
            call_id: &call.call_id,
            mcp_server: call.server.as_deref(),
            mcp_tool_schema: call.schema.as_ref(),
            mcp_session_id: call.session.as_deref(),
        })
    }
}

fn object(arguments: &Value) -> Result<&Map<String, Value>, ClientError> {
    arguments.as_object().ok_or_else(|| ClientError::Invalid("arguments are a JSON object".to_owned()))
}

#[derive(Deserialize)]
struct Word {
    decision: String,
}

/// The verdict of an answer. Nothing but 200 with the one word is a permit.
pub(crate) fn verdict(answer: Answer) -> Result<(), ClientError> {
    let answer = answer.good()?;
    if answer.status == StatusCode::ACCEPTED {
        return Err(ClientError::Pending(Box::new(answer.json::<Pending>()?)));
    }
    match (answer.status, answer.json::<Word>()?.decision.as_str()) {
        (StatusCode::OK, "allow") => Ok(()),
        (StatusCode::OK, "deny") => Err(ClientError::Denied(Box::new(answer.json::<Denied>()?))),
        (status, _) => Err(garbage(status, "it holds no verdict", &answer.body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> Result<(), ClientError> {
        let status = StatusCode::from_u16(status).unwrap();
        verdict(Answer { status, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn only_the_word_is_a_permit() {
        told(200, r#"{"decision":"allow","latency_ms":1,"later":[]}"#).unwrap();
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, r#"{"decision":"ALLOW"}"#),
            (200, r#"{"decision":"permit"}"#),
            (200, r#"{"decision":"pending"}"#),
            (200, r#"{"decision":true}"#),
            (200, r#"{"decision":"allow","decision":"allow"}"#),
            (200, r#"["allow"]"#),
            (200, "<html>allow</html>"),
            (200, r#"{"decision":"deny"}"#),
            (201, r#"{"decision":"allow"}"#),
            (204, ""),
            (202, "{}"),
            (202, r#"{"decision":"allow"}"#),
            (301, r#"{"decision":"allow"}"#),
            (500, r#"{"decision":"allow"}"#),
        ] {
            let told = told(status, body);
            assert!(matches!(told, Err(ClientError::Garbage { .. })), "{status} {body}: {told:?}");
        }
    }

    #[test]
    fn denials_and_holds_are_told_apart() {
        let deny = r#"{"decision":"deny","deny_code":"SCOPE_VIOLATION","severity":"medium","reason":"not granted","retry_guidance":"none","call_id":""}"#;
        let Err(ClientError::Denied(denied)) = told(200, deny) else { panic!("denied") };
        assert_eq!(denied.code(), Some(scopegate_core::DenyCode::ScopeViolation));
        assert_eq!(ClientError::Denied(denied).to_string(), "denied: SCOPE_VIOLATION: not granted");
        let later = deny.replace("SCOPE_VIOLATION", "LATER_CODE");
        let Err(ClientError::Denied(denied)) = told(200, &later) else { panic!("denied") };
        assert_eq!((denied.code(), denied.deny_code.as_str()), (None, "LATER_CODE"));
        let hold = r#"{"approval_id":"7","expires_at":"2026-11-21T06:16:00.000Z","message":"wait"}"#;
        let Err(ClientError::Pending(pending)) = told(202, hold) else { panic!("held") };
        assert_eq!(pending.review, "7");
    }
}
