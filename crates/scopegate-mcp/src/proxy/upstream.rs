//! How a server is reached.

use super::child::Program;
use super::endpoint::Endpoint;
use super::error::UpstreamError;
use super::order::Order;
use super::told::Tell;
use super::wire::Wire;
use std::sync::Arc;

/// A server that somebody else wrote: a program to start, or an address.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "MCP has these two transports")]
pub enum Upstream {
    /// A program that speaks MCP on its standard streams.
    Program(Program),
    /// A server that speaks streamable HTTP.
    Endpoint(Endpoint),
}

impl Upstream {
    /// A name for the server, where nobody gave it one: its program's, or its host's.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Program(program) => program.name(),
            Self::Endpoint(endpoint) => endpoint.name(),
        }
    }

    /// Whether it may be that it was only the question it did not like.
    pub(crate) async fn may_be_older(&self) -> Result<bool, UpstreamError> {
        match self {
            Self::Program(_) => Ok(false),
            Self::Endpoint(endpoint) => endpoint.answers().await.map(|()| true),
        }
    }

    /// One connection; no word was said on it.
    pub(crate) fn open(&self, name: &str, tell: &Tell, order: Arc<Order>) -> Result<Wire, UpstreamError> {
        match self {
            Self::Program(program) => {
                let (lines, process) = program.start(name, tell)?;
                Ok(Wire::program(lines, process, order))
            }
            Self::Endpoint(endpoint) => Ok(Wire::http(endpoint.open()?, order)),
        }
    }
}
