//! Tool calls as requests.

use std::future::{Ready, ready};
use std::mem;

use scopegate_core::json::JsonError;
use scopegate_core::{Args, Permitted, Principal, PrincipalRef, ToolCall};

use crate::extract::{Extract, Found, Refuse};
use crate::fault::{Fault, Stop};
use crate::slot::Custody;

/// Requests are [`ToolCall`]s, all made by one session.
#[derive(Clone, Debug)]
pub struct OneSession(Principal);

/// Requests are `(Principal, ToolCall)`: each says who asks. The principal must come from
/// whoever authenticated the call, not from the call.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct AnySession;

impl OneSession {
    /// All calls are made by this session.
    pub fn new(session: Principal) -> Self {
        Self(session)
    }
}

impl Extract<ToolCall> for OneSession {
    type Admitted = Permitted<ToolCall>;
    type Reading = Ready<Result<(ToolCall, ToolCall), Fault>>;

    #[inline]
    fn find(&self, request: &mut ToolCall, call: &mut ToolCall) -> Result<Found, Fault> {
        mem::swap(request, call);
        Ok(Found::Call)
    }

    fn principal<'r>(&'r self, _: &'r ToolCall) -> Result<PrincipalRef<'r>, Fault> {
        Ok(self.0.as_ref())
    }

    fn read(&self, request: ToolCall, call: Option<ToolCall>) -> Self::Reading {
        ready(unread(call).map(|call| (request, call)))
    }

    fn admit(
        &self,
        _: ToolCall,
        permitted: Permitted<&mut ToolCall>,
    ) -> Result<(Self::Admitted, Custody), Fault> {
        Ok((permitted.into_owned(), Custody::Inner))
    }
}

impl Extract<(Principal, ToolCall)> for AnySession {
    type Admitted = Permitted<ToolCall>;
    type Reading = Ready<Result<((Principal, ToolCall), ToolCall), Fault>>;

    #[inline]
    fn find(&self, (_, request): &mut (Principal, ToolCall), call: &mut ToolCall) -> Result<Found, Fault> {
        mem::swap(request, call);
        Ok(Found::Call)
    }

    fn principal<'r>(&'r self, (session, _): &'r (Principal, ToolCall)) -> Result<PrincipalRef<'r>, Fault> {
        Ok(session.as_ref())
    }

    fn read(&self, request: (Principal, ToolCall), call: Option<ToolCall>) -> Self::Reading {
        ready(unread(call).map(|call| (request, call)))
    }

    #[inline]
    fn admit(
        &self,
        _: (Principal, ToolCall),
        permitted: Permitted<&mut ToolCall>,
    ) -> Result<(Self::Admitted, Custody), Fault> {
        Ok((permitted.into_owned(), Custody::Inner))
    }
}

/// A native call brings its arguments. One that does not is put to the gate as refused, so that
/// the denial is on record.
fn unread(call: Option<ToolCall>) -> Result<ToolCall, Fault> {
    let call = call.ok_or(Fault::NoTool)?;
    Ok(call.with_args(Args::refused(JsonError::NotAnObject)))
}

impl<Res, Err: From<Stop>> Refuse<Res, Err> for OneSession {
    fn refuse(&self, stop: Stop) -> Result<Res, Err> {
        Err(stop.into())
    }
}

impl<Res, Err: From<Stop>> Refuse<Res, Err> for AnySession {
    fn refuse(&self, stop: Stop) -> Result<Res, Err> {
        Err(stop.into())
    }
}
