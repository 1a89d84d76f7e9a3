//! The future of a scoped request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use scopegate_core::Asking;
use tower_service::Service;

use crate::extract::{Extract, Refuse};
use crate::service::ScopeService;
use crate::slot::PermitSlot;

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
        Running { #[pin] running: S::Future, ends: Option<(PermitSlot, X)> },
        /// Refused.
        Stopped { answer: Option<Result<S::Response, S::Error>> },
        /// The arguments are on their way.
        Reading { #[pin] reading: X::Reading, service: Option<ScopeService<S, X>> },
        /// The answer is on its way.
        Asking { asking: Asking, waiting: Option<(Req, ScopeService<S, X>)> },
    }
}

impl<S, X, Req> From<State<S, X, Req>> for ResponseFuture<S, X, Req>
where
    X: Extract<Req>,
    S: Service<X::Admitted>,
{
    fn from(state: State<S, X, Req>) -> Self {
        Self { state }
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
                    return Poll::Ready(conclude(ends.take(), answer));
                }
                StateProjection::Stopped { answer } => {
                    // Polled again after the end, it stays pending.
                    return answer.take().map_or(Poll::Pending, Poll::Ready);
                }
                StateProjection::Reading { reading, service } => {
                    let read = ready!(reading.poll(cx));
                    let Some(service) = service.take() else { return Poll::Pending };
                    match read {
                        Ok((request, call)) => service.ask_again(request, call),
                        Err(fault) => service.stop(fault.into()),
                    }
                }
                StateProjection::Asking { asking, waiting } => {
                    let answer = ready!(Pin::new(asking).poll(cx));
                    let Some((request, mut service)) = waiting.take() else { return Poll::Pending };
                    match answer {
                        Ok(permitted) => service.run(request, permitted),
                        Err(refusal) => service.stop(refusal.into()),
                    }
                }
            };
            state.set(next);
        }
    }
}

/// Ends a permit that the handler did not take.
fn conclude<X, Res, Err>(ends: Option<(PermitSlot, X)>, answer: Result<Res, Err>) -> Result<Res, Err>
where
    X: Refuse<Res, Err>,
{
    let Some((slot, extract)) = ends else { return answer };
    match slot.conclude(extract.outcome(&answer)) {
        Ok(()) => answer,
        Err(fault) => extract.refuse(fault.into()),
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
