//! Whether the plane can do its work, and how much it has done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::plane::Plane;

/// Green while the log can be written.
pub(crate) async fn healthz(plane: State<Arc<Plane>>) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let failure = plane.writer.failure().borrow().clone();
    match failure {
        None => {
            let audit = if plane.config.buffered { "buffered" } else { "durable" };
            Json(json!({ "status": "ok", "version": version, "audit": audit })).into_response()
        }
        Some(why) => {
            let body = json!({ "status": "failed", "version": version, "reason": &*why });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// Prometheus's text format.
pub(crate) async fn metrics(plane: State<Arc<Plane>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], plane.metrics.text()).into_response()
}
