//! Bodies of this dialect, strictly read.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use scopegate_core::json::Document;
use serde_json::{Map, Value};

use crate::domain::Failure;
use crate::routes::refusal;

/// A JSON object without duplicate members. An empty body is the empty object.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let refused =
            |rejection: BytesRejection| refusal(rejection.status(), "BODY_NOT_READ", &rejection.body_text());
        let body = Bytes::from_request(request, state).await.map_err(refused)?;
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        let malformed = |why: String| Failure::Malformed(format!("the body: {why}")).into_response();
        let document = Document::read(body).map_err(|error| malformed(error.to_string()))?;
        match document.root().to_value() {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(malformed("must be a JSON object".to_owned())),
        }
    }
}
