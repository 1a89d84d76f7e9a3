//! What a client is told of a request that did not run: for the model a text, for the host the rest.

use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, MetaObject};
use scopegate_core::{Notice, Outcome};
use serde_json::{Map, Value};

/// Where the host finds why a call did not run: `code`, `guidance` (`none`, `fix_arguments`,
/// `retry_later`, `reprovision` or `await_review`) and, where there are any, `review` and `until`,
/// among the `_meta` of a result or the `data` of an error.
pub const REFUSAL: &str = "dev.scopegate/refusal";

/// The result of a call that did not run.
pub(crate) fn result(notice: Notice) -> CallToolResponse {
    let mut meta = MetaObject::new();
    meta.insert(REFUSAL.to_owned(), detail(&notice));
    let mut result = CallToolResult::error(vec![ContentBlock::text(notice.text)]);
    result.meta = Some(meta);
    result.into()
}

/// The answer to another request that did not run.
pub(crate) fn error(notice: Notice) -> ErrorData {
    let data = Map::from_iter([(REFUSAL.to_owned(), detail(&notice))]);
    ErrorData::invalid_request(notice.text, Some(Value::Object(data)))
}

fn detail(notice: &Notice) -> Value {
    let mut detail = Map::new();
    detail.insert("code".to_owned(), notice.code.into());
    detail.insert("guidance".to_owned(), notice.guidance.into());
    if let Some(review) = notice.review {
        detail.insert("review".to_owned(), review.to_string().into());
    }
    if let Some(until) = notice.until {
        detail.insert("until".to_owned(), until.to_string().into());
    }
    Value::Object(detail)
}

/// A tool that there is not, in the words of rmcp's own router.
pub(crate) fn unknown_tool() -> ErrorData {
    ErrorData::invalid_params("tool not found", None)
}

/// Nobody waits for the answer any more.
pub(crate) fn cancelled() -> ErrorData {
    ErrorData::internal_error("the request was cancelled", None)
}

/// A request that did not come through our readers.
pub(crate) fn unread() -> ErrorData {
    ErrorData::internal_error("this server has to be served by scopegate-mcp, which reads its messages", None)
}

/// What became of a permitted call.
pub(crate) fn outcome(answer: &Result<CallToolResponse, ErrorData>) -> Outcome {
    match answer {
        Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => Outcome::Failed,
        Ok(_) => Outcome::Ok,
        Err(_) => Outcome::Failed,
    }
}
