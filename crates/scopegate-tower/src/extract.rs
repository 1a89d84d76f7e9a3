//! What a kind of request has to bring.

use std::future::Future;

use scopegate_core::{Gate, Outcome, Permitted, PrincipalRef, ToolCall};

use crate::fault::{Fault, Stop};
use crate::slot::Custody;

/// How requests of one kind become tool calls. Whatever it cannot identify it reports as a
/// [`Fault`], and the request is refused.
pub trait Extract<Req>: Clone {
    /// What the inner service takes.
    type Admitted;
    /// Reads the arguments of one request.
    type Reading: Future<Output = Result<(Req, ToolCall), Fault>>;

    /// Fills in the tool call, which is blank, with what can be seen without waiting. It may take
    /// what it needs out of the request.
    ///
    /// # Errors
    /// [`Fault`] when there is none.
    fn find(&self, request: &mut Req, call: &mut ToolCall) -> Result<Found, Fault>;

    /// Who asks. Called before each question to the gate.
    ///
    /// # Errors
    /// [`Fault`] when nobody can be named.
    fn principal<'r>(&'r self, request: &'r Req) -> Result<PrincipalRef<'r>, Fault>;

    /// Reads the arguments of a call, or a whole call that stands in the body. The request comes
    /// back with exactly what was read.
    fn read(&self, request: Req, call: Option<ToolCall>) -> Self::Reading;

    /// What the inner service is called with, and where the permit is meanwhile. The call stands
    /// outside of the permit until [`into_owned`](Permitted::into_owned) moves it in, because it is
    /// large.
    ///
    /// # Errors
    /// [`Fault`] when the permit cannot be honoured; nothing runs then.
    fn admit(
        &self,
        request: Req,
        permitted: Permitted<&mut ToolCall>,
    ) -> Result<(Self::Admitted, Custody), Fault>;

    /// Hands the request to a handler that asks the gate itself.
    ///
    /// # Errors
    /// [`Fault`], always, unless the extractor supports it.
    fn hand_over(&self, request: Req, gate: &Gate, call: ToolCall) -> Result<Self::Admitted, Fault> {
        let _ = (request, gate, call);
        Err(Fault::NoPermit)
    }
}

/// What the head of a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the service must handle every case")]
pub enum Found {
    /// The call; its arguments may still be unread.
    Call,
    /// The call without its arguments: read the body before asking the gate.
    ReadArgs,
    /// Nothing yet: the whole call stands in the body.
    ReadCall,
    /// The handler of this call asks the gate; nothing is asked at the head.
    HandlerAdmits,
}

/// How refusals look to the caller.
pub trait Refuse<Res, Err> {
    /// The answer to a request that goes no further.
    ///
    /// # Errors
    /// Where refusals are errors.
    fn refuse(&self, stop: Stop) -> Result<Res, Err>;

    /// What an answer of the inner service says about the call.
    fn outcome(answer: &Result<Res, Err>) -> Outcome {
        if answer.is_ok() { Outcome::Ok } else { Outcome::Failed }
    }
}
