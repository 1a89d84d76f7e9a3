//! The future of a scoped request.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use scopegate_core::{Asking, Completion, Name, ToolCall};
use tower_service::Service;

use crate::extract::{Extract, Refuse};
use crate::service::ScopeService;
use crate::slot::{Custody, PermitSlot};

pin_project! {
    /// The response of a [`ScopeService`]. Dropped while the inner service runs, it ends the
    /// permit as dropped.
    pub struct ResponseFuture<S, X, Req>
    where
        X: Extract<Req>,
        S: Service<X::Admitted>,
    {
        #[pin]
        state: State<S, X, Req>,
    }
}

pin_project! {
    #[project = StateProjection]
    pub(crate) enum State<S, X, Req>
    where
        X: Extract<Req>,
        S: Service<X::Admitted>,
    {
        /// Admitted.
        Running { #[pin] running: S::Future, ends: Ends<X> },
        /// Refused.
        Stopped { answer: Option<Result<S::Response, S::Error>> },
        /// Not decided yet. Boxed: requests that need not wait do not carry the room for it.
        Waiting { waiting: Pin<Box<Waiting<S, X, Req>>> },
    }
}

pin_project! {
    #[project = WaitingProjection]
    pub(crate) enum Waiting<S, X, Req>
    where
        X: Extract<Req>,
        S: Service<X::Admitted>,
    {
        /// The arguments are on their way.
        Reading { #[pin] reading: X::Reading, service: Option<ScopeService<S, X>> },
        /// The answer is on its way.
        Asking { asking: Asking, rest: Option<(Req, ScopeService<S, X>)> },
    }
}

impl<S, X, Req> From<State<S, X, Req>> for ResponseFuture<S, X, Req>
where
    X: Extract<Req>,
    S: Service<X::Admitted>,
{
    #[inline]
    fn from(state: State<S, X, Req>) -> Self {
        Self { state }
    }
}

impl<S, X, Req> From<Waiting<S, X, Req>> for State<S, X, Req>
where
    X: Extract<Req>,
    S: Service<X::Admitted>,
{
    fn from(waiting: Waiting<S, X, Req>) -> Self {
        Self::Waiting { waiting: Box::pin(waiting) }
    }
}

impl<S, X, Req> Future for ResponseFuture<S, X, Req>
where
    X: Extract<Req> + Refuse<S::Response, S::Error>,
    S: Service<X::Admitted>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Running { running, ends } => {
                    let answer = ready!(running.poll(cx));
                    return Poll::Ready(mem::replace(ends, Ends::Nothing).conclude(answer));
                }
                StateProjection::Stopped { answer } => {
                    // Polled again after the end, it stays pending.
                    return answer.take().map_or(Poll::Pending, Poll::Ready);
                }
                StateProjection::Waiting { waiting } => match waiting.as_mut().project() {
                    WaitingProjection::Reading { reading, service } => {
                        let read = ready!(reading.poll(cx));
                        let Some(service) = service.take() else { return Poll::Pending };
                        match read {
                            Ok((request, call)) => service.ask_again(request, call),
                            Err(fault) => service.stop(fault.into()),
                        }
                    }
                    WaitingProjection::Asking { asking, rest } => {
                        let answer = ready!(Pin::new(asking).poll(cx));
                        let Some((request, mut service)) = rest.take() else { return Poll::Pending };
                        match answer {
                            Ok(permitted) => {
                                let mut call = ToolCall::new(Name::default());
                                service.run(request, permitted.into_place(&mut call))
                            }
                            Err(refusal) => service.stop(refusal.into()),
                        }
                    }
                },
            };
            state.set(next);
        }
    }
}

/// What is left to do about the permit when the inner service has answered.
pub(crate) enum Ends<X> {
    Nothing,
    Report(Completion),
    Conclude(PermitSlot, X),
}

impl<X> Ends<X> {
    #[inline]
    pub(crate) fn of(custody: Custody, extract: &X) -> Self
    where
        X: Clone,
    {
        match custody {
            Custody::Inner => Self::Nothing,
            Custody::Layer(completion) => Self::Report(completion),
            Custody::Slot(slot) => Self::Conclude(slot, extract.clone()),
        }
    }

    #[inline]
    fn conclude<Res, Err>(self, answer: Result<Res, Err>) -> Result<Res, Err>
    where
        X: Refuse<Res, Err>,
    {
        match self {
            Self::Nothing => {}
            Self::Report(completion) => completion.complete(X::outcome(&answer)),
            Self::Conclude(slot, extract) => {
                if let Err(fault) = slot.conclude(X::outcome(&answer)) {
                    return extract.refuse(fault.into());
                }
            }
        }
        answer
    }
}

impl<S, X, Req> fmt::Debug for ResponseFuture<S, X, Req>
where
    X: Extract<Req>,
    S: Service<X::Admitted>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
