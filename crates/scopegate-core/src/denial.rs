//! Why not.

use std::sync::Arc;

use serde::Serialize;

use crate::grant::manifest::Lack;
use crate::id::{GrantId, Name, ReviewId};
use crate::json::JsonError;
use crate::rate::Window;
use crate::time::Timestamp;

/// A refusal with its reason: ids and small scalars, put into words at the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    /// The stable code.
    pub code: DenyCode,
    /// What in the call or the policy raised it.
    pub detail: Detail,
}

/// What raised a denial.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Detail {
    /// The code says it all.
    None,
    /// A name: the tool not granted, the pattern that forbids, the environment, the credential.
    Name(Name),
    /// A grant that the call names.
    Grant(GrantId),
    /// What the agent's manifest has not got: the resource, or the action.
    Manifest(Lack, Name),
    /// A rule, as the policy words it (`amount must be less than 10000`).
    Rule(Arc<str>),
    /// What the strict reader refused.
    Arguments(JsonError),
    /// Lasts until then.
    Until(Timestamp),
    /// A limit over this span is used up; there is room again then.
    Limit(Window, Timestamp),
    /// A person said no, and it stands until then.
    Review(ReviewId, Timestamp),
}

impl Detail {
    /// A name as a caller wrote it. Names are short; an absurd one is cut rather than kept.
    pub(crate) fn said(name: &str) -> Self {
        Self::Name(cut(name).into())
    }

    /// The same for what a manifest has not got.
    pub(crate) fn manifest(lack: Lack, name: &Name) -> Self {
        let kept = cut(name);
        // Most names are kept whole: then nothing is copied.
        Self::Manifest(lack, if kept.len() == name.len() { name.clone() } else { kept.into() })
    }
}

fn cut(name: &str) -> &str {
    name.char_indices().nth(64).map_or(name, |(at, _)| name.get(..at).unwrap_or_default())
}

impl Denial {
    /// A denial that needs no detail.
    pub const fn new(code: DenyCode) -> Self {
        Self { code, detail: Detail::None }
    }

    /// A denial with its detail.
    pub const fn with(code: DenyCode, detail: Detail) -> Self {
        Self { code, detail }
    }

    /// How bad it is. An hour's limit used up is a worse sign than a minute's.
    pub const fn severity(&self) -> Severity {
        match self.detail {
            Detail::Limit(Window::Hour, _) => Severity::High,
            _ => self.code.severity(),
        }
    }

    /// What the caller may do about it, in one word.
    pub const fn retry_guidance(&self) -> &'static str {
        match self.detail {
            Detail::Limit(Window::Minute, _) => "retry_after_60s",
            Detail::Limit(Window::Hour, _) => "retry_after_3600s",
            _ => self.code.retry_guidance(),
        }
    }
}

/// How bad a denied call is, for alerting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The word on the wire and in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $severity:ident, $guidance:literal;)*) => {
        /// The stable name of a reason to deny. The strings are API and never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DenyCode {
            $($(#[$doc])* $variant,)*
        }

        impl DenyCode {
            /// Every code, in the order `decide` raises them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands on the wire and in records.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What the caller may do about it, in one word.
            pub const fn retry_guidance(self) -> &'static str {
                match self { $(Self::$variant => $guidance,)* }
            }
        }
    };
}

codes! {
    /// The token is unknown, malformed or of someone else's making.
    JwtInvalid = "JWT_INVALID", High, "none";
    /// The agent or its key is suspended.
    AgentSuspended = "AGENT_SUSPENDED", High, "none";
    /// The session was revoked. Never reported as expired: a client would provision anew and go on.
    SessionRevoked = "SESSION_REVOKED", Medium, "none";
    /// The session's time is over.
    JwtExpired = "JWT_EXPIRED", Low, "reprovision";
    /// The session ended for another reason, such as its role being deleted.
    SessionExpired = "SESSION_EXPIRED", Low, "reprovision";
    /// The session's budget of calls, or that of one above it, is used up. Nothing lifts that.
    SessionTerminated = "SESSION_TERMINATED", High, "none";
    /// The MCP session that the call claims is not the token's own.
    McpSessionHijack = "MCP_SESSION_HIJACK", Critical, "none";
    /// The call's MCP server is not one of the role's, or it names none and the role lists some.
    McpServerUnauthorized = "MCP_SERVER_UNAUTHORIZED", High, "none";
    /// The MCP server does not have this tool.
    McpToolNotFound = "MCP_TOOL_NOT_FOUND", Medium, "none";
    /// The MCP server's tool is not what was pinned or registered of it, and nobody has looked since.
    McpToolChanged = "MCP_TOOL_CHANGED", Critical, "none";
    /// Forbidden by name or pattern; no grant lifts it.
    ActionForbidden = "ACTION_FORBIDDEN", High, "none";
    /// No grant for this tool.
    ScopeViolation = "SCOPE_VIOLATION", Medium, "none";
    /// The agent is trusted less than a role wants, or nobody keeps count.
    TrustTooLow = "TRUST_TOO_LOW", High, "none";
    /// The credential bound to the tool is not allowed or cannot be found.
    CredentialViolation = "CREDENTIAL_VIOLATION", High, "none";
    /// No delegation depth left.
    DelegationDepthExceeded = "DELEGATION_DEPTH_EXCEEDED", Critical, "none";
    /// No use of the grant is left that the call names.
    GrantExhausted = "GRANT_EXHAUSTED", Medium, "none";
    /// Outside the allowed hours or days.
    TimeViolation = "TIME_VIOLATION", Medium, "retry_later";
    /// Arguments that the strict reader refuses.
    InvalidArguments = "INVALID_ARGUMENTS", High, "fix_arguments";
    /// Not an allowed environment.
    EnvViolation = "ENV_VIOLATION", High, "none";
    /// The arguments do not fit the tool's schema, or the schema that came with the call is none.
    McpArgumentSchemaViolation = "MCP_ARGUMENT_SCHEMA_VIOLATION", Medium, "fix_arguments";
    /// An argument breaks a constraint.
    ParameterViolation = "PARAMETER_VIOLATION", High, "fix_arguments";
    /// Judging the arguments takes more work than a decision may.
    EvaluationBudget = "EVALUATION_BUDGET", High, "fix_arguments";
    /// More rows than allowed.
    DataLimitExceeded = "DATA_LIMIT_EXCEEDED", High, "fix_arguments";
    /// A policy denies the call.
    PolicyDenied = "POLICY_DENIED", High, "none";
    /// The role's rate limit is used up.
    RateLimitExceeded = "RATE_LIMIT_EXCEEDED", Medium, "retry_later";
    /// The role's limit for this MCP server is used up.
    McpRateLimitExceeded = "MCP_RATE_LIMIT_EXCEEDED", Medium, "retry_later";
    /// A person refused this very call.
    ApprovalRejected = "APPROVAL_REJECTED", High, "none";
    /// The record cannot be written, so nothing is permitted.
    AuditUnavailable = "AUDIT_UNAVAILABLE", Critical, "retry_later";
    /// The decision could not be made with the state at hand.
    PolicyError = "POLICY_ERROR", High, "retry_later";
}

impl std::fmt::Display for DenyCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for DenyCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|code| code.as_str() == text).copied();
        found.ok_or_else(|| serde::de::Error::custom("an unknown code"))
    }
}

impl Serialize for DenyCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The denial in one sentence, for people and models.
impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, &self.detail) {
            (DenyCode::JwtInvalid, _) => f.write_str("the session token is not valid"),
            (DenyCode::AgentSuspended, _) => f.write_str("the agent is suspended"),
            (DenyCode::SessionRevoked, _) => f.write_str("the session was revoked"),
            (DenyCode::JwtExpired, _) => f.write_str("the session has expired; provision a new one"),
            (DenyCode::SessionExpired, _) => f.write_str("the session is over; its role no longer exists"),
            (DenyCode::SessionTerminated, _) => {
                f.write_str("the session has made all the calls of its budget")
            }
            (DenyCode::McpSessionHijack, _) => {
                f.write_str("the MCP session that the call claims is not the token's own")
            }
            (DenyCode::McpServerUnauthorized, Detail::Name(server)) => {
                write!(f, "MCP server `{server}` is not one of the role's")
            }
            (DenyCode::McpServerUnauthorized, _) => {
                f.write_str("the role wants one of its MCP servers named, and the call names none")
            }
            (DenyCode::McpToolNotFound, Detail::Name(server)) => {
                write!(f, "MCP server `{server}` has no such tool")
            }
            (DenyCode::McpToolChanged, Detail::Name(server)) => {
                write!(
                    f,
                    "the definition of this tool of MCP server `{server}` is not the one that was agreed to"
                )
            }
            (DenyCode::ActionForbidden, Detail::Name(pattern)) => write!(f, "forbidden by `{pattern}`"),
            (DenyCode::ScopeViolation, Detail::Name(role)) => {
                write!(f, "role `{role}` does not allow this tool")
            }
            (DenyCode::ScopeViolation, Detail::Grant(grant)) => {
                write!(f, "grant {grant} does not admit this tool to this agent now")
            }
            (DenyCode::GrantExhausted, Detail::Grant(grant)) => {
                write!(f, "no use of grant {grant}, or of what it is a part of, is left")
            }
            (DenyCode::DelegationDepthExceeded, Detail::Grant(grant)) => {
                write!(f, "grant {grant} went through more hands than its source's role allows")
            }
            (_, Detail::Manifest(Lack::Action, action)) => {
                write!(f, "the agent's manifest does not allow `{action}` on this resource")
            }
            (_, Detail::Manifest(_, resource)) => {
                write!(f, "the agent's manifest does not list resource `{resource}`")
            }
            (DenyCode::TrustTooLow, _) => {
                f.write_str("the agent is trusted less than its role wants for this tool")
            }
            (DenyCode::CredentialViolation, Detail::Name(name)) => {
                write!(f, "the tool's credential `{name}` is not allowed or not available")
            }
            (DenyCode::PolicyDenied, Detail::Name(policy)) => write!(f, "denied by policy `{policy}`"),
            (DenyCode::DelegationDepthExceeded, _) => f.write_str("no delegation depth left for sub-agents"),
            (DenyCode::TimeViolation, _) => f.write_str("outside the allowed hours or days (UTC)"),
            (DenyCode::EnvViolation, Detail::Name(env)) => write!(f, "environment `{env}` is not allowed"),
            (_, Detail::Arguments(error)) => write!(f, "the arguments were refused: {error}"),
            (_, Detail::Rule(rule)) => f.write_str(rule),
            (DenyCode::McpRateLimitExceeded, Detail::Limit(window, until)) => {
                write!(f, "the MCP server's limit per {} is reached; room again at {until}", window.word())
            }
            (_, Detail::Limit(window, until)) => {
                write!(f, "the limit per {} is reached; room again at {until}", window.word())
            }
            (DenyCode::RateLimitExceeded, Detail::Until(until)) => {
                write!(f, "too many calls wait for a person; room again at {until}")
            }
            (_, Detail::Review(review, until)) => {
                write!(f, "a reviewer refused this call (review {review}), until {until}")
            }
            (DenyCode::EvaluationBudget, _) => f.write_str(
                "the arguments take more work to judge than a decision may: send fewer or shorter ones",
            ),
            (DenyCode::AuditUnavailable, _) => {
                f.write_str("the decision cannot be recorded, so it is refused")
            }
            (code, Detail::Name(name)) => write!(f, "{code}: `{name}`"),
            (code, _) => write!(f, "{code}"),
        }
    }
}
