//! What surrounds every route: a request id, a span for the logs, room for so many requests at a
//! time, an answer even when a handler panics, and nothing that anyone may keep.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use scopegate_core::json::MAX_TEXT;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::field::Empty;
use tracing::{Instrument as _, Level, Span};

use crate::dialect::xybern;
use crate::plane::Plane;
use crate::routes::refusal;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer ids of callers are replaced.
const MAX_ID: usize = 64;
/// How long the rest of a body is waited for that nobody wants.
const MOMENT: Duration = Duration::from_millis(100);
/// Operators look at these most when there is no room for anything else.
const ALWAYS: [&str; 2] = ["/healthz", "/metrics"];

/// Puts the shell around routes. What stands last is reached first.
pub(crate) fn surround<S: Clone + Send + Sync + 'static>(routes: Router<S>, plane: &Arc<Plane>) -> Router<S> {
    routes.layer(CatchPanicLayer::custom(panicked)).layer(from_fn_with_state(plane.clone(), identify))
}

/// Names the request, for its answer and for every line that is logged on the way.
async fn identify(State(plane): State<Arc<Plane>>, request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(made);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let named = id.to_str().unwrap_or_default().to_owned();
    let span = tracing::info_span!("request", id = named, %method, path, tenant = Empty, key = Empty);
    let in_xybern = xybern::serves(request.uri().path());
    let mut response = make_room(&plane, request, next).instrument(span.clone()).await;
    if in_xybern {
        response = xybern::dress(response);
    }
    span.in_scope(|| log(response.status()));
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    // A decision is spent when it is given, and nothing else here is anyone's to keep.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Adds who asks to the lines of this request. Ids only: no secret is ever logged.
pub(crate) fn log_caller(tenant: &str, key: &str) {
    Span::current().record("tenant", tenant).record("key", key);
}

/// The log of decisions is elsewhere, so an answer is told at `debug`, and louder if it is none.
fn log(status: StatusCode) {
    let code = status.as_u16();
    if status.is_server_error() {
        tracing::event!(Level::WARN, status = code, "not answered");
    } else if status.is_client_error() {
        tracing::event!(Level::INFO, status = code, "refused");
    } else {
        tracing::event!(Level::DEBUG, status = code, "answered");
    }
}

/// The caller's own id, if it is short and can stand in a log.
fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let bytes = id.as_bytes();
    ((1..=MAX_ID).contains(&bytes.len()) && bytes.iter().all(plain)).then(|| id.clone())
}

/// An id that no other request of this plane has had.
fn made() -> HeaderValue {
    static PROCESS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let process = PROCESS.get_or_init(|| crate::setup::random_53_bits().unwrap_or_default());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    HeaderValue::from_str(&format!("{process:014x}-{count}"))
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Whether there is something that whoever refuses a request leaves unread.
pub(crate) fn has_body(request: &Request) -> bool {
    !request.body().is_end_stream()
}

/// The answer to a request whose body nobody has read to its end, if it had one: nothing can follow on
/// that connection, and the client is told so.
pub(crate) fn unread(had_body: bool, mut response: Response) -> Response {
    if had_body {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether a body that nobody wants is read to its end: what is there already costs less than another
/// connection would.
async fn read_out(request: Request) -> bool {
    let mut body = Limited::new(request.into_body(), MAX_TEXT);
    let end = async {
        while let Some(frame) = body.frame().await {
            frame.ok()?;
        }
        Some(())
    };
    matches!(timeout(MOMENT, end).await, Ok(Some(())))
}

/// Turns a request away at once when too many are being answered: waiting would make all of them late.
async fn make_room(plane: &Plane, request: Request, next: Next) -> Response {
    let _place = match plane.room.try_acquire() {
        _ if ALWAYS.contains(&request.uri().path()) => None,
        Ok(place) => Some(place),
        Err(_) => {
            plane.metrics.shed();
            let mut response = refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "OVERLOADED",
                "too many requests at a time; try again",
            );
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            return unread(!read_out(request).await, response);
        }
    };
    next.run(request).await
}

/// A panic was told on standard error; whoever waits is told that there is no answer.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the plane failed at this request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_taken_when_it_is_harmless() {
        let long = "a".repeat(MAX_ID);
        let longer = "a".repeat(MAX_ID + 1);
        for (id, taken) in [
            ("abc-1_2.3", true),
            (long.as_str(), true),
            (longer.as_str(), false),
            ("", false),
            ("a b", false),
            ("a\tb", false),
            ("a\"b", false),
            ("{}", false),
        ] {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]);
            assert_eq!(given(&headers).is_some(), taken, "{id}");
        }
        assert_eq!(given(&HeaderMap::new()), None);
        assert_ne!(made(), made());
    }
}
