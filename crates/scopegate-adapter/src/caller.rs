//! Who asks.

use std::sync::Arc;

use scopegate_core::{DenyCode, Principal, Provision, ProvisionError, Sessions, Unready};

use crate::keeper::Keeper;

/// Whom a gate is asked for. Cheap to clone; clones share a kept session.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "an adapter has no third way to know who asks")]
pub enum Caller {
    /// Always the same.
    One(Principal),
    /// A session that is opened when it is needed.
    Kept(Arc<Keeper>),
}

impl Caller {
    /// A session of this kind, opened when the first call comes.
    pub fn opening(sessions: impl Sessions, session: Provision) -> Self {
        Self::Kept(Arc::new(Keeper::new(Arc::new(sessions), session, None)))
    }

    /// A child of this caller's session, opened when its first call comes.
    #[must_use]
    pub fn child(&self, sessions: impl Sessions, session: Provision) -> Self {
        Self::Kept(Arc::new(Keeper::new(Arc::new(sessions), session, Some(self.clone()))))
    }

    /// Whether this is the same principal, or the same kept session: what was decided for one is then
    /// decided for the other.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(one), Self::One(other)) => one == other,
            (Self::Kept(one), Self::Kept(other)) => Arc::ptr_eq(one, other),
            (Self::One(_), Self::Kept(_)) | (Self::Kept(_), Self::One(_)) => false,
        }
    }

    /// Who asks.
    ///
    /// # Errors
    /// [`Unready`] when no session could be opened.
    pub async fn who(&self) -> Result<Principal, Unready> {
        match self {
            Self::One(principal) => Ok(principal.clone()),
            Self::Kept(keeper) => keeper.who().await,
        }
    }

    /// After a denial of `asked`: who may ask once more, if anybody.
    ///
    /// # Errors
    /// [`Unready`] when no session could be opened.
    pub async fn anew(&self, asked: &Principal, code: DenyCode) -> Result<Option<Principal>, Unready> {
        match self {
            Self::One(_) => Ok(None),
            Self::Kept(keeper) => keeper.anew(asked, code).await,
        }
    }

    /// Ends the session that was opened here, if one was; none is opened any more.
    ///
    /// # Errors
    /// [`ProvisionError`] when it could not be ended.
    pub async fn close(&self) -> Result<(), ProvisionError> {
        match self {
            Self::One(_) => Ok(()),
            Self::Kept(keeper) => keeper.close().await,
        }
    }
}
