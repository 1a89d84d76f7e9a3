//! Requests of this dialect that cannot be answered with a verdict.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::domain::Failure;
use crate::routes::refusal;

/// The words are for people; clients look at the status.
impl Failure {
    pub(super) fn response(&self) -> Response {
        let (status, code) = match self {
            Self::Malformed(_) | Self::Invalid(_) => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            Self::Unknown(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "CONFLICT"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        };
        refusal(status, code, &self.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.response()
    }
}
