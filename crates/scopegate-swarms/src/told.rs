//! Why a call did not run: for the model a text, for the host a code.

use scopegate_core::{Notice, Stopped};

/// A call that did not run.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .notice.text)]
#[non_exhaustive]
pub struct NotRun {
    /// The tool.
    pub tool: String,
    /// What the model is told, and the stable code, the review and the time beside it.
    pub notice: Notice,
    /// Why.
    #[source]
    pub stopped: Stopped,
}
