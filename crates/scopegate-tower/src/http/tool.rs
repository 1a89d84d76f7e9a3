//! Where the tool's name stands.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, Request};
use scopegate_core::json::{Document, Json};
use scopegate_core::{Name, ToolCall};

use super::{Head, pointer, rpc};
use crate::fault::Fault;

#[cfg(feature = "axum")]
use crate::axum::{matched_path, route_param};

/// The longest name a policy may use, in bytes.
const MAX_NAME: usize = 128;

/// Where the name of the tool stands in a request. It must be the place that decides which code
/// runs: a name that the handler does not dispatch on permits one tool and runs another.
#[derive(Clone)]
pub struct ToolFrom(Place);

/// Finds the call in a head.
type Finding = dyn Fn(&Head<'_>) -> Option<ToolCall> + Send + Sync;

#[derive(Clone)]
enum Place {
    Fixed(Name),
    RouteParam(Name),
    MatchedPath,
    Extension(fn(&Extensions) -> Option<Name>),
    Closure(Arc<Finding>),
    Pointer(Name),
    JsonRpc,
}

impl ToolFrom {
    /// All requests call this tool: for a layer around a single route.
    pub fn name(tool: impl Into<Name>) -> Self {
        Self(Place::Fixed(tool.into()))
    }

    /// The route parameter of this name (axum), percent-decoded exactly as the handler sees it.
    pub fn route_param(name: impl Into<Name>) -> Self {
        Self(Place::RouteParam(name.into()))
    }

    /// Method and matched route (axum): `POST /orders/{id}/refund` is the tool
    /// `POST:/orders/:id/refund`. The method is part of it, because `GET` and `DELETE` of one path
    /// are two tools.
    pub const fn matched_path() -> Self {
        Self(Place::MatchedPath)
    }

    /// The text of a `T` that a layer further out has put among the request's extensions.
    pub fn extension<T: AsRef<str> + Send + Sync + 'static>() -> Self {
        Self(Place::Extension(|extensions| extensions.get::<T>().map(|tool| tool.as_ref().into())))
    }

    /// Whatever the closure says. It may fill in more than the name; `None` refuses the request.
    pub fn from_fn(tool: impl Fn(&Head<'_>) -> Option<ToolCall> + Send + Sync + 'static) -> Self {
        Self(Place::Closure(Arc::new(tool)))
    }

    /// The string at a JSON pointer (RFC 6901) into the body, such as `/tool`. The body is then
    /// always read.
    pub fn json_pointer(pointer: impl Into<Name>) -> Self {
        Self(Place::Pointer(pointer.into()))
    }

    pub(crate) const fn json_rpc() -> Self {
        Self(Place::JsonRpc)
    }

    /// Fills in the call, if it stands in the head; `false` says to read the body.
    #[inline]
    pub(crate) fn in_head<B>(&self, request: &mut Request<B>, call: &mut ToolCall) -> Result<bool, Fault> {
        match &self.0 {
            Place::Fixed(name) => call.tool = name.clone(),
            Place::RouteParam(name) => call.tool = route_param(request.extensions_mut(), name)?,
            Place::MatchedPath => call.tool = matched_path(request.method(), request.extensions())?,
            Place::Extension(find) => {
                call.tool = find(request.extensions())
                    .ok_or(Fault::NoPlace("extension of the tool's type".into()))?;
            }
            Place::Closure(find) => *call = find(&Head::of(request)).ok_or(Fault::NoTool)?,
            Place::Pointer(_) | Place::JsonRpc => return Ok(false),
        }
        named(&call.tool).map(|()| true)
    }

    /// The call that stands in a body.
    pub(crate) fn in_body(&self, document: &Document) -> Result<ToolCall, Fault> {
        let name = match &self.0 {
            Place::Pointer(at) => pointer::find(document.root(), at)?,
            Place::JsonRpc => Some(rpc::tool(document.root())?),
            _ => None,
        };
        match name.map(|name| name.get()) {
            Some(Json::String(name)) => named(&name).map(|()| ToolCall::new(&*name)),
            _ => Err(Fault::NoTool),
        }
    }
}

/// A name that no policy can use is no name.
#[inline]
fn named(name: &str) -> Result<(), Fault> {
    if (1..=MAX_NAME).contains(&name.len()) { Ok(()) } else { Err(Fault::NoTool) }
}

#[cfg(not(feature = "axum"))]
fn route_param(_: &mut Extensions, name: &str) -> Result<Name, Fault> {
    Err(Fault::NoPlace(format!("route parameter `{name}` (feature `axum`)").into()))
}

#[cfg(not(feature = "axum"))]
fn matched_path(_: &http::Method, _: &Extensions) -> Result<Name, Fault> {
    Err(Fault::NoPlace("matched route (feature `axum`)".into()))
}

impl fmt::Debug for ToolFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Fixed(name) => write!(f, "Fixed({name})"),
            Place::RouteParam(name) => write!(f, "RouteParam({name})"),
            Place::MatchedPath => f.write_str("MatchedPath"),
            Place::Extension(_) => f.write_str("Extension"),
            Place::Closure(_) => f.write_str("Closure"),
            Place::Pointer(at) => write!(f, "Pointer({at})"),
            Place::JsonRpc => f.write_str("JsonRpc"),
        }
    }
}
