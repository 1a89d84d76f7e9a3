//! Who asks.

use http::request::Parts;
use rmcp::model::Extensions;
use scopegate_adapter::Caller;
use scopegate_core::{Principal, Unready};

/// Whom a guard asks the gate for.
#[derive(Clone)]
pub(crate) enum Asks {
    /// The same in every request.
    Always(Caller),
    /// Whoever a layer further out has verified, request by request.
    Request,
}

impl Asks {
    pub(crate) fn whom(&self, extensions: &Extensions) -> Result<Caller, Unready> {
        match self {
            Self::Always(caller) => Ok(caller.clone()),
            Self::Request => {
                let principal = extensions.get::<Parts>().and_then(verified);
                principal.cloned().map(Caller::One).ok_or(Unready::NoSession)
            }
        }
    }
}

/// The principal that a layer further out has verified. An extension is a value in this process:
/// nothing that a client sends becomes one.
pub(crate) fn verified(parts: &Parts) -> Option<&Principal> {
    parts.extensions.get()
}
