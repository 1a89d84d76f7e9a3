//! Why a request goes no further.

use scopegate_core::json::JsonError;
use scopegate_core::{DenyCode, Name, Refusal};

/// Why a request goes no further.
#[derive(Clone, Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a refusal is the gate's or the layer's")]
pub enum Stop {
    /// The gate said no, not yet, or nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The gate could not be asked, or its permit not be honoured.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What keeps a request from being put to the gate, or a permit from being honoured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No credential, or none of a kind that is known here.
    #[error("no session: send `Authorization: Bearer <session token>`")]
    NoSession,
    /// More than one credential.
    #[error("more than one `Authorization` header")]
    TwoCredentials,
    /// The place that the tool's name should come from does not exist on this route.
    #[error("no {0} here: name the tool's place with `Http::tool`")]
    NoPlace(Name),
    /// The place exists, but holds no name.
    #[error("the request names no tool")]
    NoTool,
    /// Not one JSON-RPC request of the method `tools/call`.
    #[error("not a JSON-RPC tool call: {0}")]
    NotToolsCall(&'static str),
    /// Two members that differ only in case, where one is expected.
    #[error("two members named like `{0}`")]
    LookAlike(Name),
    /// A query string beside a body that is judged.
    #[error(
        "a query string is not judged: send the arguments in the body, \
         or set `Http::allow_query` if the handler reads none"
    )]
    Query,
    /// The body is encoded.
    #[error("encoded bodies are not read; send the body as it is")]
    Encoded,
    /// The body is not called JSON.
    #[error("arguments are JSON: send `Content-Type: application/json`")]
    NotJson,
    /// The body is longer than so many bytes.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The body ended before it was complete.
    #[error("the body could not be read")]
    Interrupted,
    /// The body is not acceptable JSON.
    #[error("the body was refused: {0}")]
    Body(JsonError),
    /// The tool's scope reads arguments, and this transport does not show them. Whoever runs the
    /// service marks the method with `Grpc::handler_admits` and lets its handler ask the gate.
    #[error(
        "the policy has rules on the arguments of `{0}`, which this service does not check; \
         asking again changes nothing"
    )]
    ArgumentsHidden(Name),
    /// The permit has duties that nobody here performs.
    #[error("the permit has duties that the handler does not declare to perform (`handler_redacts`)")]
    Duty,
    /// A handler that needs a permit was reached without one, or the permit was taken before.
    #[error(
        "no permit: put a `ScopeLayer` with `Http::hand_permit` around this handler, which takes it once"
    )]
    NoPermit,
}

impl Fault {
    /// The stable code, as it stands in answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSession => "NO_SESSION",
            Self::TwoCredentials => "TWO_CREDENTIALS",
            Self::NoPlace(_) => "TOOL_NOT_CONFIGURED",
            Self::NoTool => "NO_TOOL",
            Self::NotToolsCall(_) => "NOT_A_TOOL_CALL",
            Self::LookAlike(_) => "AMBIGUOUS_MEMBER",
            Self::Query => "QUERY_NOT_JUDGED",
            Self::Encoded => "ENCODED_BODY",
            Self::NotJson => "NOT_JSON",
            Self::TooLarge(_) => "BODY_TOO_LARGE",
            Self::TooSlow => "BODY_TOO_SLOW",
            Self::Interrupted => "BODY_INTERRUPTED",
            Self::Body(_) => "BODY_REFUSED",
            Self::ArgumentsHidden(_) => "ARGUMENTS_NOT_VISIBLE",
            Self::Duty => "DUTY_NOT_PERFORMED",
            Self::NoPermit => "NO_PERMIT",
        }
    }
}

impl Stop {
    /// The code of the [refusal](Refusal::code) or of the fault.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Fault(fault) => fault.code(),
        }
    }

    /// One sentence for the caller: nothing of the arguments, the token or our own insides.
    pub(crate) fn words(&self) -> String {
        match self {
            // Its detail is the argument that was sent.
            Self::Refused(Refusal::Denied(denial)) if denial.code == DenyCode::EnvViolation => {
                "the environment is not allowed".to_owned()
            }
            Self::Refused(Refusal::Undecided(_)) => "no decision could be made, so nothing ran".to_owned(),
            stop => stop.to_string(),
        }
    }
}
