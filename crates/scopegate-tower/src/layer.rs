//! The layer: a gate and a way to read requests.

use scopegate_core::{Enforcer, Gate, Principal};
use tower_layer::Layer;

use crate::http::Http;
use crate::native::OneSession;
use crate::service::ScopeService;

/// Lets requests through to the inner service only with a permit.
///
/// `X` says how a request becomes a tool call: [`Http`] (the default), `Grpc`,
/// [`OneSession`], [`AnySession`](crate::AnySession), or an [`Extract`](crate::Extract) of yours.
#[derive(Clone, Debug)]
pub struct ScopeLayer<X = Http> {
    gate: Gate,
    extract: X,
}

impl ScopeLayer {
    /// A layer for HTTP: session from the bearer token, tool from the route parameter `tool`,
    /// arguments from the JSON body.
    pub fn new(enforcer: impl Enforcer) -> Self {
        Self::over(Gate::new(enforcer))
    }

    /// The same over a gate that others share; [`Gate::from_arc`] makes one of an
    /// `Arc<dyn Enforcer>`.
    pub fn over(gate: Gate) -> Self {
        Self { gate, extract: Http::new() }
    }
}

impl ScopeLayer<OneSession> {
    /// A layer for a `Service<ToolCall>` whose calls are all made by one session. The inner
    /// service takes `Permitted<ToolCall>`, performs its duties and reports its outcome; its error
    /// type takes a [`Stop`](crate::Stop), as every boxed error does.
    ///
    /// A service that takes bare calls does not fit:
    ///
    /// ```compile_fail,E0277
    /// # use scopegate_core::{Enforcer, Principal, ToolCall};
    /// # use scopegate_tower::ScopeLayer;
    /// # use tower_layer::Layer;
    /// # use tower_service::Service;
    /// fn scoped<S: Service<ToolCall> + Clone>(enforcer: impl Enforcer, session: Principal, tools: S) {
    ///     ScopeLayer::native(enforcer, session).layer(tools).call(ToolCall::new("read"));
    /// }
    /// ```
    pub fn native(enforcer: impl Enforcer, session: Principal) -> Self {
        Self { gate: Gate::new(enforcer), extract: OneSession::new(session) }
    }
}

impl<X> ScopeLayer<X> {
    /// The same gate, reading requests another way.
    #[must_use]
    pub fn extract<Y>(self, extract: Y) -> ScopeLayer<Y> {
        ScopeLayer { gate: self.gate, extract }
    }
}

impl<S, X: Clone> Layer<S> for ScopeLayer<X> {
    type Service = ScopeService<S, X>;

    fn layer(&self, inner: S) -> Self::Service {
        ScopeService::new(inner, self.gate.clone(), self.extract.clone())
    }
}
