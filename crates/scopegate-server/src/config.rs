//! How a plane is run.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::setup::Dialect;
use crate::webhook::Guard;

/// How a plane is run.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever runs a plane decides all of it")]
pub struct Config {
    /// Where its store lies.
    pub data: PathBuf,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Whether answers go out before their records are on disk; a crash may then lose up to a
    /// second of them, and every record says so.
    pub buffered: bool,
    /// Where webhooks may lead.
    pub guard: Guard,
    /// Whether it may listen without TLS where others can connect.
    pub allow_plaintext: bool,
    /// Certificate chain and key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How much it does at a time.
    pub limits: Limits,
    /// Whose clients the first tenant is for.
    pub dialect: Dialect,
}

/// How much a plane does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever runs a plane decides all of it")]
pub struct Limits {
    /// Connections; whoever comes later is turned away.
    pub connections: u32,
    /// Requests being answered; more are answered 503 at once, because waiting would make all late.
    pub requests: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 1000, requests: 512 }
    }
}

impl Config {
    /// On loopback, at port 8080, durable.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            addr: SocketAddr::from(([127, 0, 0, 1], 8080)),
            buffered: false,
            guard: Guard::new(false),
            allow_plaintext: false,
            tls: None,
            limits: Limits::default(),
            dialect: Dialect::default(),
        }
    }
}
