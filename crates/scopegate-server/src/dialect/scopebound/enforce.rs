//! `POST /v1/enforce` and `POST /v1/mcp/enforce`: may this call be made, now?
//!
//! A client that fails open takes every 4xx for permission. So whatever an agent can write into a
//! call ends in a verdict once the key is good: hostile arguments, odd names, no token at all.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use scopegate_core::json::{Document, Json, JsonError, JsonRef};
use scopegate_core::{Args, ClaimedSession, Decision, McpClaims, Name, ToolCall};

use super::answer::{self, Asked};
use super::salvage;
use crate::auth::Caller;
use crate::dialect::session::session_id;
use crate::domain::Question;
use crate::plane::Plane;
use crate::token::Presented;

/// A longer `call_id` is cut, not refused.
const MAX_CALL_ID: usize = 128;

pub(crate) async fn call(plane: State<Arc<Plane>>, caller: Caller, body: Bytes) -> Response {
    answer(&plane, &caller, body, "/call_args").await
}

/// The same, with the arguments under the name that MCP gives them. What a call says of MCP is judged
/// on either route: otherwise the other one would be a way around it.
pub(crate) async fn mcp(plane: State<Arc<Plane>>, caller: Caller, body: Bytes) -> Response {
    answer(&plane, &caller, body, "/arguments").await
}

async fn answer(plane: &Plane, caller: &Caller, body: Bytes, arguments: &str) -> Response {
    let began = Instant::now();
    let (question, token) = match Document::read(body.clone()) {
        Ok(document) => read(document, arguments),
        Err(error) => salvage(&body, error),
    };
    let presented = token.map_or(Presented::Nothing, |token| plane.present(&token));
    let decision = match plane.tenant(&caller.tenant) {
        Ok(tenant) => tenant.enforce(caller, presented, &question, plane.now()).await,
        Err(failure) => Err(failure),
    };
    if let Ok(decision) = &decision {
        plane.metrics.decided(decision, began.elapsed());
    }
    let asked = Asked {
        tool: &question.call.tool,
        call_id: &question.call_id,
        latency_ms: began.elapsed().as_secs_f64() * 1000.0,
        native: question.nonce.is_some(),
    };
    match &decision {
        Ok(Decision::Permit(permit)) => answer::permitted(asked, permit),
        Ok(Decision::Deny(denial)) => answer::denied(asked, denial),
        Ok(Decision::Hold(hold)) => answer::held(asked, hold),
        Err(failure) => failure.response(),
    }
}

/// The question, and the token beside it.
fn read(document: Document, arguments: &str) -> (Question, Option<String>) {
    let mut fields = Fields { root: document.root(), odd: false };
    let token = fields.text("/jwt");
    // Whatever is no text is no token; that has a code of its own.
    fields.odd = false;
    let tool = fields.text("/tool_name");
    let call_id = fields.text("/call_id").unwrap_or_default();
    let nonce = fields.name("/decision_nonce").map(|nonce| nonce.to_string());
    let mut call = ToolCall::new(tool.unwrap_or_default());
    call.action = fields.name("/action");
    call.server = fields.name("/mcp_server");
    call.mcp = fields.claims();
    if nonce.is_some() {
        // Our own clients say these; others may mean something else by them.
        (call.env, call.resource) = (fields.name("/env"), fields.name("/resource"));
    }
    let odd = fields.odd;
    let absent = document.root().pointer(arguments).is_none_or(|value| matches!(value.get(), Json::Null));
    call.args = if absent { Args::none() } else { Args::at_pointer(document, arguments) };
    let hostile = call.args.error().or(odd.then_some(JsonError::NotAnObject));
    (Question { call, call_id: cut(call_id), hostile, nonce }, token)
}

struct Fields<'a> {
    root: JsonRef<'a>,
    /// Something that should be a text is none.
    odd: bool,
}

impl Fields<'_> {
    fn text(&mut self, pointer: &str) -> Option<String> {
        match self.root.pointer(pointer).map(JsonRef::get) {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text.into_owned()),
            Some(_) => {
                self.odd = true;
                None
            }
        }
    }

    fn name(&mut self, pointer: &str) -> Option<Name> {
        self.text(pointer).filter(|text| !text.is_empty()).map(Name::from)
    }

    /// What the call claims about MCP beside its server. What should be a schema and is none is kept:
    /// the rule that reads it has a code for that.
    fn claims(&mut self) -> Option<Box<McpClaims>> {
        let session = self.name("/mcp_session_id");
        let session = session.map(|id| session_id(&id).map_or(ClaimedSession::Foreign, ClaimedSession::Ours));
        let schema = match self.root.pointer("/mcp_tool_schema") {
            Some(value) => match value.get() {
                Json::Null => None,
                Json::String(text) if text.is_empty() => None,
                _ => Some(value.to_value()),
            },
            None => None,
        };
        (session.is_some() || schema.is_some()).then(|| Box::new(McpClaims { session, schema }))
    }
}

/// The denial of a body that the strict reader refuses has to stand on the right record.
fn salvage(body: &Bytes, error: JsonError) -> (Question, Option<String>) {
    let salvaged = salvage::salvage(body);
    let mut call = ToolCall::new(salvaged.tool.unwrap_or_default()).with_args(Args::refused(error));
    call.server = salvaged.server.filter(|server| !server.is_empty()).map(Name::from);
    let call_id = cut(salvaged.call_id.unwrap_or_default());
    (Question { call, call_id, hostile: Some(error), nonce: None }, salvaged.token)
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_CALL_ID));
    text
}
