//! Why a server cannot be reached, and what to do about it.

use std::path::PathBuf;

/// Why a server cannot be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// There is no such program.
    #[error("there is no program `{0}`: is it installed, and is its folder in PATH?")]
    NoProgram(String),
    /// The program could not be started.
    #[error("`{program}` could not be started: {error}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        error: std::io::Error,
    },
    /// It ended before it answered.
    #[error("the server ended before it answered{0}")]
    Ended(String),
    /// It did not answer in time.
    #[error("the server did not answer within {0} seconds")]
    Slow(u64),
    /// It refused the first message, or answered something else.
    #[error("the server does not speak MCP as it should: {0}")]
    Handshake(String),
    /// Too many clients at a time.
    #[error("{0} clients are connected already")]
    Busy(usize),
    /// The address is none.
    #[error("`{url}` is no address of a server: {why}")]
    Url {
        /// What was given, without a password.
        url: String,
        /// Why.
        why: String,
    },
    /// A header that cannot be sent.
    #[error("the header `{name}` cannot be sent: {why}")]
    Header {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// A file with certificates is wrong.
    #[error("{}: {why}", file.display())]
    Certificates {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// No connections can be made.
    #[error("no connections can be made: {0}")]
    Connections(String),
}
