//! Manifests, and the face that SpanForge's users know.

mod files;
mod manifests;

use scopegate_core::{Args, ToolCall};

/// A call that says what it does and to what, where these are not empty.
fn on(tool: &str, action: Option<&str>, resource: Option<&str>) -> ToolCall {
    let mut call = ToolCall::new(tool).with_args(Args::none());
    call.action = action.map(Into::into);
    call.resource = resource.map(Into::into);
    call
}
