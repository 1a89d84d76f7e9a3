//! Reads a body once, strictly, and hands on what was read.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, TRAILER, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request};
use http_body::Body;
use http_body_util::combinators::Collect;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use pin_project_lite::pin_project;
use scopegate_core::json::Document;
use scopegate_core::{Args, ToolCall};
use tokio::time::{Sleep, sleep};

use super::{Head, Http};
use crate::fault::Fault;

type BoxError = Box<dyn Error + Send + Sync>;

/// Headers that describe the bytes of the wire, which are not handed on.
const OF_THE_BYTES: [HeaderName; 6] = [
    TRANSFER_ENCODING,
    TRAILER,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

pin_project! {
    /// Reads one body, up to a limit and a deadline. Needs a tokio runtime with timers.
    pub struct ReadBody<B>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        #[pin]
        body: Collect<Limited<B>>,
        #[pin]
        deadline: Sleep,
        // What is known before reading; `None` once the future is done.
        rest: Option<Result<Rest, Fault>>,
    }
}

/// A request while its body is read.
struct Rest {
    http: Http,
    parts: Parts,
    call: Option<ToolCall>,
}

impl<B> ReadBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(http: Http, request: Request<B>, call: Option<ToolCall>) -> Self {
        let acceptable = acceptable(&http, &request);
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, http.0.body_limit).collect();
        let deadline = sleep(http.0.body_deadline);
        Self { body, deadline, rest: Some(acceptable.map(|()| Rest { http, parts, call })) }
    }
}

/// Whether a body is worth reading, as far as its head says.
fn acceptable<B: Body>(http: &Http, request: &Request<B>) -> Result<(), Fault> {
    let limit = http.0.body_limit;
    if !http.0.allow_query && request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Fault::Query);
    }
    if request.body().is_end_stream() {
        return Ok(());
    }
    if request.headers().get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(Fault::Encoded);
    }
    media_type(request.headers())?;
    if request.body().size_hint().lower() > limit as u64 {
        return Err(Fault::TooLarge(limit));
    }
    Ok(())
}

/// The media type without parameters, if it is JSON or not given. Anything else might be read
/// differently by the handler than it was judged here.
fn media_type(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (types.next(), types.next());
    let Some(first) = first else { return Ok(None) };
    let text = first.to_str().map_err(|_| Fault::NotJson)?;
    let essence = text.split(';').next().unwrap_or_default().trim();
    let lower = essence.to_ascii_lowercase();
    let json = lower == "application/json" || (lower.starts_with("application/") && lower.ends_with("+json"));
    if json && second.is_none() { Ok(Some(essence)) } else { Err(Fault::NotJson) }
}

impl<B> Future for ReadBody<B>
where
    B: Body + From<Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<(Request<B>, ToolCall), Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(Err(fault)) = this.rest {
            return Poll::Ready(Err(fault.clone()));
        }
        let read = match this.body.poll(cx) {
            Poll::Ready(read) => read,
            Poll::Pending if this.deadline.poll(cx).is_ready() => return Poll::Ready(Err(Fault::TooSlow)),
            Poll::Pending => return Poll::Pending,
        };
        let Some(Ok(rest)) = this.rest.take() else { return Poll::Pending };
        Poll::Ready(match read {
            Ok(collected) => rest.read(collected.to_bytes()),
            Err(error) if is_too_large(&*error) => Err(Fault::TooLarge(rest.http.0.body_limit)),
            Err(_) => Err(Fault::Interrupted),
        })
    }
}

impl Rest {
    /// The call in a body, and the request with what was read of it.
    fn read<B: From<Bytes>>(self, text: Bytes) -> Result<(Request<B>, ToolCall), Fault> {
        let empty = text.is_empty();
        let text = if empty { Bytes::from_static(b"{}") } else { text };
        let (call, body) = match (Document::read(text), &self.call) {
            (Ok(document), _) => {
                let body = if empty { Bytes::new() } else { document.root().to_json().into() };
                (self.call_in(document)?, body)
            }
            // JSON that is refused: the gate says so, and it is on record. Nothing is handed on.
            (Err(error), Some(call)) if !error.is_unreadable() => {
                (call.clone().with_args(Args::refused(error)), Bytes::new())
            }
            (Err(error), _) => return Err(Fault::Body(error)),
        };
        let parts = self.describe(&body);
        Ok((Request::from_parts(parts, B::from(body)), call))
    }

    fn call_in(&self, document: Document) -> Result<ToolCall, Fault> {
        let settings = &self.http.0;
        let mut call = match &self.call {
            Some(call) => call.clone(),
            None => settings.tool.in_body(&document)?,
        };
        settings.complete(&mut call);
        let mut call = settings.args.in_body(call, document)?;
        settings.args.in_head(&mut call, &Head::of_parts(&self.parts));
        Ok(call)
    }

    /// The headers, describing the body that is handed on.
    fn describe(self, body: &Bytes) -> Parts {
        let mut parts = self.parts;
        for name in OF_THE_BYTES {
            parts.headers.remove(name);
        }
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if !body.is_empty() {
            let essence = media_type(&parts.headers).ok().flatten().unwrap_or("application/json");
            // Without its parameters: the text is UTF-8, whatever a `charset` said.
            if let Ok(essence) = HeaderValue::from_str(essence) {
                parts.headers.insert(CONTENT_TYPE, essence);
            }
        }
        parts
    }
}

/// A limit further out wraps its error in others.
fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_too_large)
}

impl<B> fmt::Debug for ReadBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBody").finish_non_exhaustive()
    }
}
