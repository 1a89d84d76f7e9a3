//! What our own clients are told of a decision beside what every client is.

use scopegate_core::{Denial, Detail, Permit, Timestamp, Window};
use serde_json::{Value, json};

/// Names the record of a permit, so that its outcome can be told.
pub(in crate::dialect) fn name_permit(body: &mut Value, permit: &Permit) {
    add(body, "permit", json!(permit.id.number));
}

/// Says how long a denial lasts, where that is known.
pub(in crate::dialect) fn date_denial(body: &mut Value, denial: &Denial) {
    let (window, until): (Option<Window>, Timestamp) = match denial.detail {
        Detail::Limit(window, until) => (Some(window), until),
        Detail::Until(until) | Detail::Review(_, until) => (None, until),
        _ => return,
    };
    add(body, "until", json!(until));
    if let Some(window) = window {
        let window = match window {
            Window::Minute => "minute",
            Window::Hour => "hour",
        };
        add(body, "window", json!(window));
    }
}

fn add(body: &mut Value, member: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(member.to_owned(), value);
    }
}
