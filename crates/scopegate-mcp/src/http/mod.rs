//! Serving over streamable HTTP: what is checked before rmcp's own service sees a request.

mod answers;
mod headers;
mod seats;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use scopegate_core::Name;
use scopegate_core::json::MAX_TEXT;
use tower_service::Service;

use self::seats::Seats;
use crate::caller::verified;
use crate::frame::Frame;
use crate::guard::Guard;
use crate::guarded::Guarded;
use crate::names;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A guarded server over streamable HTTP: a [`tower_service::Service`] to mount in any HTTP server.
/// `server` makes a server for each session, or for each request where there are no sessions.
///
/// With a guard [from HTTP](Guard::from_http) put the layer that authenticates outside of this, and
/// let it insert a [`Principal`](scopegate_core::Principal) among the request's extensions. A session
/// of MCP belongs to the principal that began it; to any other it does not exist. Sessions end with the
/// process: a `session_store` of the configuration is not used.
pub fn http_service<H: ServerHandler>(
    guard: Guard,
    server: impl Fn() -> io::Result<H> + Send + Sync + 'static,
    mut config: StreamableHttpServerConfig,
) -> HttpService<H> {
    // A session that came back from a store would be nobody's: whose it was is kept here alone.
    config.session_store = None;
    let sessions = Arc::new(LocalSessionManager::default());
    let seats = Arc::new(Seats::new(sessions.clone()));
    let over = guard.clone();
    let inner = StreamableHttpService::new(move || Ok(over.over(server()?)), sessions, config);
    HttpService { inner, guard, seats }
}

/// See [`http_service`].
pub struct HttpService<H> {
    inner: StreamableHttpService<Guarded<H>, LocalSessionManager>,
    guard: Guard,
    seats: Arc<Seats>,
}

impl<H: ServerHandler> HttpService<H> {
    /// Answers one request.
    pub async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let frame = match self.check(&parts, body).await {
            Ok(frame) => frame,
            Err(refused) => return *refused,
        };
        let (owner, method) = (verified(&parts).cloned(), parts.method.clone());
        let session = headers::session(&parts.headers);
        let mut body = Bytes::new();
        let mut tool = None;
        if let Some(frame) = frame {
            tool = self.tool_to_show(&parts, &frame).await;
            body = frame.to_json().into();
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            parts.extensions.insert(frame);
        }
        let answer = SHOWN.scope(tool, self.inner.handle(Request::from_parts(parts, Full::new(body)))).await;
        match (session, owner) {
            // One that was refused goes on, and stays whose it is.
            (Some(session), _) if method == Method::DELETE && answer.status().is_success() => {
                self.seats.leave(&session);
            }
            (None, Some(owner)) => self.seats.take(headers::session(answer.headers()), owner).await,
            _ => {}
        }
        answer
    }

    /// Everything that can be said of a request before it is handed on; the message of a POST.
    async fn check<B>(&self, parts: &Parts, body: B) -> Result<Option<Frame>, Box<Answer>>
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let principal = verified(parts);
        if self.guard.asks_each_request() && principal.is_none() {
            return Err(answers::unauthenticated());
        }
        headers::check_single(&parts.headers).map_err(answers::mismatch)?;
        if let (Some(session), Some(principal)) = (headers::session(&parts.headers), principal)
            && !self.seats.belongs(&session, principal)
        {
            return Err(answers::no_such_session());
        }
        if parts.method != Method::POST {
            return Ok(None);
        }
        let text = match Limited::new(body, MAX_TEXT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Err(answers::unreadable(&*error)),
        };
        let frame = Frame::read(text).map_err(|refused| answers::refused(*refused))?;
        headers::check_agreement(&parts.headers, &frame)
            .map_err(|why| answers::mismatch_of(frame.id(), why))?;
        Ok(Some(frame))
    }

    /// The tool whose definition rmcp may look up, to compare headers with arguments: the one that
    /// is called, if the principal may know of it.
    async fn tool_to_show(&self, parts: &Parts, frame: &Frame) -> Option<Name> {
        if frame.method().as_deref() != Some("tools/call") || !headers::are_compared(&parts.headers) {
            return None;
        }
        let tool = frame.text("/params/name").filter(|tool| !names::is_ours(tool))?;
        let mut extensions = rmcp::model::Extensions::new();
        extensions.insert(parts.clone());
        self.guard.sees_tool(&extensions, &tool).await.then(|| tool.into())
    }
}

tokio::task_local! {
    /// Set while rmcp's service takes in one request.
    static SHOWN: Option<Name>;
}

/// Whether the request that is being taken in may look up this tool.
pub(crate) fn shown(tool: &str) -> bool {
    SHOWN.try_with(|shown| shown.as_deref() == Some(tool)).unwrap_or(false)
}

impl<H> Clone for HttpService<H> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), guard: self.guard.clone(), seats: self.seats.clone() }
    }
}

impl<H> std::fmt::Debug for HttpService<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpService").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<H, B> Service<Request<B>> for HttpService<H>
where
    H: ServerHandler,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}
