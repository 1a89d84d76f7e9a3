//! What a plane's answer to a call comes to. Whatever is not a verdict, word for word, is none.

use http::StatusCode;
use scopegate_core::{
    ApprovalBy, Decision, Denial, DenyCode, Detail, Hold, Permit, PermitId, ReviewId, SessionId, Timestamp,
    Window,
};
use serde::Deserialize;

use crate::answer::{Answer, garbage};
use crate::error::ClientError;

/// A decision, and until when it stands if that was said.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) decision: Decision,
    pub(super) until: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Said {
    decision: String,
    #[serde(default)]
    call_id: String,
    /// The number of a permit's record.
    permit: Option<u64>,
    deny_code: Option<String>,
    #[serde(default)]
    reason: String,
    window: Option<String>,
    until: Option<Timestamp>,
    approval_id: Option<String>,
    expires_at: Option<Timestamp>,
}

/// Reads an answer to the call that was sent under this name, in this session.
pub(super) fn read(answer: Answer, session: SessionId, call_id: &str) -> Result<Verdict, ClientError> {
    let answer = answer.good()?;
    let said: Said = answer.json()?;
    let none = |why: &str| Err(garbage(answer.status, why, &answer.body));
    if said.call_id != call_id {
        return none("it answers another call");
    }
    let until = said.until;
    let decision = match (answer.status, said.decision.as_str()) {
        (StatusCode::OK, "allow") => Decision::Permit(Permit {
            id: PermitId { session, number: said.permit.unwrap_or(0) },
            obligations: None,
            credential: None,
        }),
        (StatusCode::OK, "deny") => Decision::Deny(denial(said)),
        (StatusCode::ACCEPTED, "pending") => {
            match (said.approval_id.as_deref().and_then(review), said.expires_at) {
                (Some(review), Some(expires_at)) => {
                    Decision::Hold(Hold { review, expires_at, by: ApprovalBy::Reviewer })
                }
                _ => return none("it holds the call, and names no review"),
            }
        }
        _ => return none("it holds no verdict"),
    };
    Ok(Verdict { decision, until })
}

/// A code that this version does not know denies as well.
fn denial(said: Said) -> Denial {
    let wire = said.deny_code.unwrap_or_default();
    let Some(code) = DenyCode::ALL.iter().copied().find(|code| code.as_str() == wire) else {
        let reason = format!("{wire}: {}", said.reason);
        return Denial::with(DenyCode::PolicyError, Detail::Rule(reason.into()));
    };
    let detail = match (said.window.as_deref(), said.until) {
        (Some("minute"), Some(until)) => Detail::Limit(Window::Minute, until),
        (Some("hour"), Some(until)) => Detail::Limit(Window::Hour, until),
        (None, Some(until)) if code == DenyCode::RateLimitExceeded => Detail::Until(until),
        _ if said.reason.is_empty() => Detail::None,
        _ => Detail::Rule(said.reason.into()),
    };
    Denial::with(code, detail)
}

/// The id of a review, also in the form of a UUID.
pub(super) fn review(text: &str) -> Option<ReviewId> {
    ReviewId::parse(text).or_else(|| ReviewId::parse(&text.replace('-', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId::from_bits(7);

    fn told(status: u16, body: &str) -> Result<Verdict, ClientError> {
        let status = StatusCode::from_u16(status).unwrap();
        read(Answer { status, body: body.as_bytes().to_vec() }, SESSION, "c")
    }

    #[test]
    fn nothing_but_the_one_word_is_a_permit() {
        let permit = told(200, r#"{"decision":"allow","call_id":"c","permit":9,"later":[]}"#).unwrap();
        assert!(matches!(permit.decision, Decision::Permit(permit) if permit.id.number == 9));
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, r#"{"decision":"allow"}"#),
            (200, r#"{"decision":"allow","call_id":"d"}"#),
            (200, r#"{"decision":"ALLOW","call_id":"c"}"#),
            (200, r#"{"decision":"permit","call_id":"c"}"#),
            (200, r#"{"decision":"pending","call_id":"c"}"#),
            (200, r#"{"decision":true,"call_id":"c"}"#),
            (200, r#"{"decision":"allow","decision":"allow","call_id":"c"}"#),
            (200, r#"{"decision":"allow","call_id":"c","permit":-1}"#),
            (200, r#"["allow"]"#),
            (200, "<html>allow</html>"),
            (200, r#"{"decision":"allow","call_id":"c""#),
            (201, r#"{"decision":"allow","call_id":"c"}"#),
            (202, r#"{"decision":"allow","call_id":"c"}"#),
            (202, r#"{"decision":"pending","call_id":"c"}"#),
            (
                202,
                r#"{"decision":"pending","call_id":"c","approval_id":"x","expires_at":"2026-11-21T06:16:00.000Z"}"#,
            ),
            (204, ""),
            (301, r#"{"decision":"allow","call_id":"c"}"#),
            (404, r#"{"decision":"allow","call_id":"c"}"#),
            (500, r#"{"decision":"allow","call_id":"c"}"#),
        ] {
            let told = told(status, body);
            assert!(matches!(told, Err(ClientError::Garbage { .. })), "{status} {body}: {told:?}");
        }
    }

    #[test]
    fn a_denial_keeps_its_code_and_its_time() {
        let denied = |more: &str| match told(200, &format!(r#"{{"decision":"deny","call_id":"c"{more}}}"#)) {
            Ok(Verdict { decision: Decision::Deny(denial), .. }) => (denial.code, denial.to_string()),
            other => panic!("{other:?}"),
        };
        let until = r#","until":"2026-11-21T06:16:00.000Z""#;
        for (more, code, words) in [
            (r#","deny_code":"SCOPE_VIOLATION","reason":"no""#, DenyCode::ScopeViolation, "no"),
            (r#","deny_code":"LATER","reason":"no""#, DenyCode::PolicyError, "LATER: no"),
            ("", DenyCode::PolicyError, ": "),
            (
                &format!(r#","deny_code":"RATE_LIMIT_EXCEEDED","window":"hour"{until}"#),
                DenyCode::RateLimitExceeded,
                "the limit per hour is reached; room again at 2026-11-21T06:16:00.000Z",
            ),
        ] {
            assert_eq!(denied(more), (code, words.to_owned()), "{more}");
        }
    }

    #[test]
    fn a_hold_names_its_review() {
        let body = r#"{"decision":"pending","call_id":"c","approval_id":"00000000-0000-0000-0000-0000000000ff",
            "expires_at":"2026-11-21T06:16:00.000Z"}"#;
        let Ok(Verdict { decision: Decision::Hold(hold), .. }) = told(202, body) else { panic!("held") };
        assert_eq!(hold.review, ReviewId::from_bits(255));
    }
}
