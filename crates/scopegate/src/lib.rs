//! Decides, inline, whether an AI agent may make this tool call, with these arguments, now.
//!
//! This crate only gathers the others behind features: `local` (default) is the embedded
//! enforcer, `tower` the middleware, `axum` and `tonic` its extractors.

pub use scopegate_core::*;

#[cfg(feature = "local")]
pub use scopegate_engine::*;

#[cfg(feature = "tower")]
pub use scopegate_tower::*;
