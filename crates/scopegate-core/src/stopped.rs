//! Why an adapter did not run a call.

use crate::denial::DenyCode;
use crate::enforcer::ProvisionError;
use crate::gate::Refusal;
use crate::id::Name;
use crate::json::JsonError;

/// Why an adapter did not run a call.
#[derive(Clone, Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a refusal is the gate's or the adapter's")]
pub enum Stopped {
    /// The gate said no, not yet, or nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The gate could not be asked, or its permit not be honoured.
    #[error(transparent)]
    Unready(#[from] Unready),
}

/// What keeps an adapter from asking the gate, or from honouring its permit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unready {
    /// Nobody said who asks.
    #[error("the call names no session")]
    NoSession,
    /// The session that asks could not be opened.
    #[error("no session could be opened: {0}")]
    NotOpened(#[from] ProvisionError),
    /// The session was closed before it was ever opened.
    #[error("the session is closed")]
    Closed,
    /// No rule reads the arguments, and they cannot be handed on either.
    #[error("the arguments were refused: {0}")]
    Arguments(JsonError),
    /// The permit has duties that this adapter does not perform.
    #[error("the permit has duties that nobody here performs")]
    Duty,
    /// Whoever uses the agent was asked, and did not agree.
    #[error("whoever was asked did not agree")]
    Declined,
    /// The policy binds a secret to the tool, and there is no safe way for it to get there.
    #[error("the credential `{0}` cannot be handed to the tool from here")]
    Credential(Name),
}

impl Stopped {
    /// The stable code: that of the [refusal](Refusal::code), or one of the adapter's own.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Unready(unready) => match unready {
                Unready::NoSession => "NO_SESSION",
                Unready::NotOpened(_) => "SESSION_NOT_OPENED",
                Unready::Closed => "SESSION_CLOSED",
                Unready::Arguments(_) => "INVALID_ARGUMENTS",
                Unready::Duty => "DUTY_NOT_PERFORMED",
                Unready::Declined => "CONSENT_DECLINED",
                Unready::Credential(_) => "CREDENTIAL_NOT_DELIVERED",
            },
        }
    }

    /// Whether this is about who asks, or about nobody having answered: then it says nothing of the
    /// call, and may be told even where the call itself must look unknown.
    pub const fn is_about_the_caller(&self) -> bool {
        match self {
            Self::Refused(Refusal::Denied(denial)) => matches!(
                denial.code,
                DenyCode::JwtInvalid
                    | DenyCode::AgentSuspended
                    | DenyCode::SessionRevoked
                    | DenyCode::JwtExpired
                    | DenyCode::SessionExpired
                    | DenyCode::SessionTerminated
            ),
            Self::Refused(Refusal::Held(_)) => false,
            Self::Refused(Refusal::Undecided(_)) => true,
            Self::Unready(unready) => {
                matches!(unready, Unready::NoSession | Unready::NotOpened(_) | Unready::Closed)
            }
        }
    }
}
