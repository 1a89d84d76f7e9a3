//! The answer, and the proof of a yes.

use std::sync::Arc;

use crate::denial::Denial;
use crate::id::{Name, PermitId, ReviewId};
use crate::redact::Redaction;
use crate::role::ApprovalBy;
use crate::time::Timestamp;

/// The answer to an [`AccessRequest`](crate::AccessRequest). Final, recorded, and spent.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new outcome must stop callers from compiling")]
pub enum Decision {
    /// Run it, once, with the arguments that were judged.
    Permit(Permit),
    /// Do not run it.
    Deny(Denial),
    /// Not before a person agrees.
    Hold(Hold),
}

/// A yes, with its duties.
#[derive(Clone, Debug)]
pub struct Permit {
    /// Names the record of this decision.
    pub id: PermitId,
    /// What must be done to the result.
    pub obligations: Option<Arc<[Obligation]>>,
    /// The secret that the policy binds to the tool. Few permits have one.
    pub credential: Option<Box<Credential>>,
}

/// A duty on a permit. An adapter that cannot perform one refuses the call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must stop adapters from compiling")]
pub enum Obligation {
    /// Take this out of the result before the agent sees it; [`Redactor`](crate::Redactor) does.
    Redact(Redaction),
}

/// A secret for the tool: never logged, never recorded, never shown to the model.
#[derive(Clone)]
pub struct Credential {
    /// The name in the policy.
    pub name: Name,
    secret: Arc<str>,
}

impl Credential {
    /// Binds a secret to its name.
    pub fn new(name: impl Into<Name>, secret: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), secret: secret.into() }
    }

    /// The secret itself, for the tool alone.
    pub fn expose_secret(&self) -> &str {
        &self.secret
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A call that waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The review that was opened, or that was pending for this very call.
    pub review: ReviewId,
    /// When it stops waiting.
    pub expires_at: Timestamp,
    /// Who may agree.
    pub by: ApprovalBy,
}

/// What became of a permitted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The tool ran and answered.
    Ok,
    /// The tool ran and failed.
    Failed,
    /// The tool ran, and not all of its answer was shown.
    Redacted {
        /// Whether it failed.
        failed: bool,
        /// How many places were redacted, cut or withheld.
        parts: u32,
    },
    /// The permit was dropped; nobody knows that the tool ran.
    Dropped,
}
