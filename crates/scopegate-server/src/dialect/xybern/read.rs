//! What a body says of an action.
//!
//! A client of this dialect may run the action when it gets anything but an answer. So whatever an agent can
//! write into a member that is read ends in one: only what is no JSON, no object, or names no action is
//! refused as a request.

use std::borrow::Cow;

use axum::body::Bytes;
use scopegate_core::json::{Document, JsonError};
use scopegate_core::{Args, Denial, DenyCode, GrantId, Name, ToolCall};
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::answer::record_id;
use super::grant_shapes::grant_id;
use crate::domain::{Action, AskedAs, Custody, Failure, hostile, rule};

/// What agents say to each other is judged as a call of this tool.
pub(super) const MESSAGE: &str = "agent_communication";
/// Asks whether the plane is there, and changes nothing.
const PREFLIGHT: &str = "preflight_check";
/// More hands than that are not believed.
const MAX_STEP: u64 = 64;
/// Longer names of chains are cut.
const MAX_CHAIN: usize = 128;

/// An action of a batch.
pub(super) struct Item {
    pub(super) action: Action,
    pub(super) reference: Option<Value>,
}

/// The body of one action.
pub(super) fn intercept(body: &Bytes) -> Result<Action, Failure> {
    match members(body)? {
        Ok(members) if is_absent(&members, "action_type") => {
            Err(Failure::Invalid("`action_type` is needed".to_owned()))
        }
        Ok(members) => {
            let action = action(&members, AskedAs::Intercept);
            let preflight = action.call.tool == PREFLIGHT;
            Ok(Action { asked: if preflight { AskedAs::Preflight } else { AskedAs::Intercept }, ..action })
        }
        Err(error) => Ok(salvaged(body, AskedAs::Intercept, hostile(error)).action),
    }
}

/// One action of several. Whatever is wrong with it, it is judged.
pub(super) fn item(text: &str) -> Item {
    let body = Bytes::copy_from_slice(text.as_bytes());
    let members = match members(&body) {
        Ok(Ok(members)) => members,
        Ok(Err(error)) => return salvaged(&body, AskedAs::Batch, hostile(error)),
        Err(failure) => return salvaged(&body, AskedAs::Batch, malformed(failure.to_string())),
    };
    // What observes says what was done, without its content.
    let observed = |member: &str| members.get("metadata").and_then(|about| about.get(member)?.as_str());
    let telemetry = !members.contains_key("action_content")
        && observed("content_sha256").is_some()
        && observed("framework").is_some();
    let asked = if telemetry { AskedAs::Telemetry } else { AskedAs::Batch };
    let mut action = action(&members, asked);
    if is_absent(&members, "action_type") {
        action.refused = Some(malformed("`action_type` is needed".to_owned()));
    }
    Item { action, reference: members.get("ref").and_then(reference) }
}

/// The body of a message from one agent to another.
pub(super) fn message(body: &Bytes) -> Result<Action, Failure> {
    let members = match members(body)? {
        Ok(members) => members,
        Err(error) => {
            let action = salvaged(body, AskedAs::Message, hostile(error)).action;
            let call = ToolCall { tool: Name::new_static(MESSAGE), ..action.call };
            return Ok(Action { call, ..action });
        }
    };
    for member in ["source_agent_id", "target_agent_id"] {
        if is_absent(&members, member) {
            return Err(Failure::Invalid(format!("`{member}` is needed")));
        }
    }
    let mut read = Reader { members: &members, odd: None };
    let (source, target) = (read.text("source_agent_id"), read.text("target_agent_id"));
    let (instruction, metadata) = (read.text("instruction"), read.object("metadata"));
    let mut args = Map::new();
    args.extend(instruction.map(|text| ("instruction".to_owned(), Value::from(text))));
    args.insert("target_agent_id".to_owned(), json!(target));
    let mut call = call(MESSAGE, metadata, args);
    let to = target.filter(|id| !id.is_empty()).map(Name::from);
    call.resource.clone_from(&to);
    Ok(read.into_action(call, source, AskedAs::Message, to))
}

fn action(members: &Map<String, Value>, asked: AskedAs) -> Action {
    let mut read = Reader { members, odd: None };
    let tool = read.text("action_type").unwrap_or_default();
    let (content, agent) = (read.text("action_content"), read.text("agent_id"));
    let metadata = read.object("metadata");
    let args = content.map(|text| ("action_content".to_owned(), Value::from(text))).into_iter().collect();
    let call = call(&tool, metadata, args);
    read.into_action(call, agent, asked, None)
}

fn call(tool: &str, metadata: Map<String, Value>, mut args: Map<String, Value>) -> ToolCall {
    let resource = metadata.get("resource").and_then(Value::as_str).filter(|text| !text.is_empty());
    let resource = resource.map(Name::from);
    args.insert("metadata".to_owned(), Value::Object(metadata));
    let call = ToolCall::new(tool).with_args(Args::from_value(&Value::Object(args)));
    ToolCall { resource, ..call }
}

/// The members of a body: what is no JSON object is no request, and what the strict reader refuses of one is
/// hostile.
fn members(body: &Bytes) -> Result<Result<Map<String, Value>, JsonError>, Failure> {
    match Document::read(body.clone()) {
        Ok(document) => match document.root().to_value() {
            Value::Object(members) => Ok(Ok(members)),
            _ => Err(Failure::Malformed("the body must be a JSON object".to_owned())),
        },
        Err(error) if error.is_unreadable() => Err(Failure::Malformed(format!("the body: {error}"))),
        Err(error) => Ok(Err(error)),
    }
}

fn malformed(why: String) -> Denial {
    rule(DenyCode::InvalidArguments, why)
}

fn is_absent(members: &Map<String, Value>, member: &str) -> bool {
    match members.get(member) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// What a caller calls an action, if that is a name.
fn reference(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.len() <= 256 => Some(value.clone()),
        Value::Number(_) => Some(value.clone()),
        _ => None,
    }
}

/// Reads members, and notes the first that is not what it should be.
struct Reader<'a> {
    members: &'a Map<String, Value>,
    odd: Option<Denial>,
}

impl Reader<'_> {
    fn text(&mut self, member: &str) -> Option<String> {
        match self.members.get(member) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.is_odd(format!("`{member}` must be a text"));
                None
            }
        }
    }

    fn object(&mut self, member: &str) -> Map<String, Value> {
        match self.members.get(member) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(object)) => object.clone(),
            Some(_) => {
                self.is_odd(format!("`{member}` must be an object"));
                Map::new()
            }
        }
    }

    fn is_odd(&mut self, why: String) {
        self.odd.get_or_insert_with(|| malformed(why));
    }

    fn custody(&mut self) -> Custody {
        let parent = self.text("parent_decision_id").filter(|id| !id.is_empty());
        let step = match self.members.get("chain_step") {
            None | Some(Value::Null) => 0,
            Some(step) => match step.as_u64().filter(|step| *step <= MAX_STEP) {
                Some(step) => usize::try_from(step).unwrap_or_default(),
                None => {
                    self.is_odd(format!("`chain_step` must be a whole number from 0 to {MAX_STEP}"));
                    0
                }
            },
        };
        let chain = self.text("chain_id").filter(|id| !id.is_empty());
        let cut = |text: String| text.get(..text.floor_char_boundary(MAX_CHAIN)).map(str::to_owned);
        // A decision that no id stands for is a hand too.
        let step = if parent.is_some() { step.max(1) } else { step };
        Custody { chain: chain.and_then(cut), step, parent: parent.as_deref().and_then(record_id) }
    }

    /// The action, with what else it may name.
    fn into_action(
        mut self,
        call: ToolCall,
        agent: Option<String>,
        asked: AskedAs,
        to: Option<Name>,
    ) -> Action {
        let custody = self.custody();
        let named = |text: Option<String>| text.filter(|id| !id.is_empty());
        let (session, grant) = (named(self.text("session_id")), named(self.text("grant_id")));
        // What is no id names a grant too: one that nobody holds.
        let grant = grant.map(|text| grant_id(&text).unwrap_or(GrantId::from_bits(0)));
        if self.text("federation_token").is_some_and(|token| !token.is_empty()) {
            self.is_odd("`federation_token` is not known to this plane".to_owned());
        }
        let refused = self.odd.or_else(|| call.args.error().map(hostile));
        Action { call, agent, refused, asked, custody, to, session, grant }
    }
}

/// A denial has to stand on the right record: what can still be told of a body that the strict reader refuses.
/// Nothing of it is judged.
fn salvaged(body: &Bytes, asked: AskedAs, refused: Denial) -> Item {
    let mut found = Found::default();
    // An error says where the body breaks, which is known already.
    let _ = serde_json::Deserializer::from_slice(body).deserialize_map(&mut found);
    let error = JsonError::NotAnObject;
    let call = ToolCall::new(found.tool.unwrap_or_default()).with_args(Args::refused(error));
    let (custody, refused) = (Custody::default(), Some(refused));
    let agent = found.agent;
    let action = Action { call, agent, refused, asked, custody, to: None, session: None, grant: None };
    Item { action, reference: found.reference }
}

#[derive(Default)]
struct Found {
    tool: Option<String>,
    agent: Option<String>,
    reference: Option<Value>,
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an action")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            match &*name {
                "action_type" | "agent_id" | "source_agent_id" | "ref" => {
                    let value: Value = members.next_value()?;
                    match (&*name, value.as_str()) {
                        ("ref", _) => self.reference = self.reference.take().or_else(|| reference(&value)),
                        (_, None) => {}
                        ("action_type", Some(text)) => drop(self.tool.get_or_insert_with(|| text.to_owned())),
                        (_, Some(text)) => drop(self.agent.get_or_insert_with(|| text.to_owned())),
                    }
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Result<Action, String> {
        intercept(&Bytes::copy_from_slice(body.as_bytes())).map_err(|failure| failure.to_string())
    }

    fn refused(action: &Action) -> Option<String> {
        action.refused.as_ref().map(ToString::to_string)
    }

    #[test]
    fn what_published_clients_send_is_read() {
        let action = one(
            r#"{"action_type":"pay","action_content":"5 to ann","agent_id":null,"session_id":null,"vary":1,
                "metadata":{"resource":"account/1","amount":5},"chain_id":"c","chain_step":2}"#,
        )
        .unwrap();
        assert_eq!((refused(&action), action.asked), (None, AskedAs::Intercept));
        assert_eq!((action.call.tool.as_str(), action.call.resource.as_deref()), ("pay", Some("account/1")));
        assert_eq!((action.agent, action.session, action.custody.step), (None, None, 2));
        let args = action.call.args.to_value().unwrap();
        let metadata = json!({ "resource": "account/1", "amount": 5 });
        assert_eq!(args, json!({ "action_content": "5 to ann", "metadata": metadata }));
        let bare = one(r#"{"action_type":"preflight_check","action_content":null}"#).unwrap();
        assert_eq!(
            (bare.call.args.to_value(), bare.asked),
            (Some(json!({ "metadata": {} })), AskedAs::Preflight)
        );
    }

    #[test]
    fn what_is_no_request_is_refused_and_what_is_hostile_is_judged() {
        for (body, said) in [
            ("", "the body: not JSON"),
            ("{", "the body: not JSON"),
            ("[]", "the body must be a JSON object"),
            ("\"x\"", "the body must be a JSON object"),
            ("{}", "`action_type` is needed"),
            (r#"{"action_type":null}"#, "`action_type` is needed"),
            (r#"{"action_type":""}"#, "`action_type` is needed"),
        ] {
            let why = one(body).unwrap_err();
            assert!(why.starts_with(said), "{why} of {body}");
        }
        for (members, said) in [
            (r#""action_type":7"#, "`action_type` must be a text"),
            (r#""action_type":"a","agent_id":7"#, "`agent_id` must be a text"),
            (r#""action_type":"a","action_content":{}"#, "`action_content` must be a text"),
            (r#""action_type":"a","metadata":[]"#, "`metadata` must be an object"),
            (r#""action_type":"a","session_id":1"#, "`session_id` must be a text"),
            (r#""action_type":"a","grant_id":[]"#, "`grant_id` must be a text"),
            (r#""action_type":"a","chain_id":1"#, "`chain_id` must be a text"),
            (r#""action_type":"a","chain_step":-1"#, "`chain_step` must be"),
            (r#""action_type":"a","chain_step":65"#, "`chain_step` must be"),
            (r#""action_type":"a","chain_step":"1""#, "`chain_step` must be"),
            (r#""action_type":"a","parent_decision_id":1"#, "`parent_decision_id` must be a text"),
            (r#""action_type":"a","federation_token":"t""#, "`federation_token` is not known"),
            (r#""action_type":"a","action_type":"b""#, "the arguments were refused: duplicate member"),
            (r#""action_type":"a","metadata":{"n":1,"n":2}"#, "the arguments were refused: duplicate member"),
            (r#""action_type":"a","metadata":{"n":1e400}"#, "the arguments were refused: a number"),
        ] {
            let action = one(&format!("{{{members}}}")).unwrap();
            let why = refused(&action).unwrap();
            assert!(why.starts_with(said), "{why} of {members}");
        }
    }

    #[test]
    fn an_item_is_judged_whatever_is_wrong_with_it() {
        let telemetry = r#"{"action_type":"a","metadata":{"framework":"crewai","content_sha256":"00"}}"#;
        assert_eq!(item(telemetry).action.asked, AskedAs::Telemetry);
        // Content that was withheld is not content that nobody has.
        let withheld =
            r#"{"action_type":"a","action_content":null,"metadata":{"framework":"x","content_sha256":"00"}}"#;
        assert_eq!(item(withheld).action.asked, AskedAs::Batch);
        for (text, tool, reference, said) in [
            (r#"{"ref":"r","action_type":"a","agent_id":5}"#, "a", json!("r"), "`agent_id` must be"),
            (r#"{"action_type":"a","ref":7,"x":1,"x":2}"#, "a", json!(7), "the arguments were refused"),
            (r#"{"ref":{},"action_content":"x"}"#, "", Value::Null, "`action_type` is needed"),
            ("[]", "", Value::Null, "the body must be a JSON object"),
            ("null", "", Value::Null, "the body must be a JSON object"),
        ] {
            let item = item(text);
            assert_eq!(item.action.call.tool, tool, "{text}");
            assert_eq!(item.reference.unwrap_or_default(), reference, "{text}");
            let why = item.action.refused.unwrap().to_string();
            assert!(why.starts_with(said), "{why} of {text}");
        }
    }

    #[test]
    fn a_message_names_both_sides() {
        let read =
            |body: Value| message(&Bytes::from(body.to_string())).map_err(|failure| failure.to_string());
        let action =
            read(json!({ "source_agent_id": "a", "target_agent_id": "b", "instruction": "go" })).unwrap();
        assert_eq!((action.call.tool.as_str(), action.agent.as_deref()), (MESSAGE, Some("a")));
        assert_eq!((action.to.as_deref(), action.call.resource.as_deref()), (Some("b"), Some("b")));
        for (body, said) in [
            (json!({ "target_agent_id": "b" }), "`source_agent_id` is needed"),
            (json!({ "source_agent_id": "a", "target_agent_id": null }), "`target_agent_id` is needed"),
        ] {
            assert_eq!(read(body).unwrap_err(), said);
        }
        let odd = read(json!({ "source_agent_id": "a", "target_agent_id": 7, "instruction": 5 })).unwrap();
        assert_eq!(refused(&odd).as_deref(), Some("`target_agent_id` must be a text"));
    }
}
