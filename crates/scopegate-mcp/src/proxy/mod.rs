//! In front of a server that somebody else wrote.
//!
//! ```text
//! client ── Guarded<Proxy> ──────────── Upstream ── server
//!              │  forward.rs: each method, typed, written anew
//!              └─ relay.rs: what the server asks and tells, back to the client
//! ```
//!
//! A [`Proxy`] is an rmcp handler that answers with what an [`Upstream`] answers: a program that it
//! starts, or a server somewhere. Nothing is handed on as it came: every message is read as what
//! its method takes, and written anew. [`Guarded`](crate::Guarded) decides before it does.
//!
//! The server is told only of what the client can do, so it is greeted once the client has spoken:
//! [`Server::prepare`] starts it and asks which protocol it speaks; the first request greets it.

mod called;
mod catalogue;
mod child;
mod endpoint;
mod error;
mod fleet;
mod forward;
mod greeting;
mod handler;
mod lines;
mod link;
mod listen;
mod member;
mod meta;
mod order;
mod pins;
mod probe;
mod relay;
mod server;
mod told;
mod upstream;
mod wire;

pub use self::catalogue::{CatalogueSink, Refused};
pub use self::child::Program;
pub use self::endpoint::Endpoint;
pub use self::error::UpstreamError;
pub use self::fleet::{Fleet, FleetError};
pub use self::handler::Proxy;
pub use self::server::Server;
pub use self::told::Tell;
pub use self::upstream::Upstream;
pub use rmcp::ServerHandler;
pub use rmcp::transport::StreamableHttpServerConfig as HttpConfig;
