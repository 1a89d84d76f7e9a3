//! The service: finds the call, asks the gate, and runs or refuses.

use std::mem;
use std::task::{Context, Poll};

use scopegate_core::json::JsonError;
use scopegate_core::{Admission, Args, Asking, Denial, DenyCode, Gate, Name, Permitted, Refusal, ToolCall};
use tower_service::Service;

use crate::extract::{Extract, Found, Refuse};
use crate::fault::Stop;
use crate::future::{Ends, ResponseFuture, State, Waiting};

/// Calls the inner service with a permit or not at all. Made by [`ScopeLayer`](crate::ScopeLayer).
#[derive(Clone, Debug)]
pub struct ScopeService<S, X> {
    inner: S,
    gate: Gate,
    extract: X,
}

impl<S, X> ScopeService<S, X> {
    pub(crate) fn new(inner: S, gate: Gate, extract: X) -> Self {
        Self { inner, gate, extract }
    }
}

impl<S, X, Req> Service<Req> for ScopeService<S, X>
where
    X: Extract<Req> + Refuse<S::Response, S::Error>,
    S: Service<X::Admitted> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, X, Req>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Req) -> Self::Future {
        // It stays here until a permit moves it on: it is large.
        let mut call = ToolCall::new(Name::default());
        let found = self.extract.find(&mut request, &mut call);
        let principal = match self.extract.principal(&request) {
            Ok(principal) => principal,
            Err(fault) => return self.stop(fault.into()).into(),
        };
        match found {
            Ok(Found::Call) => {}
            Ok(Found::ReadArgs) => return self.ready().reading(request, Some(call)).into(),
            Ok(Found::ReadCall) => return self.ready().reading(request, None).into(),
            Ok(Found::HandlerAdmits) => return self.hand_over(request, call).into(),
            Err(fault) => return self.stop(fault.into()).into(),
        }
        match self.gate.try_admit_mut(principal, &mut call) {
            Admission::Go(permitted) => self.run(request, permitted).into(),
            Admission::Stop(refusal) => self.stop(refusal.into()).into(),
            Admission::NeedArgs(_) => self.ready().reading(request, Some(call)).into(),
            Admission::Ask(asking) => self.ready().asking(request, asking).into(),
        }
    }
}

impl<S, X> ScopeService<S, X> {
    /// Takes the service that was polled ready and leaves a fresh clone: a clone need not be
    /// ready, and must not be called in its place.
    fn ready(&mut self) -> Self
    where
        S: Clone,
        X: Clone,
    {
        let fresh = self.inner.clone();
        let inner = mem::replace(&mut self.inner, fresh);
        Self { inner, gate: self.gate.clone(), extract: self.extract.clone() }
    }

    #[inline(never)]
    fn reading<Req>(self, request: Req, call: Option<ToolCall>) -> State<S, X, Req>
    where
        X: Extract<Req>,
        S: Service<X::Admitted>,
    {
        Waiting::Reading { reading: self.extract.read(request, call), service: Some(self) }.into()
    }

    #[inline(never)]
    fn asking<Req>(self, request: Req, asking: Asking) -> State<S, X, Req>
    where
        X: Extract<Req>,
        S: Service<X::Admitted>,
    {
        Waiting::Asking { asking, rest: Some((request, self)) }.into()
    }

    /// Asks the gate once more, with the arguments.
    pub(crate) fn ask_again<Req>(mut self, request: Req, mut call: ToolCall) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        if call.args.is_unread() {
            call.args = Args::refused(JsonError::NotAnObject);
        }
        let admission = match self.extract.principal(&request) {
            Ok(principal) => self.gate.try_admit_mut(principal, &mut call),
            Err(fault) => return self.stop(fault.into()),
        };
        match admission {
            Admission::Go(permitted) => self.run(request, permitted),
            Admission::Stop(refusal) => self.stop(refusal.into()),
            Admission::NeedArgs(_) => {
                self.stop(Refusal::Denied(Denial::new(DenyCode::InvalidArguments)).into())
            }
            Admission::Ask(asking) => self.asking(request, asking),
        }
    }

    /// Runs the inner service, which must have been polled ready.
    #[inline(always)]
    pub(crate) fn run<Req>(&mut self, request: Req, permitted: Permitted<&mut ToolCall>) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        match self.extract.admit(request, permitted) {
            Ok((admitted, custody)) => {
                let ends = Ends::of(custody, &self.extract);
                State::Running { running: self.inner.call(admitted), ends }
            }
            Err(fault) => self.stop(fault.into()),
        }
    }

    #[inline(never)]
    fn hand_over<Req>(&mut self, request: Req, call: ToolCall) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        match self.extract.hand_over(request, &self.gate, call) {
            Ok(admitted) => State::Running { running: self.inner.call(admitted), ends: Ends::Nothing },
            Err(fault) => self.stop(fault.into()),
        }
    }

    #[inline(never)]
    pub(crate) fn stop<Req>(&self, stop: Stop) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        State::Stopped { answer: Some(self.extract.refuse(stop)) }
    }
}
