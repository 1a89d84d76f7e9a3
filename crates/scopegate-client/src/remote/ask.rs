//! A call, asked of the plane: through the breaker, and again where a nonce makes that safe.

use std::sync::atomic::Ordering;
use std::time::Duration;

use scopegate_core::{Attempt, Breaker, ClaimedSession, Ended, EnforceError, SessionId, ToolCall};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::verdict::{self, Verdict};
use super::{Inner, lock};
use crate::error::{ClientError, Outage};
use crate::routes;

/// How often a call is asked at most.
const ATTEMPTS: u32 = 3;
/// The pause before the second time; then twice as long. Up to half of it is left to chance.
const PAUSE: Duration = Duration::from_millis(40);

/// Why there is no verdict.
#[derive(Debug)]
pub(super) enum NoVerdict {
    /// The plane cannot be reached, or does not answer: the kinds of silence that `danger_fail_open`
    /// speaks of.
    Unreachable(EnforceError),
    /// Something was said, or broke off, and it is no verdict.
    None(EnforceError),
}

impl NoVerdict {
    pub(super) fn into_error(self) -> EnforceError {
        match self {
            Self::Unreachable(error) | Self::None(error) => error,
        }
    }
}

impl Inner {
    /// Asks about a call, in the session of this token.
    pub(super) async fn ask(
        &self,
        token: &str,
        session: SessionId,
        call: &ToolCall,
    ) -> Result<Verdict, NoVerdict> {
        let began = self.clocks.monotonic();
        let nonce = nonce().map_err(NoVerdict::None)?;
        let body = self.body(token, call, &nonce).map_err(NoVerdict::None)?;
        let (mut attempt, mut may_be_decided) = (1, false);
        loop {
            let told = self.ask_once(call, session, &body, &nonce).await;
            may_be_decided |= told.as_ref().is_err_and(Lost::may_be_decided);
            let in_time = self.clocks.monotonic().saturating_sub(began) < self.patience / 2;
            match told {
                Err(lost)
                    if lost.may_be_asked_again() && self.is_native() && attempt < ATTEMPTS && in_time =>
                {
                    sleep(jittered(PAUSE * attempt, &nonce, attempt)).await;
                    attempt += 1;
                }
                Ok(verdict) => {
                    self.asked.fetch_add(1, Ordering::Relaxed);
                    return Ok(verdict);
                }
                // The plane may have said no to it: silence after that is not silence about this call.
                Err(lost) if may_be_decided => return Err(NoVerdict::None(lost.no_verdict().into_error())),
                Err(lost) => return Err(lost.no_verdict()),
            }
        }
    }

    async fn ask_once(
        &self,
        call: &ToolCall,
        session: SessionId,
        body: &Value,
        nonce: &str,
    ) -> Result<Verdict, Lost> {
        let attempt = Attempting::begin(self)?;
        let route = if names_mcp(call) { &routes::MCP_ENFORCE } else { &routes::ENFORCE };
        let answered = async { self.client.http.ask(route, &[])?.json(body)?.answer().await };
        let told = answered.await.and_then(|answer| verdict::read(answer, session, nonce));
        attempt.end(match &told {
            // Nobody can tell what happened there; and what opens the breaker opens `danger_fail_open`.
            Err(ClientError::Unavailable { outage: Outage::Lost, .. }) => Ended::Abandoned,
            Err(error) if error.is_outage() => Ended::Unreachable,
            _ => Ended::Answered,
        });
        told.map_err(|error| {
            self.heed(&error);
            Lost::Told(error)
        })
    }

    /// What is sent. What this plane would not be told is not left out silently.
    fn body(&self, token: &str, call: &ToolCall, nonce: &str) -> Result<Value, EnforceError> {
        let untold = |what: &str| EnforceError::NoDecision(format!("the plane cannot be told {what}"));
        let arguments = call.args.to_value().ok_or_else(|| untold("arguments that were not read"))?;
        let arguments_name = if names_mcp(call) { "arguments" } else { "call_args" };
        let mut body = Map::new();
        let mut put = |member: &str, value: Value| body.insert(member.to_owned(), value);
        put("jwt", json!(token));
        put("tool_name", json!(call.tool));
        put(arguments_name, arguments);
        put("call_id", json!(nonce));
        let named = [
            ("mcp_server", &call.server, false),
            ("action", &call.action, names_mcp(call)),
            ("env", &call.env, true),
            ("resource", &call.resource, true),
        ];
        for (member, value, ours) in named {
            match value {
                Some(_) if ours && !self.is_native() => return Err(untold(&format!("the call's {member}"))),
                Some(value) => drop(put(member, json!(value))),
                None => {}
            }
        }
        if let Some(claims) = &call.mcp {
            let session = claims.session.as_ref().map(|session| match session {
                ClaimedSession::Ours(id) => json!(id),
                // Whatever it was, it is no id of the plane's.
                ClaimedSession::Foreign => json!("foreign"),
            });
            session.into_iter().for_each(|session| drop(put("mcp_session_id", session)));
            claims.schema.iter().for_each(|schema| drop(put("mcp_tool_schema", schema.clone())));
        }
        if self.is_native() {
            put("decision_nonce", json!(nonce));
        }
        Ok(Value::Object(body))
    }
}

/// Whether a call says anything of an MCP server.
fn names_mcp(call: &ToolCall) -> bool {
    call.server.is_some() || call.mcp.is_some()
}

/// An attempt that came to nothing.
enum Lost {
    /// The breaker is open: nothing was sent.
    Open(scopegate_core::BreakerOpen),
    Told(ClientError),
}

impl Lost {
    /// Whether asking again can help. Who took too long once is not asked to take as long again.
    fn may_be_asked_again(&self) -> bool {
        matches!(self, Self::Told(ClientError::Unavailable { .. }))
    }

    /// Whether an answer was on its way: then nobody can tell what was decided.
    fn may_be_decided(&self) -> bool {
        matches!(self, Self::Told(ClientError::Unavailable { outage: Outage::Lost, .. }))
    }

    fn no_verdict(self) -> NoVerdict {
        let error = match self {
            Self::Open(open) => return NoVerdict::Unreachable(EnforceError::Unreachable(open.to_string())),
            Self::Told(error) => error,
        };
        let words = error.to_string();
        match error {
            ClientError::Timeout(after) => NoVerdict::Unreachable(EnforceError::Timeout(after)),
            ClientError::Unavailable { outage: Outage::Lost, .. } => {
                NoVerdict::None(EnforceError::Unreachable(words))
            }
            ClientError::Unavailable { .. } => NoVerdict::Unreachable(EnforceError::Unreachable(words)),
            _ => NoVerdict::None(EnforceError::NoDecision(words)),
        }
    }
}

/// A call that the breaker let out. Whoever stops waiting for it says nothing about the plane.
struct Attempting<'a> {
    inner: &'a Inner,
    attempt: Option<Attempt>,
}

impl<'a> Attempting<'a> {
    fn begin(inner: &'a Inner) -> Result<Self, Lost> {
        let attempt = lock(&inner.breaker).begin(inner.clocks.monotonic()).map_err(Lost::Open)?;
        Ok(Self { inner, attempt: Some(attempt) })
    }

    fn end(mut self, how: Ended) {
        self.tell(how);
    }

    fn tell(&mut self, how: Ended) {
        if let Some(attempt) = self.attempt.take() {
            Breaker::end(&mut lock(&self.inner.breaker), attempt, how, self.inner.clocks.monotonic());
        }
    }
}

impl Drop for Attempting<'_> {
    fn drop(&mut self) {
        self.tell(Ended::Abandoned);
    }
}

/// Names the question: 128 random bits.
fn nonce() -> Result<String, EnforceError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| EnforceError::NoDecision(format!("no randomness: {error}")))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// Between half of a pause and all of it, by digits of the nonce.
fn jittered(pause: Duration, nonce: &str, attempt: u32) -> Duration {
    let at = attempt as usize * 2;
    let chance = nonce.get(at..at + 2).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(128);
    pause / 2 + pause / 2 * chance / 256
}
