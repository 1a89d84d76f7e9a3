//! Refusals as problem documents (RFC 9457): the only place that knows their HTTP statuses.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use scopegate_core::{Denial, DenyCode, Detail, Hold, Refusal, Timestamp};
use serde::Serialize;

use crate::clock;
use crate::fault::{Fault, Stop};

/// How soon to ask again about a held call, in seconds.
const POLL_AFTER: u64 = 2;
/// How soon to ask again when there was no answer, in seconds.
const TRY_AFTER: u64 = 1;

/// The members of a problem document.
#[derive(Serialize)]
struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<scopegate_core::Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_guidance: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<Review>,
}

#[derive(Serialize)]
struct Review {
    id: String,
    expires_at: String,
}

/// The response to a request that goes no further. Never stored by caches.
pub(super) fn response<B: From<Bytes>>(stop: &Stop, reviews_at: &str) -> Response<B> {
    let status = status(stop);
    let mut response = Response::new(B::from(body(stop, status)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in hints(stop, status, reviews_at) {
        headers.insert(name, value);
    }
    response
}

/// The response for a fault, where no extractor is at hand.
#[cfg(feature = "axum")]
pub(crate) fn problem<B: From<Bytes>>(fault: Fault) -> Response<B> {
    response(&fault.into(), "")
}

fn status(stop: &Stop) -> StatusCode {
    match stop {
        Stop::Refused(Refusal::Held(_)) => StatusCode::ACCEPTED,
        Stop::Refused(Refusal::Undecided(_)) => StatusCode::SERVICE_UNAVAILABLE,
        Stop::Refused(Refusal::Denied(denial)) => match denial.code {
            code if names_nobody(code) => StatusCode::UNAUTHORIZED,
            DenyCode::RateLimitExceeded | DenyCode::McpRateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            DenyCode::AuditUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        },
        Stop::Fault(fault) => match fault {
            Fault::NoSession => StatusCode::UNAUTHORIZED,
            Fault::TwoCredentials
            | Fault::NoTool
            | Fault::NotToolsCall(_)
            | Fault::LookAlike(_)
            | Fault::Query
            | Fault::Interrupted
            | Fault::Body(_) => StatusCode::BAD_REQUEST,
            Fault::ArgumentsHidden(_) => StatusCode::FORBIDDEN,
            Fault::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Fault::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::Encoded | Fault::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Fault::NoPlace(_) | Fault::Duty | Fault::NoPermit => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

/// Whether a denial says that the token stands for no living session.
pub(crate) fn names_nobody(code: DenyCode) -> bool {
    matches!(
        code,
        DenyCode::JwtInvalid | DenyCode::JwtExpired | DenyCode::SessionExpired | DenyCode::SessionRevoked
    )
}

fn body(stop: &Stop, status: StatusCode) -> Bytes {
    let denied = match stop {
        Stop::Refused(Refusal::Denied(denial)) => Some(denial),
        _ => None,
    };
    let problem = Problem {
        r#type: format!("urn:scopegate:problem:{}", stop.code().to_ascii_lowercase().replace('_', "-")),
        title: title(status),
        status: status.as_u16(),
        detail: stop.words(),
        code: stop.code(),
        severity: denied.map(Denial::severity),
        retry_guidance: denied.map(Denial::retry_guidance),
        review: review(stop),
    };
    serde_json::to_vec(&problem).unwrap_or_default().into()
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::ACCEPTED => "A person has to agree first",
        StatusCode::UNAUTHORIZED => "No valid session",
        StatusCode::FORBIDDEN => "Tool call denied",
        StatusCode::TOO_MANY_REQUESTS => "Rate limit reached",
        StatusCode::SERVICE_UNAVAILABLE => "No decision",
        StatusCode::INTERNAL_SERVER_ERROR => "Tool not available",
        _ => "Not a tool call",
    }
}

fn review(stop: &Stop) -> Option<Review> {
    let (id, expires_at) = match stop {
        Stop::Refused(Refusal::Held(Hold { review, expires_at, .. })) => (review, expires_at),
        Stop::Refused(Refusal::Denied(denial)) => match &denial.detail {
            Detail::Review(review, until) => (review, until),
            _ => return None,
        },
        Stop::Refused(Refusal::Undecided(_)) | Stop::Fault(_) => return None,
    };
    Some(Review { id: id.to_string(), expires_at: expires_at.to_string() })
}

/// The headers that tell the caller how to go on.
fn hints(stop: &Stop, status: StatusCode, reviews_at: &str) -> Vec<(HeaderName, HeaderValue)> {
    let mut hints = Vec::new();
    if let Some(seconds) = retry_after(stop, clock::now()) {
        hints.push((RETRY_AFTER, HeaderValue::from(seconds)));
    }
    if status == StatusCode::UNAUTHORIZED {
        let challenge = match stop {
            Stop::Refused(_) => "Bearer error=\"invalid_token\"",
            Stop::Fault(_) => "Bearer",
        };
        hints.push((WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
    }
    if let Stop::Refused(Refusal::Held(hold)) = stop
        && let Ok(location) = HeaderValue::try_from(format!("{reviews_at}{}", hold.review))
    {
        hints.push((LOCATION, location));
    }
    if let Stop::Fault(Fault::Encoded) = stop {
        hints.push((ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    }
    hints
}

/// When asking again makes sense, in whole seconds from now.
pub(crate) fn retry_after(stop: &Stop, now: Timestamp) -> Option<u64> {
    match stop {
        Stop::Refused(Refusal::Held(_)) => Some(POLL_AFTER),
        Stop::Refused(Refusal::Undecided(_)) => Some(TRY_AFTER),
        Stop::Refused(Refusal::Denied(denial)) => match (denial.code, &denial.detail) {
            (_, Detail::Until(until) | Detail::Limit(_, until)) => {
                Some(clock::whole_seconds(now.until(*until)))
            }
            (DenyCode::RateLimitExceeded | DenyCode::AuditUnavailable, _) => Some(TRY_AFTER),
            _ => None,
        },
        Stop::Fault(_) => None,
    }
}
