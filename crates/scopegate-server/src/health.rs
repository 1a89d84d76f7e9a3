//! Whether the plane can do its work, and how much it has done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::openapi::Doc;
use crate::plane::Plane;

/// The format of the metrics.
const METRICS: &str = "application/openmetrics-text";

/// Whether the plane can do its work.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// `ok` or `failed`.
    status: &'static str,
    version: &'static str,
    /// When an answer goes out: `durable` or `buffered`.
    audit: &'static str,
    /// Why changes cannot be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Green while the log can be written.
pub(crate) async fn healthz(plane: State<Arc<Plane>>) -> Response {
    let reason = plane.writer.failure().borrow().as_deref().map(str::to_owned);
    let (code, status) = match reason {
        None => (StatusCode::OK, "ok"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    let audit = if plane.config.buffered { "buffered" } else { "durable" };
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION"), audit, reason })).into_response()
}

pub(crate) fn healthz_doc() -> Doc {
    Doc::new("Whether the plane can do its work")
        .gives::<Health>(200, "It can")
        .gives::<Health>(503, "Changes cannot be kept")
}

/// Prometheus's text format.
pub(crate) async fn metrics(plane: State<Arc<Plane>>) -> Response {
    let kind = format!("{METRICS}; version=1.0.0; charset=utf-8");
    ([(CONTENT_TYPE, kind)], plane.metrics.text()).into_response()
}

pub(crate) fn metrics_doc() -> Doc {
    Doc::new("Counts, for Prometheus").tells(METRICS, "In its text format")
}
