//! tower_governor: its layer, keyed by a header, above what the bare service costs.

use ::tower_governor::governor::GovernorConfigBuilder;
use ::tower_governor::key_extractor::KeyExtractor;
use ::tower_governor::{GovernorError, GovernorLayer};
use axum_core::body::Body;
use http::Request;
use tower_layer::Layer;

use crate::harness::Item;
use crate::service::{self, Bare};

pub(super) fn items() -> Vec<Item> {
    let build = || {
        let mut config = GovernorConfigBuilder::default().key_extractor(Session);
        let config = config.per_nanosecond(1).burst_size(u32::MAX).finish().ok_or("a quota of nothing")?;
        Ok(GovernorLayer::new(config).layer(Bare::<Body>::new()))
    };
    vec![bare(), service::item("tower_governor/header", build, service::request).over(bare())]
}

/// The service without any layer, answering in the body that tower_governor answers in.
pub fn bare() -> Item {
    service::item("tower/bare", || Ok(Bare::<Body>::new()), service::request)
}

/// Limits by the session header.
#[derive(Clone, Copy, Debug)]
struct Session;

impl KeyExtractor for Session {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
        let header = request.headers().get(service::SESSION).and_then(|value| value.to_str().ok());
        header.map(String::from).ok_or(GovernorError::UnableToExtractKey)
    }
}
