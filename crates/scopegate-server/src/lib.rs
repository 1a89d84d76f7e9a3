//! The plane: one process that decides for many agents, lets people agree, and keeps a log that
//! anyone can verify offline.
//!
//! ```text
//! request → key → domain operation → tenant's enforcer (decides in memory)
//!                                       │ Change, in the order it was made
//!                                       ▼
//!                         Writer: one queue → one thread → Store::commit(batch) → answers go out
//!                                                            │
//!                                                            └ audit: chain, tree, signed checkpoints
//! ```
//!
//! Decisions are made by the same [`scopegate_engine`] as in an agent's own process. What they
//! change is handed to one [`store::Writer`], which commits whatever waited during the last sync
//! in one transaction; only then the answers go out. So one sync serves many calls, the log has
//! every change in the order it was made, and a restart goes on exactly there. A commit that fails
//! ends the process: what is on disk is the truth at the next start.
//!
//! - [`store`]: what is kept, and the one place that keeps it.
//! - [`audit`]: what makes the log undeniable: a hash chain, a Merkle tree, signed checkpoints, an
//!   export that holds all of them, and its verification.

mod accept;
mod admit;
mod assertion;
pub mod audit;
mod auth;
mod config;
mod dialect;
mod domain;
mod extract;
mod health;
mod jwks;
mod jws;
pub mod keys;
mod metrics;
mod openapi;
mod pipe;
mod plane;
mod routes;
pub mod serve;
pub mod setup;
mod shell;
pub mod store;
mod streams;
mod tls;
mod token;
#[cfg(test)]
mod trial;
pub mod webhook;

pub use self::config::{Config, Limits};
pub use self::plane::Plane;
pub use self::routes::listing;
pub use self::serve::start;
