//! What a role's output rules take out of a tool's answer. What nobody can look through is not let pass.

use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use scopegate_core::{Obligation, Outcome, Redactor};

type Answer = Result<CallToolResponse, ErrorData>;

/// The answer as the agent may see it, and what became of the call.
pub(crate) fn perform(duties: &[Obligation], answer: Answer, outcome: Outcome) -> (Answer, Outcome) {
    let mut redactor = Redactor::new(duties);
    if redactor.is_idle() {
        return (answer, outcome);
    }
    let shown = match answer {
        Ok(CallToolResponse::Complete(result)) => Ok(complete(&mut redactor, result).into()),
        // A question to the client, or an answer that comes later by another way.
        Ok(_) => Ok(CallToolResult::error(vec![ContentBlock::text(redactor.withhold())]).into()),
        Err(error) => Err(failure(&mut redactor, error)),
    };
    let outcome = match (redactor.parts(), outcome) {
        (0, outcome) => outcome,
        (parts, Outcome::Ok) => Outcome::Redacted { failed: false, parts },
        (parts, _) => Outcome::Redacted { failed: true, parts },
    };
    (shown, outcome)
}

/// Metadata is for programs, and a server may put anything there: none of it is shown.
fn complete(redactor: &mut Redactor<'_>, mut result: CallToolResult) -> CallToolResult {
    let content = std::mem::take(&mut result.content);
    result.content = content.into_iter().map(|block| shown(redactor, block)).collect();
    result.structured_content = result.structured_content.take().map(|value| redactor.value(value));
    result.meta = None;
    result
}

fn shown(redactor: &mut Redactor<'_>, block: ContentBlock) -> ContentBlock {
    match block {
        ContentBlock::Text(text) => ContentBlock::text(redactor.text(&text.text)),
        _ => ContentBlock::text(redactor.withhold()),
    }
}

fn failure(redactor: &mut Redactor<'_>, error: ErrorData) -> ErrorData {
    let message = redactor.text(&error.message);
    let data = error.data.map(|data| redactor.value(data));
    ErrorData::new(error.code, message, data)
}

#[cfg(test)]
mod tests {
    use scopegate_core::{OutputRule, Redaction};
    use serde_json::{Value, json};

    use super::*;

    fn duties(rule: OutputRule) -> Vec<Obligation> {
        vec![Obligation::Redact(Redaction::compile(&rule).unwrap())]
    }

    /// What is shown of a result, and the outcome.
    fn shown_of(rule: OutputRule, result: &Value) -> (Value, Outcome) {
        let result: CallToolResult = serde_json::from_value(result.clone()).unwrap();
        let (answer, outcome) = perform(&duties(rule), Ok(result.into()), Outcome::Ok);
        let Ok(CallToolResponse::Complete(result)) = answer else { panic!("an answer") };
        (serde_json::to_value(result).unwrap(), outcome)
    }

    #[test]
    fn both_forms_of_an_answer_are_looked_through() {
        let secret = json!({"iban": "DE1", "name": "ann"});
        let result =
            json!({"content": [{"type": "text", "text": secret.to_string()}], "structuredContent": secret});
        let (told, outcome) = shown_of(OutputRule::path("iban"), &result);
        assert!(!told.to_string().contains("DE1"), "{told}");
        assert_eq!(told["structuredContent"], json!({"iban": "[redacted]", "name": "ann"}));
        assert_eq!(outcome, Outcome::Redacted { failed: false, parts: 2 });
        let plain = json!({"content": [{"type": "text", "text": "{\"name\":\"ann\"}"}]});
        assert_eq!(shown_of(OutputRule::path("iban"), &plain).1, Outcome::Ok);
    }

    #[test]
    fn what_cannot_be_looked_through_is_withheld() {
        for block in [
            json!({"type": "image", "data": "REUx", "mimeType": "image/png"}),
            json!({"type": "audio", "data": "REUx", "mimeType": "audio/wav"}),
            json!({"type": "resource", "resource": {"uri": "file:///REUx", "text": "REUx"}}),
            json!({"type": "resource", "resource": {"uri": "file:///a", "blob": "REUx"}}),
            json!({"type": "resource_link", "uri": "file:///REUx", "name": "REUx"}),
        ] {
            let result = json!({"content": [block], "_meta": {"secret": "REUx"}});
            for rule in [OutputRule::path("a"), OutputRule::pattern("secret"), OutputRule::max_bytes(1000)] {
                let (told, outcome) = shown_of(rule, &result);
                assert!(!told.to_string().contains("REUx") && told["content"][0]["type"] == "text", "{told}");
                assert_eq!(outcome, Outcome::Redacted { failed: false, parts: 1 });
            }
        }
    }

    #[test]
    fn an_error_is_an_answer_too() {
        let failed = json!({"content": [{"type": "text", "text": "no card 1234 5678"}], "isError": true});
        let (told, _) = shown_of(OutputRule::pattern("[0-9]{4}"), &failed);
        assert_eq!(
            (&told["content"][0]["text"], &told["isError"]),
            (&json!("no card [redacted] [redacted]"), &json!(true))
        );
        let error = ErrorData::invalid_params("card 1234", Some(json!({"card": 1234})));
        let (answer, outcome) =
            perform(&duties(OutputRule::pattern("[0-9]{4}")), Err(error), Outcome::Failed);
        let error = answer.unwrap_err();
        assert_eq!((&*error.message, error.data), ("card [redacted]", Some(json!({"card": "[redacted]"}))));
        assert_eq!(outcome, Outcome::Redacted { failed: true, parts: 2 });
    }

    #[test]
    fn without_duties_nothing_changes() {
        let result = CallToolResult::success(vec![ContentBlock::image("REUx", "image/png")]);
        let (answer, outcome) = perform(&[], Ok(result.clone().into()), Outcome::Ok);
        let Ok(CallToolResponse::Complete(same)) = answer else { panic!("an answer") };
        assert_eq!((same, outcome), (result, Outcome::Ok));
    }
}
