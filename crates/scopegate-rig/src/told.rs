//! What came of a call, in rig's words: for the model a text, for the host a code and metadata.

use rig_core::effect::Outcome as RigOutcome;
use rig_core::error::ErrorReport;
use rig_core::tool::{ContextValue, ToolContext, ToolExecutionError, ToolResult};
use scopegate_core::{Outcome, PermitId, ReviewId, Stopped, Timestamp};
use serde::{Deserialize, Serialize};

use crate::guard::Guard;

/// Why a call did not run, among the metadata of its result: `context.result::<NotRun>()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotRun {
    /// The stable code.
    pub code: String,
    /// What may be done about it: `none`, `fix_arguments`, `retry_later`, `reprovision`,
    /// `await_review`.
    pub guidance: String,
    /// The review that the call waits for, or that refused it.
    pub review: Option<ReviewId>,
    /// When asking again makes sense, or a held call stops waiting.
    pub until: Option<Timestamp>,
}

impl ContextValue for NotRun {
    const KEY: &'static str = "scopegate.not_run";
}

/// The permit that a call ran with, among the metadata of its result: it names the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RanWith {
    /// The permit.
    pub permit: PermitId,
}

impl RanWith {
    /// Leaves it for the host.
    pub(crate) fn note(permit: PermitId, context: &mut ToolContext) {
        // Plain data always has a form.
        let _ = context.insert_result(Self { permit });
    }
}

impl ContextValue for RanWith {
    const KEY: &'static str = "scopegate.ran_with";
}

impl Guard {
    /// The result of a call that did not run, with its metadata left for the host.
    pub(crate) fn refusal(
        &self,
        tool: &str,
        stopped: Stopped,
        context: &mut ToolContext,
    ) -> ToolExecutionError {
        let notice = self.notice(tool, &stopped);
        let _ = context.insert_result(NotRun {
            code: notice.code.to_owned(),
            guidance: notice.guidance.to_owned(),
            review: notice.review,
            until: notice.until,
        });
        ToolExecutionError::refused(stopped.to_string())
            .with_code(notice.code)
            .with_retryable(notice.guidance == "retry_later")
            .with_model_feedback(notice.text)
            .with_source(stopped)
    }
}

/// What became of a permitted call, from what its handler answered.
pub(crate) fn outcome(answer: &Result<RigOutcome, ErrorReport>) -> Outcome {
    match answer {
        Ok(RigOutcome::ToolResult { result }) => of_result(result),
        Ok(_) | Err(_) => Outcome::Dropped,
    }
}

fn of_result(result: &ToolResult) -> Outcome {
    if result.is_success() {
        Outcome::Ok
    } else if result.is_skipped() {
        Outcome::Dropped
    } else {
        Outcome::Failed
    }
}
