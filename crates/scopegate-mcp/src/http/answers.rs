//! Answers to requests that are not handed on.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError};
use rmcp::ErrorData;
use rmcp::model::{JsonRpcError, RequestId};

use super::Answer;
use crate::frame::Refused;

pub(super) fn unauthenticated() -> Box<Answer> {
    let mut answer =
        answer(StatusCode::UNAUTHORIZED, None, ErrorData::invalid_request("nobody says who asks", None));
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

/// In the words of rmcp, for a session that there is not.
pub(super) fn no_such_session() -> Box<Answer> {
    let body = Full::new(Bytes::from_static(b"Not Found: Session not found")).boxed();
    let mut answer = Box::new(Response::new(body));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

pub(super) fn mismatch(why: String) -> Box<Answer> {
    mismatch_of(None, why)
}

pub(super) fn mismatch_of(id: Option<RequestId>, why: String) -> Box<Answer> {
    answer(StatusCode::BAD_REQUEST, id, ErrorData::header_mismatch(why, None))
}

pub(super) fn unreadable(error: &(dyn std::error::Error + 'static)) -> Box<Answer> {
    let (status, why) = match error.is::<LengthLimitError>() {
        true => (StatusCode::PAYLOAD_TOO_LARGE, "the message is too long"),
        false => (StatusCode::BAD_REQUEST, "the message broke off"),
    };
    answer(status, None, ErrorData::invalid_request(why, None))
}

pub(super) fn refused(refused: Refused) -> Box<Answer> {
    answer(StatusCode::BAD_REQUEST, refused.id, refused.error)
}

fn answer(status: StatusCode, id: Option<RequestId>, error: ErrorData) -> Box<Answer> {
    // An error of ours always has a form.
    let body = serde_json::to_vec(&JsonRpcError::new(id, error)).unwrap_or_default();
    let mut answer = Box::new(Response::new(Full::new(Bytes::from(body)).boxed()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
