//! What only axum knows: route parameters, the matched route, and extractors.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ::axum::body::Body;
use ::axum::extract::rejection::RawPathParamsRejection;
use ::axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use ::axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, Method, Request};
use scopegate_core::{Name, Permitted, ToolCall};

use crate::fault::Fault;
use crate::http::problem;
use crate::slot::PermitSlot;

/// The route parameter of a name, decoded by axum itself, so that the gate and the handler cannot
/// disagree about it.
pub(crate) fn route_param(extensions: &mut Extensions, name: &str) -> Result<Name, Fault> {
    let params = params(extensions).map_err(|rejection| match rejection {
        RawPathParamsRejection::InvalidUtf8InPathParam(_) => Fault::NoTool,
        _ => no_param(name),
    })?;
    let mut values = params.iter().filter(|(key, _)| *key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.into()),
        _ => Err(no_param(name)),
    }
}

fn no_param(name: &str) -> Fault {
    Fault::NoPlace(format!("route parameter `{name}`").into())
}

/// axum reads parameters out of `Parts`, of which we have only the extensions.
fn params(extensions: &mut Extensions) -> Result<RawPathParams, RawPathParamsRejection> {
    let mut parts = Request::new(()).into_parts().0;
    mem::swap(&mut parts.extensions, extensions);
    let params = {
        let extracted = pin!(RawPathParams::from_request_parts(&mut parts, &()));
        match extracted.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(params) => Some(params),
            Poll::Pending => None, // it awaits nothing
        }
    };
    mem::swap(&mut parts.extensions, extensions);
    match params {
        Some(params) => params,
        None => Err(RawPathParamsRejection::MissingPathParams(Default::default())),
    }
}

/// Method and matched route, in letters that a policy can name.
pub(crate) fn matched_path(method: &Method, extensions: &Extensions) -> Result<Name, Fault> {
    let path = extensions.get::<MatchedPath>().ok_or(Fault::NoPlace("matched route".into()))?;
    Ok(operation(method, path.as_str()))
}

fn operation(method: &Method, path: &str) -> Name {
    let path = path.replace("{*", ":").replace('{', ":").replace('}', "");
    format!("{method}:{path}").into()
}

/// An axum extractor that takes the permit of this request out of its [`PermitSlot`]: the handler
/// then runs on the very arguments that were judged, and reports the outcome.
///
/// Without a [`ScopeLayer`](crate::ScopeLayer) around the handler that hands the permit on
/// ([`Http::hand_permit`](crate::Http::hand_permit)), or when the permit was taken before, it
/// answers 500 and the handler does not run.
///
/// # Examples
/// ```
/// use scopegate_core::Outcome;
/// use scopegate_tower::TakenPermit;
///
/// async fn wire(TakenPermit(permitted): TakenPermit) -> String {
///     let arguments = permitted.call().args.to_json();
///     // … send the money …
///     permitted.complete(Outcome::Ok);
///     format!("sent: {arguments:?}")
/// }
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "handlers take it apart")]
pub struct TakenPermit(pub Permitted<ToolCall>);

impl<S: Sync> FromRequestParts<S> for TakenPermit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let slot = parts.extensions.get::<PermitSlot>();
        slot.and_then(PermitSlot::take).map(Self).ok_or(Fault::NoPermit)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        problem::<Body>(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_an_operation() {
        for (method, path, name) in [
            (Method::GET, "/orders", "GET:/orders"),
            (Method::POST, "/orders/{id}/refund", "POST:/orders/:id/refund"),
            (Method::DELETE, "/files/{*path}", "DELETE:/files/:path"),
        ] {
            assert_eq!(operation(&method, path), name);
        }
    }
}
