//! The Tower layer of Scopegate: a request reaches the inner service with a permit or not at all.
//!
//! ```text
//! request → find the tool, and who asks → Gate::try_admit ─ Go ──────────────→ inner service
//!               │                            ├ Stop ───────→ refusal              │
//!               │ stands in the body         ├ NeedArgs ─┐                        │
//!               └────────────────────────────┼─→ read the body, once, strictly    │
//!                                            │            └→ ask again            │
//!                                            └ Ask ──→ await the answer    complete(outcome)
//! ```
//!
//! Put the layer inside of authentication and outside of anything that has an effect:
//! request id → trace → authentication → **scope** → handler.
//!
//! # axum
//! [`ScopeLayer::new`] is enough where the session is a bearer token, the tool is the route
//! parameter `tool` and the arguments are the JSON body. Arguments that were judged reach the
//! handler as a body that is written anew from them; a handler can also be handed its permit, and
//! take them from there:
//!
//! ```no_run
//! # #[cfg(feature = "axum")] fn app(enforcer: impl scopegate_core::Enforcer) -> axum::Router {
//! use axum::{Router, routing::post};
//! use scopegate_tower::{Http, ScopeLayer, TakenPermit};
//!
//! async fn run(TakenPermit(permitted): TakenPermit) -> String {
//!     format!("{} runs with {:?}", permitted.call().tool, permitted.call().args.to_json())
//! }
//!
//! let layer = ScopeLayer::new(enforcer).extract(Http::new().hand_permit());
//! Router::new().route("/tools/{tool}", post(run)).route_layer(layer)
//! # }
//! ```
//!
//! Arguments are read only where a rule reads them; [`Http::always_read`] reads them for every
//! tool, so that a handler which runs on its permit always finds them there.
//!
//! Anything else is an error that names the setting; see [`Http`].
//!
//! # tonic
//! ```text
//! Server::builder().layer(ScopeLayer::new(enforcer).extract(Grpc::new()))
//! ```
//!
//! # Any service of tool calls
//! The inner service takes [`Permitted<ToolCall>`](scopegate_core::Permitted), so that nothing
//! reaches it around the layer:
//!
//! ```no_run
//! # use scopegate_core::{Enforcer, Permitted, Principal, ToolCall};
//! # use scopegate_tower::{OneSession, ScopeLayer, ScopeService};
//! # use tower_layer::Layer;
//! fn scoped<S>(enforcer: impl Enforcer, session: Principal, tools: S) -> ScopeService<S, OneSession>
//! where
//!     S: tower_service::Service<Permitted<ToolCall>>,
//! {
//!     ScopeLayer::native(enforcer, session).layer(tools)
//! }
//! ```
//!
//! # What the layer does not see
//! Arguments are what [`Http::args`] reads: the JSON body. A handler that takes arguments from
//! further route parameters or headers takes them unjudged; query strings are refused for tools
//! whose scope reads arguments, unless [`Http::allow_query`] says otherwise. A handler that uses
//! the call inside its [`TakenPermit`](https://docs.rs/scopegate-tower/latest/scopegate_tower/struct.TakenPermit.html)
//! cannot get this wrong.

#[cfg(feature = "axum")]
mod axum;
mod clock;
mod extract;
mod fault;
mod future;
#[cfg(feature = "tonic")]
mod grpc;
mod http;
mod layer;
mod native;
mod service;
mod slot;

#[cfg(feature = "axum")]
pub use self::axum::TakenPermit;
pub use self::extract::{Extract, Found, Refuse};
pub use self::fault::{Fault, Stop};
pub use self::future::ResponseFuture;
#[cfg(feature = "tonic")]
pub use self::grpc::{Grpc, HandlerAdmits};
pub use self::http::{ArgsFrom, Head, Http, ReadBody, SessionFrom, ToolFrom};
pub use self::layer::ScopeLayer;
pub use self::native::{AnySession, OneSession};
pub use self::service::ScopeService;
pub use self::slot::{Custody, PermitSlot};
