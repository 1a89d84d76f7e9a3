//! Asking whoever uses the client, where the role leaves a held call to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, InputRequest,
    InputRequiredResult, InputResponses,
};
use rmcp::service::{RequestContext, RoleServer};
use scopegate_core::{CallDigest, Consent, Name, Principal, Stopped, ToolCall, Unready};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::listing::is_modern;

/// Our question among those of the server, and what our request states begin with.
const OURS: &str = "scopegate";
/// How long an answer is taken.
const WAITS: Duration = Duration::from_secs(300);
/// Most questions that wait; the oldest makes room.
const MANY: usize = 1024;
/// Longest arguments that are shown. Whoever agrees has to be able to see what to.
const SHOWN: usize = 4096;

/// The questions that were asked and have not been answered. What a client holds of one is its number,
/// 128 random bits: it cannot be made up or changed into another, and is worth one answer.
#[derive(Clone, Default)]
pub(crate) struct Questions(Arc<Mutex<BTreeMap<(Instant, u128), Question>>>);

/// What was asked about, and what goes on to the server with a yes.
struct Question {
    about: About,
    state: Option<String>,
    responses: Option<InputResponses>,
}

/// A call of somebody's.
#[derive(PartialEq)]
struct About {
    principal: Principal,
    tool: Name,
    server: Option<Name>,
    args: CallDigest,
}

impl About {
    fn of(principal: &Principal, call: &ToolCall) -> Option<Self> {
        let args = CallDigest::of_args(call)?;
        let (tool, server) = (call.tool.clone(), call.server.clone());
        Some(Self { principal: principal.clone(), tool, server, args })
    }
}

impl Questions {
    /// A question about a held call, if the client can be asked and the question be shown.
    pub(crate) fn ask(
        &self,
        principal: &Principal,
        call: &ToolCall,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Option<InputRequiredResult> {
        if !can_be_asked(context) {
            return None;
        }
        let question = form(call)?;
        let number = random()?;
        let about = About::of(principal, call)?;
        let (state, responses) = (request.request_state.clone(), request.input_responses.clone());
        let mut waiting = self.waiting();
        while waiting.len() >= MANY {
            waiting.pop_first();
        }
        waiting.insert((Instant::now(), number), Question { about, state, responses });
        let requests = BTreeMap::from([(OURS.to_owned(), question)]);
        Some(InputRequiredResult::new(Some(requests), Some(format!("{OURS}:{number:032x}"))))
    }

    /// What a request that answers one of our questions says; `None` if it answers none. Whatever it says,
    /// the question is over, and the request becomes what it was before it was asked.
    pub(crate) fn answer(
        &self,
        principal: &Principal,
        call: &ToolCall,
        request: &mut CallToolRequestParams,
    ) -> Option<Result<Consent, NoConsent>> {
        let number = request.request_state.as_deref()?.strip_prefix(OURS)?.strip_prefix(':')?;
        let question = parse(number).and_then(|number| self.take(number));
        let said = request.input_responses.take().and_then(|mut responses| responses.remove(OURS));
        request.request_state = None;
        let asked = question.filter(|question| About::of(principal, call).as_ref() == Some(&question.about));
        let Some(question) = asked else { return Some(Err(NoConsent::Foreign)) };
        (request.request_state, request.input_responses) = (question.state, question.responses);
        Some(if is_yes(said) { Ok(Consent::Client) } else { Err(NoConsent::Declined) })
    }

    fn take(&self, number: u128) -> Option<Question> {
        let mut waiting = self.waiting();
        let key = *waiting.keys().find(|(_, other)| *other == number)?;
        waiting.remove(&key).filter(|_| key.0.elapsed() < WAITS)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<(Instant, u128), Question>> {
        // Nothing here panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoConsent {
    /// It answers no question that waits, or one about another call.
    Foreign,
    /// The answer is no.
    Declined,
}

impl NoConsent {
    pub(crate) fn stopped(self) -> Result<Stopped, ErrorData> {
        match self {
            Self::Declined => Ok(Unready::Declined.into()),
            Self::Foreign => {
                Err(ErrorData::invalid_params("the answer belongs to no question about this call", None))
            }
        }
    }
}

/// Only 2026-07-28 has questions in results, and only clients that said so show forms.
fn can_be_asked(context: &RequestContext<RoleServer>) -> bool {
    let elicitation = context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
    is_modern(context) && elicitation.is_some_and(|can| can.form.is_some() || can.url.is_none())
}

/// Shows exactly what would run: in ASCII, so that nothing hides or looks like something else.
fn form(call: &ToolCall) -> Option<InputRequest> {
    let args = ascii(&call.args.to_json()?);
    if args.len() > SHOWN {
        return None;
    }
    let form = json!({
        "mode": "form",
        "message": format!("May `{}` run with {args}?", ascii(&call.tool)),
        "requestedSchema": {
            "type": "object",
            "properties": { "agree": { "type": "boolean", "title": "It may run, once" } },
            "required": ["agree"],
        },
    });
    let form: ElicitRequestParams = serde_json::from_value(form).ok()?;
    Some(InputRequest::Elicitation(ElicitRequest::new(form)))
}

fn ascii(text: &str) -> String {
    let mut units = [0; 2];
    text.chars().fold(String::new(), |mut shown, c| {
        match c {
            ' '..='~' => shown.push(c),
            _ => shown.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
        shown
    })
}

fn is_yes(said: Option<Value>) -> bool {
    let said: Option<ElicitResult> = said.and_then(|said| serde_json::from_value(said).ok());
    said.is_some_and(|said| {
        said.action == ElicitationAction::Accept && said.content.is_some_and(|form| form["agree"] == true)
    })
}

fn parse(number: &str) -> Option<u128> {
    let hex = number.len() == 32 && number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if hex { u128::from_str_radix(number, 16).ok() } else { None }
}

fn random() -> Option<u128> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(u128::from_le_bytes(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_hides_nothing() {
        assert_eq!(ascii("{\"to\":\"d\u{202e}ana\u{1f600}\"}"), "{\"to\":\"d\\u202eana\\ud83d\\ude00\"}");
    }

    #[test]
    fn only_a_plain_yes_is_one() {
        let yes = json!({"action": "accept", "content": {"agree": true}});
        assert!(is_yes(Some(yes)));
        for said in [
            json!({"action": "accept", "content": {"agree": "true"}}),
            json!({"action": "accept", "content": {"agree": false}}),
            json!({"action": "accept", "content": {}}),
            json!({"action": "accept"}),
            json!({"action": "decline", "content": {"agree": true}}),
            json!({"action": "cancel"}),
            json!({"action": "ACCEPT", "content": {"agree": true}}),
            json!(true),
            json!(null),
        ] {
            assert!(!is_yes(Some(said.clone())), "{said}");
        }
        assert!(!is_yes(None));
    }
}
