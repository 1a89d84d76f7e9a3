//! Asking whoever uses the client, where the role leaves a held call to them.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, InputRequest,
    InputRequiredResult, InputResponses,
};
use rmcp::service::{RequestContext, RoleServer};
use scopegate_core::{Consent, Principal, Stopped, ToolCall, Unready};
use serde_json::{Value, json};

use crate::listing::is_modern;
use crate::waiting::{About, Waiting, number, state};

/// Our question among those of the server, and what our request states begin with.
const OURS: &str = "scopegate";
/// How long an answer is taken.
const WAITS: Duration = Duration::from_secs(300);
/// Longest arguments that are shown. Whoever agrees has to be able to see what to.
const SHOWN: usize = 4096;

/// The questions that were asked and have not been answered. Each is worth one answer.
#[derive(Clone)]
pub(crate) struct Questions(Waiting<Question>);

/// What was asked about, and what goes on to the server with a yes.
pub(crate) struct Question {
    about: About,
    state: Option<String>,
    responses: Option<InputResponses>,
}

impl Default for Questions {
    fn default() -> Self {
        Self(Waiting::at_most(WAITS))
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
        let about = About::of(principal, call)?;
        let (goes_on, responses) = (request.request_state.clone(), request.input_responses.clone());
        let number = self.0.put(Question { about, state: goes_on, responses })?;
        let requests = BTreeMap::from([(OURS.to_owned(), question)]);
        Some(InputRequiredResult::new(Some(requests), Some(state(OURS, number))))
    }

    /// What a request that answers one of our questions says; `None` if it answers none. Whatever it says,
    /// the question is over, and the request becomes what it was before it was asked.
    pub(crate) fn answer(
        &self,
        principal: &Principal,
        call: &ToolCall,
        request: &mut CallToolRequestParams,
    ) -> Option<Result<Consent, NoConsent>> {
        let number = number(OURS, request.request_state.as_deref()?)?;
        let question = number.and_then(|number| self.0.take(number));
        let said = request.input_responses.take().and_then(|mut responses| responses.remove(OURS));
        request.request_state = None;
        let asked = question.filter(|question| About::of(principal, call).as_ref() == Some(&question.about));
        let Some(question) = asked else { return Some(Err(NoConsent::Foreign)) };
        (request.request_state, request.input_responses) = (question.state, question.responses);
        Some(if is_yes(said) { Ok(Consent::Client) } else { Err(NoConsent::Declined) })
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
        said.action == ElicitationAction::Accept
            && said.content.is_some_and(|form| form.get("agree") == Some(&Value::Bool(true)))
    })
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
