//! Refusals as gRPC statuses: the only place that knows their codes.

use http::HeaderMap;
use scopegate_core::{DenyCode, Refusal};
use tonic::metadata::{Ascii, MetadataKey, MetadataMap};
use tonic::{Code, Status};

use crate::clock;
use crate::fault::{Fault, Stop};
use crate::http::{names_nobody, retry_after};

impl From<Stop> for Status {
    fn from(stop: Stop) -> Self {
        Self::with_metadata(code(&stop), stop.words(), metadata(&stop))
    }
}

fn code(stop: &Stop) -> Code {
    match stop {
        Stop::Refused(Refusal::Held(_)) => Code::FailedPrecondition,
        Stop::Refused(Refusal::Undecided(_)) => Code::Unavailable,
        Stop::Refused(Refusal::Denied(denial)) => match denial.code {
            code if names_nobody(code) => Code::Unauthenticated,
            DenyCode::RateLimitExceeded | DenyCode::McpRateLimitExceeded => Code::ResourceExhausted,
            DenyCode::AuditUnavailable => Code::Unavailable,
            _ => Code::PermissionDenied,
        },
        Stop::Fault(Fault::NoSession) => Code::Unauthenticated,
        Stop::Fault(Fault::TwoCredentials) => Code::InvalidArgument,
        Stop::Fault(Fault::Duty | Fault::NoPermit) => Code::Internal,
        Stop::Fault(_) => Code::PermissionDenied,
    }
}

/// What a program needs to go on: the code, when to ask again, and the review it waits for.
fn metadata(stop: &Stop) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    set(&mut metadata, "scopegate-code", stop.code());
    if let Some(seconds) = retry_after(stop, clock::now()) {
        set(&mut metadata, "grpc-retry-pushback-ms", &seconds.saturating_mul(1000).to_string());
    }
    if let Stop::Refused(Refusal::Held(hold)) = stop {
        set(&mut metadata, "scopegate-review", &hold.review.to_string());
        set(&mut metadata, "scopegate-review-expires-at", &hold.expires_at.to_string());
    }
    metadata
}

fn set(metadata: &mut MetadataMap, key: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        metadata.insert(MetadataKey::<Ascii>::from_static(key), value);
    }
}

/// Whether the head of a response carries no failure.
pub(super) fn is_ok(headers: &HeaderMap) -> bool {
    headers.get("grpc-status").is_none_or(|status| status == "0")
}
