//! A server's own questions in the middle of a request: an answer goes back only with the request that
//! it was asked for, by whoever was asked, and once.
//!
//! Without this a client could answer what nobody asked, or go on with the state of another call: a
//! server takes both for its own, and neither is among the arguments that are judged.

use std::collections::BTreeSet;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, GetPromptRequestParams, InputRequiredResult, InputResponses,
    ReadResourceRequestParams,
};
use scopegate_core::{Principal, ToolCall};

use crate::waiting::{About, Waiting, number, state};

/// What request states of a server's questions begin with.
const THEIRS: &str = "scopegate-round";
/// How long an answer is taken: a person may have to be found.
const WAITS: Duration = Duration::from_secs(3600);

/// The questions that servers have asked.
#[derive(Clone)]
pub(crate) struct Rounds(Waiting<Round>);

/// What was asked, about which call, and the server's own state.
struct Round {
    about: About,
    asked: BTreeSet<String>,
    state: Option<String>,
}

/// The round that a request goes on with: none, or one that has to be there still when it runs.
#[must_use]
pub(crate) struct Next(Option<u128>);

/// A request that may go on with an earlier one.
pub(crate) trait GoesOn {
    fn parts(&mut self) -> (&mut Option<String>, &mut Option<InputResponses>);
}

impl Default for Rounds {
    fn default() -> Self {
        Self(Waiting::at_most(WAITS))
    }
}

impl Rounds {
    /// A server asked: what the client gets to hold is ours.
    pub(crate) fn asked(
        &self,
        principal: Option<&Principal>,
        call: &ToolCall,
        result: &mut InputRequiredResult,
    ) -> Result<(), ErrorData> {
        let asked = result.input_requests.iter().flatten().map(|(name, _)| name.clone()).collect();
        let round = principal
            .and_then(|principal| About::of(principal, call))
            .and_then(|about| self.0.put(Round { about, asked, state: result.request_state.take() }));
        let round = round.ok_or_else(|| ErrorData::internal_error("the question cannot be kept", None))?;
        result.request_state = Some(state(THEIRS, round));
        Ok(())
    }

    /// The round that a request answers, if it answers any. Nothing is over yet: the call may be held.
    pub(crate) fn next(
        &self,
        principal: Option<&Principal>,
        call: &ToolCall,
        request: &mut impl GoesOn,
    ) -> Result<Next, ErrorData> {
        let (state, responses) = request.parts();
        if state.is_none() && responses.is_none() {
            return Ok(Next(None));
        }
        let number = state.as_deref().and_then(|state| number(THEIRS, state)).flatten();
        let fits = |round: &Round| {
            let known = responses.iter().flatten().all(|(name, _)| round.asked.contains(name));
            known && principal.and_then(|principal| About::of(principal, call)).as_ref() == Some(&round.about)
        };
        match number.filter(|number| self.0.look(*number, fits) == Some(true)) {
            Some(number) => Ok(Next(Some(number))),
            None => Err(foreign()),
        }
    }

    /// The request runs: it goes to the server with the server's own state, and no other does.
    pub(crate) fn go_on(&self, next: Next, request: &mut impl GoesOn) -> Result<(), ErrorData> {
        let Next(Some(number)) = next else { return Ok(()) };
        let round = self.0.take(number).ok_or_else(foreign)?;
        *request.parts().0 = round.state;
        Ok(())
    }
}

fn foreign() -> ErrorData {
    ErrorData::invalid_params("the answer belongs to no question about this call", None)
}

impl GoesOn for CallToolRequestParams {
    fn parts(&mut self) -> (&mut Option<String>, &mut Option<InputResponses>) {
        (&mut self.request_state, &mut self.input_responses)
    }
}

impl GoesOn for GetPromptRequestParams {
    fn parts(&mut self) -> (&mut Option<String>, &mut Option<InputResponses>) {
        (&mut self.request_state, &mut self.input_responses)
    }
}

impl GoesOn for ReadResourceRequestParams {
    fn parts(&mut self) -> (&mut Option<String>, &mut Option<InputResponses>) {
        (&mut self.request_state, &mut self.input_responses)
    }
}
