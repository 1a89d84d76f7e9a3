//! Who asks, and for what.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::ToolCall;
use crate::id::{GrantId, SessionId};
use crate::redemption::Redemption;

/// Who asks, as presented: nothing about it has been believed yet.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal {
    /// A session token, as `provision` returned it.
    Token(Arc<str>),
    /// A session that a trusted layer of the same process has already authenticated. Never make
    /// one from anything a client sent.
    Session(SessionId),
}

impl Principal {
    /// A session token.
    pub fn token(token: impl Into<Arc<str>>) -> Self {
        Self::Token(token.into())
    }

    /// The borrowed form that a request carries.
    pub fn as_ref(&self) -> PrincipalRef<'_> {
        match self {
            Self::Token(token) => PrincipalRef::Token(token),
            Self::Session(id) => PrincipalRef::Session(*id),
        }
    }
}

/// A borrowed [`Principal`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalRef<'a> {
    /// A session token.
    Token(&'a str),
    /// An authenticated session.
    Session(SessionId),
}

impl PrincipalRef<'_> {
    /// An owned copy.
    pub fn to_owned(self) -> Principal {
        match self {
            Self::Token(token) => Principal::Token(token.into()),
            Self::Session(id) => Principal::Session(id),
        }
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// A token never shows in a log.
impl fmt::Debug for PrincipalRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(…)"),
            Self::Session(id) => write!(f, "Session({id})"),
        }
    }
}

/// May this principal make this call, now?
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// Who asks.
    pub principal: PrincipalRef<'a>,
    /// What for.
    pub call: &'a ToolCall,
    /// Who agreed to this very call beside reviewers, as the adapter that asked them says. Only roles with
    /// `approval_by: client` take it.
    pub consent: Option<Consent>,
    /// How a yes is taken up, if this call opens a review.
    pub redemption: Redemption,
    /// The grant it is made under, and no other, where it names one.
    pub grant: Option<GrantId>,
    /// What whoever asks wants kept with the decision. No rule reads it.
    pub notes: Option<&'a Notes>,
    /// Whether the decision counts for the trust in whoever asks.
    pub trust: TrustUse,
}

/// What a decision does with the trust in whoever asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever keeps count must handle each of them")]
pub enum TrustUse {
    /// It is read and moved where a rule reads it.
    #[default]
    WhereRead,
    /// It is read and moved, whether or not a rule reads it.
    Counted,
    /// It is read and told, and stays as it is.
    Still,
}

/// Somebody's agreement that is no review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a new one must be handled wherever records are told")]
pub enum Consent {
    /// Whoever uses the agent, through its client.
    Client,
}

impl Consent {
    /// As it stands in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
        }
    }
}

/// Anything, for whoever keeps the state of decisions to look into.
pub type Notes = Arc<dyn Any + Send + Sync>;

impl<'a> AccessRequest<'a> {
    /// A request.
    pub fn new(principal: PrincipalRef<'a>, call: &'a ToolCall) -> Self {
        let (redemption, trust) = (Redemption::Recall, TrustUse::default());
        Self { principal, call, consent: None, redemption, grant: None, notes: None, trust }
    }

    /// The request, with another way to take a yes up.
    #[must_use]
    pub fn redeemed_by(self, redemption: Redemption) -> Self {
        Self { redemption, ..self }
    }

    /// The request, made under a grant alone.
    #[must_use]
    pub fn under(self, grant: Option<GrantId>) -> Self {
        Self { grant, ..self }
    }

    /// The request with notes.
    #[must_use]
    pub fn with_notes(self, notes: &'a Notes) -> Self {
        Self { notes: Some(notes), ..self }
    }

    /// The request, using trust like this.
    #[must_use]
    pub fn with_trust(self, trust: TrustUse) -> Self {
        Self { trust, ..self }
    }
}
