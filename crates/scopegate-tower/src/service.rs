//! The service: finds the call, asks the gate, and runs or refuses.

use std::mem;
use std::task::{Context, Poll};

use scopegate_core::json::JsonError;
use scopegate_core::{Admission, Args, Denial, DenyCode, Gate, Permitted, Refusal, ToolCall};
use tower_service::Service;

use crate::extract::{Extract, Found, Refuse};
use crate::fault::Stop;
use crate::future::{ResponseFuture, State};

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

    fn call(&mut self, mut request: Req) -> Self::Future {
        let found = self.extract.find(&mut request);
        let admission = match (self.extract.principal(&request), found) {
            (Err(fault), _) | (_, Err(fault)) => return self.stop(fault.into()).into(),
            (Ok(principal), Ok(Found::Call(call))) => self.gate.try_admit(principal, call),
            (Ok(_), Ok(Found::InBody(call))) => return self.ready().reading(request, call).into(),
            (Ok(_), Ok(Found::HandlerAdmits(call))) => return self.hand_over(request, call).into(),
        };
        let state = match admission {
            Admission::Go(permitted) => self.run(request, permitted),
            Admission::Stop(refusal) => self.stop(refusal.into()),
            Admission::NeedArgs(call) => self.ready().reading(request, Some(call)),
            Admission::Ask(asking) => State::Asking { asking, waiting: Some((request, self.ready())) },
        };
        state.into()
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

    fn reading<Req>(self, request: Req, call: Option<ToolCall>) -> State<S, X, Req>
    where
        X: Extract<Req>,
        S: Service<X::Admitted>,
    {
        State::Reading { reading: self.extract.read(request, call), service: Some(self) }
    }

    /// Asks the gate once more, with the arguments.
    pub(crate) fn ask_again<Req>(mut self, request: Req, call: ToolCall) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        let call = match call.args.is_unread() {
            true => call.with_args(Args::refused(JsonError::NotAnObject)),
            false => call,
        };
        let admission = match self.extract.principal(&request) {
            Ok(principal) => self.gate.try_admit(principal, call),
            Err(fault) => return self.stop(fault.into()),
        };
        match admission {
            Admission::Go(permitted) => self.run(request, permitted),
            Admission::Stop(refusal) => self.stop(refusal.into()),
            Admission::NeedArgs(_) => {
                self.stop(Refusal::Denied(Denial::new(DenyCode::InvalidArguments)).into())
            }
            Admission::Ask(asking) => State::Asking { asking, waiting: Some((request, self)) },
        }
    }

    /// Runs the inner service, which must have been polled ready.
    pub(crate) fn run<Req>(&mut self, request: Req, permitted: Permitted<ToolCall>) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        match self.extract.admit(request, permitted) {
            Ok((admitted, slot)) => State::Running {
                running: self.inner.call(admitted),
                ends: slot.map(|slot| (slot, self.extract.clone())),
            },
            Err(fault) => self.stop(fault.into()),
        }
    }

    fn hand_over<Req>(&mut self, request: Req, call: ToolCall) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        match self.extract.hand_over(request, &self.gate, call) {
            Ok(admitted) => State::Running { running: self.inner.call(admitted), ends: None },
            Err(fault) => self.stop(fault.into()),
        }
    }

    pub(crate) fn stop<Req>(&self, stop: Stop) -> State<S, X, Req>
    where
        X: Extract<Req> + Refuse<S::Response, S::Error>,
        S: Service<X::Admitted>,
    {
        State::Stopped { answer: Some(self.extract.refuse(stop)) }
    }
}
