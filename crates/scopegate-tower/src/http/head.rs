//! A request without its body.

use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, Uri};

/// What an extractor sees of a request: everything but the body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Head<'r> {
    /// The method.
    pub method: &'r Method,
    /// The target. Inside a nested axum router it lacks the prefix.
    pub uri: &'r Uri,
    /// The headers: the caller's words, to be believed like the body.
    pub headers: &'r HeaderMap,
    /// What layers further out have found.
    pub extensions: &'r Extensions,
}

impl<'r> Head<'r> {
    pub(crate) fn of<B>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    pub(crate) fn of_parts(parts: &'r Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            extensions: &parts.extensions,
        }
    }
}
