//! What came of a call, in the framework's words: for the model a text, for the host a code.

use adk_core::{AdkError, ErrorCategory, ErrorComponent, ErrorDetails, RetryHint};
use scopegate_core::Stopped;
use serde_json::json;

use crate::guard::Guard;

impl Guard {
    /// The error of a call that did not run.
    pub(crate) fn refusal(&self, tool: &str, stopped: Stopped) -> AdkError {
        let notice = self.desk().notice(tool, &stopped);
        let category = match notice.guidance {
            "fix_arguments" => ErrorCategory::InvalidInput,
            "reprovision" => ErrorCategory::Unauthorized,
            _ => ErrorCategory::Forbidden,
        };
        let metadata = [
            ("guidance", json!(notice.guidance)),
            ("review", json!(notice.review)),
            ("until", json!(notice.until)),
        ];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        AdkError::new(ErrorComponent::Guardrail, category, notice.code, notice.text)
            .with_details(ErrorDetails { metadata, ..ErrorDetails::default() })
            .with_retry(RetryHint::default())
            .with_source(stopped)
    }
}
