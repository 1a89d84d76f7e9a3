//! Where the arguments stand.

use std::fmt;
use std::sync::Arc;

use scopegate_core::json::Document;
use scopegate_core::{Args, Name, ToolCall};

use super::{Head, pointer};
use crate::fault::Fault;

/// Where the arguments of a call stand. It must be where the handler takes them from.
#[derive(Clone)]
pub struct ArgsFrom(Place);

#[derive(Clone)]
enum Place {
    Body(Name),
    Closure(Arc<dyn Fn(&Head<'_>) -> Args + Send + Sync>),
}

impl ArgsFrom {
    /// The whole JSON body; an empty body is `{}`.
    pub fn body() -> Self {
        Self::json_pointer("")
    }

    /// The object at a JSON pointer (RFC 6901) into the body, such as `/arguments`; absent means
    /// `{}`.
    pub fn json_pointer(pointer: impl Into<Name>) -> Self {
        Self(Place::Body(pointer.into()))
    }

    /// Whatever the closure says, from everything but the body, which then streams through
    /// unread. The handler must use the arguments in its permit
    /// ([`Http::hand_permit`](super::Http::hand_permit)), or take them exactly as the closure does.
    pub fn from_fn(args: impl Fn(&Head<'_>) -> Args + Send + Sync + 'static) -> Self {
        Self(Place::Closure(Arc::new(args)))
    }

    /// Gives the call its arguments where they stand in the head.
    #[inline]
    pub(crate) fn in_head(&self, call: &mut ToolCall, head: &Head<'_>) {
        if let Place::Closure(find) = &self.0
            && call.args.is_unread()
        {
            call.args = find(head);
        }
    }

    /// The call, with its arguments where they stand in the body.
    pub(crate) fn in_body(&self, call: ToolCall, document: Document) -> Result<ToolCall, Fault> {
        let Place::Body(at) = &self.0 else { return Ok(call) };
        pointer::find(document.root(), at)?;
        Ok(call.with_args(Args::at_pointer(document, at)))
    }
}

impl fmt::Debug for ArgsFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Body(at) => write!(f, "Body({at})"),
            Place::Closure(_) => f.write_str("Closure"),
        }
    }
}
