//! An answer that was read: what its status means, and what its body says.

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{ClientError, Outage};

/// How much of a strange answer is repeated.
const SHORT: usize = 200;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The answer, if its status says that what was asked for was done.
    pub(crate) fn good(self) -> Result<Self, ClientError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let status = self.status.as_u16();
        let told = serde_json::from_slice(&self.body).ok().map(Refusal::message);
        let (status, told) = match (status, told) {
            (502..=504, told) => {
                let reason = told.map_or_else(|| self.status.to_string(), |told| shorten(&told));
                return Err(ClientError::Unavailable { outage: Outage::Status(status), reason });
            }
            // Anything may answer 404; a plane says so in words.
            (_, None) => return Err(garbage(self.status, "it is no refusal either", &self.body)),
            (status, Some(told)) => (status, shorten(&told)),
        };
        Err(match status {
            400 | 413 | 415 | 422 => ClientError::Invalid(told),
            401 => ClientError::Unauthorized(told),
            403 => ClientError::Forbidden(told),
            404 => ClientError::NotFound(told),
            409 => ClientError::Conflict(told),
            _ => return Err(garbage(self.status, "the status means nothing here", &self.body)),
        })
    }

    /// What its body says: a JSON object. A list would be read as one by the order of its elements.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(garbage(self.status, "it is not a JSON object", &self.body));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| garbage(self.status, &error.to_string(), &self.body))
    }

    /// Its body as text.
    pub(crate) fn text(self) -> Result<String, ClientError> {
        let status = self.status;
        String::from_utf8(self.body).map_err(|error| garbage(status, "it is not UTF-8", error.as_bytes()))
    }
}

/// How the plane says no, in either of its forms.
#[derive(Deserialize)]
#[serde(untagged)]
enum Refusal {
    Coded { error: Reason },
    Plain { ok: False, error: String },
}

/// `false`, and nothing else.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct False;

impl TryFrom<bool> for False {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Err("true") } else { Ok(Self) }
    }
}

impl Refusal {
    fn message(self) -> String {
        match self {
            Self::Coded { error } => error.message,
            Self::Plain { ok: False, error } => error,
        }
    }
}

#[derive(Deserialize)]
struct Reason {
    message: String,
}

/// Something that no plane answers.
pub(crate) fn garbage(status: StatusCode, why: &str, body: &[u8]) -> ClientError {
    let began = body.get(..body.len().min(SHORT * 4)).unwrap_or_default();
    let said = shorten(&String::from_utf8_lossy(began));
    ClientError::Garbage { status: status.as_u16(), why: why.to_owned(), said: format!("`{said}`") }
}

/// The beginning of a text, fit for one line: control characters are spelled out.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(SHORT).flat_map(visible).collect();
    if text.chars().nth(SHORT).is_some() {
        short.push('…');
    }
    short
}

fn visible(c: char) -> Box<dyn Iterator<Item = char>> {
    match c.is_control() {
        true => Box::new(c.escape_default()),
        false => Box::new(std::iter::once(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> ClientError {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, body: body.as_bytes().to_vec() }.good().unwrap_err()
    }

    #[test]
    fn a_status_means_what_the_plane_means_by_it() {
        let body = r#"{"error":{"code":"X","message":"no such role"},"detail":"no such role"}"#;
        for (status, expected) in [
            (400, "invalid: no such role"),
            (401, "the plane does not know the key: no such role"),
            (403, "the key may not do this: no such role"),
            (404, "not found: no such role"),
            (409, "conflict: no such role"),
            (413, "invalid: no such role"),
            (503, "the plane is unavailable: no such role"),
        ] {
            assert_eq!(told(status, body).to_string(), expected);
        }
        let plain = r#"{"ok":false,"error":"no such agent"}"#;
        assert_eq!(told(404, plain).to_string(), "not found: no such agent");
        for status in [301, 418, 429, 500] {
            assert!(matches!(told(status, body), ClientError::Garbage { .. }), "{status}");
        }
    }

    #[test]
    fn what_else_answers_is_no_plane() {
        for status in [400, 401, 403, 404, 409] {
            for body in [
                "",
                "<html>not here</html>",
                "{}",
                r#"{"error":"no"}"#,
                r#"{"error":{"message":5}}"#,
                r#"{"ok":true,"error":"no"}"#,
            ] {
                assert!(matches!(told(status, body), ClientError::Garbage { .. }), "{status} {body}");
            }
        }
        for status in [502, 503, 504] {
            assert!(told(status, "<html>gateway</html>").is_outage(), "{status}");
        }
    }

    #[test]
    fn what_came_back_is_shortened_and_tame() {
        let error = told(404, &format!("\u{1b}[2J{}", "x".repeat(10_000))).to_string();
        assert!(error.contains("`\\u{1b}[2Jxxx") && error.contains("x…`"), "{error}");
        assert!(error.len() < 400, "{}", error.len());
    }
}
