//! What a refusal looks like in this dialect.

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::routes::Message;

/// A request that was not done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernRefusal")]
pub(crate) struct Refusal<'a> {
    ok: bool,
    error: &'a str,
}

/// A refusal of the plane in this dialect's form, whoever refused; other answers as they are.
pub(crate) fn dress(response: Response) -> Response {
    let Some(Message(error)) = response.extensions().get::<Message>().cloned() else { return response };
    let Ok(body) = serde_json::to_vec(&Refusal { ok: false, error: &error }) else { return response };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::response::IntoResponse as _;
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::routes::refusal;

    async fn read(response: Response) -> (StatusCode, Value) {
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_refusal_says_that_it_is_none_and_why() {
        let refused = refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "no such agent");
        let told = read(dress(refused)).await;
        assert_eq!(told, (StatusCode::NOT_FOUND, json!({ "ok": false, "error": "no such agent" })));
        let answer = axum::Json(json!({ "ok": true })).into_response();
        assert_eq!(read(dress(answer)).await, (StatusCode::OK, json!({ "ok": true })));
    }
}
