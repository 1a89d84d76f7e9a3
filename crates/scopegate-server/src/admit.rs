//! The way in to a route: a key of a kind that may take it, and a body that is whole, not too
//! long, and JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::auth::{Caller, Stranger};
use crate::keys::Kind;
use crate::plane::Plane;
use crate::routes::refusal;
use crate::shell;

/// How long a body may take.
const BODY: Duration = Duration::from_secs(10);

/// Who may take a route, and how long its bodies may be.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) plane: Arc<Plane>,
    pub(crate) kinds: &'static [Kind],
    pub(crate) max_body: usize,
}

/// Why a request is not let through.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// Lets a request through whose key may take the route, and tells the handler who calls.
pub(crate) async fn admit(State(way): State<Way>, request: Request, next: Next) -> Response {
    let had_body = shell::has_body(&request);
    let admitted = match recognise(&way, request.headers()).await {
        Ok(caller) => take_in(request, way.max_body).await.map(|request| (caller, request)),
        Err(refused) => Err(refused),
    };
    match admitted {
        Ok((caller, mut request)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => shell::unread(had_body, refused.into_response()),
    }
}

async fn recognise(way: &Way, headers: &HeaderMap) -> Result<Caller, Refused> {
    let (caller, proof) = way.plane.caller(headers)?;
    shell::log_caller(caller.tenant.as_str(), caller.signed_by());
    if way.kinds.contains(&caller.kind) {
        if let Some(proof) = proof {
            way.plane.spend(&caller, &proof).await?;
        }
        return Ok(caller);
    }
    let kinds: Vec<&str> = way.kinds.iter().map(|kind| kind.word()).collect();
    let why = format!("this needs a key of kind {}; yours is {}", kinds.join(" or "), caller.kind);
    Err(Refused::new(StatusCode::FORBIDDEN, "FORBIDDEN", why))
}

/// The request with its body at hand.
async fn take_in(request: Request, most: usize) -> Result<Request, Refused> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    refuse_encoded(&parts.headers)?;
    let unread = |status, why: &str| Err(Refused::new(status, "BODY_NOT_READ", why));
    match tokio::time::timeout(BODY, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, Body::from(body.to_bytes()))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let why = format!("a body of this route has at most {most} bytes");
            Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", why))
        }
        Ok(Err(_)) => unread(StatusCode::BAD_REQUEST, "the body ended too early"),
        Err(_) => unread(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
    }
}

/// Only JSON as it stands: what another reader could make of it is not for us to guess.
fn refuse_encoded(headers: &HeaderMap) -> Result<(), Refused> {
    let unsupported =
        |why: &str| Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", why));
    let text =
        |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    if text(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return unsupported("bodies are taken unencoded");
    }
    match text(header::CONTENT_TYPE) {
        Some(kind) if !is_json(&kind) => unsupported("bodies are JSON: `Content-Type: application/json`"),
        _ => Ok(()),
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim_end();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl From<Stranger> for Refused {
    fn from(stranger: Stranger) -> Self {
        match stranger {
            Stranger::Two => Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", stranger.to_string()),
            Stranger::Unkept => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", stranger.to_string())
            }
            _ => Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", stranger.to_string()),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = refusal(self.status, self.code, &self.message);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"scopegate\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Only behind [`admit`], which has put it there.
impl FromRequestParts<Arc<Plane>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Plane>) -> Result<Self, Response> {
        let missing = || Refused::from(Stranger::Missing).into_response();
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::{Bytes, HttpBody};
    use http_body::Frame;

    use super::*;

    /// A body of which nothing ever comes.
    struct Endless;

    impl HttpBody for Endless {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_its_time_and_no_more() {
        let began = tokio::time::Instant::now();
        let refused = take_in(Request::new(Body::new(Endless)), 1).await.err().map(|refused| refused.status);
        assert_eq!(refused, Some(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(began.elapsed(), BODY);
    }

    #[tokio::test]
    async fn a_body_has_its_length_and_no_more() {
        for (length, taken) in [(0, true), (4, true), (5, false)] {
            let request = Request::new(Body::from("x".repeat(length)));
            assert_eq!(take_in(request, 4).await.is_ok(), taken, "{length}");
        }
    }

    #[test]
    fn json_by_its_name() {
        for (kind, json) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("application/json ;x", true),
            ("application/problem+json", true),
            ("text/json", false),
            ("application/jsonx", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            assert_eq!(is_json(kind), json, "{kind}");
        }
    }
}
