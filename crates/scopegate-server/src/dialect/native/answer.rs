//! What our own clients are told of a decision beside what every client is.

use schemars::JsonSchema;
use scopegate_core::{Denial, Detail, Timestamp, Window};
use serde::Serialize;

use crate::openapi::DateTime;

/// How long a denial lasts.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Lasts {
    #[schemars(with = "DateTime")]
    until: Timestamp,
    /// The limit that is used up: `minute` or `hour`.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<&'static str>,
}

impl Lasts {
    /// Where that is known.
    pub(in crate::dialect) fn of(denial: &Denial) -> Option<Self> {
        match denial.detail {
            Detail::Limit(Window::Minute, until) => Some(Self { until, window: Some("minute") }),
            Detail::Limit(Window::Hour, until) => Some(Self { until, window: Some("hour") }),
            Detail::Until(until) | Detail::Review(_, until) => Some(Self { until, window: None }),
            _ => None,
        }
    }
}
