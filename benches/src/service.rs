//! An always-ready service, polled once: what a layer costs is what it adds to this.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::header::HeaderName;
use http::{HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use crate::Result;
use crate::harness::Item;

/// The header that names the session.
pub const SESSION: HeaderName = HeaderName::from_static("x-session");

/// Answers every request at once with an empty body.
#[derive(Debug)]
pub struct Bare<B>(PhantomData<fn() -> B>);

impl<B> Bare<B> {
    /// The service.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<B> Default for Bare<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Clone for Bare<B> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<R, B: Default> Service<Request<R>> for Bare<B> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Ready<Result<Response<B>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<R>) -> Self::Future {
        ready(Ok(Response::new(B::default())))
    }
}

/// A request of a session.
pub fn request() -> Request<()> {
    let mut request = Request::new(());
    request.headers_mut().insert(SESSION, HeaderValue::from_static("sess-000042"));
    request
}

/// Makes a request and has it answered by a service, which must answer 200 without waiting.
pub fn item<S, B>(
    name: impl Into<String>,
    build: impl Fn() -> Result<S> + 'static,
    request: impl Fn() -> Request<()> + Copy + 'static,
) -> Item
where
    S: Service<Request<()>, Response = Response<B>> + 'static,
    B: 'static,
    S::Error: 'static,
{
    Item::new(name, build, move |service: &mut S| poll_once(service, request()), answered)
}

/// Whether the answer came at once and is 200.
pub fn answered<B, E>(answer: &Poll<Result<Response<B>, E>>) -> bool {
    matches!(answer, Poll::Ready(Ok(response)) if response.status() == StatusCode::OK)
}

/// The answer, if there is no waiting for it.
pub fn poll_once<S: Service<R>, R>(service: &mut S, request: R) -> Poll<Result<S::Response, S::Error>> {
    let mut context = Context::from_waker(Waker::noop());
    match service.poll_ready(&mut context) {
        Poll::Ready(Ok(())) => pin!(service.call(request)).poll(&mut context),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}
