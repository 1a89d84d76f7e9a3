//! Who asks.

use std::sync::Arc;

use http::request::Parts;
use rmcp::model::Extensions;
use scopegate_core::{DenyCode, Principal, ProvisionError, Unready};

use crate::keeper::Keeper;

/// Whom a guard asks the gate for.
#[derive(Clone)]
pub(crate) enum Caller {
    /// Always the same.
    One(Principal),
    /// Whoever a layer further out has verified, request by request.
    Request,
    /// A session of the guard's own.
    Kept(Arc<Keeper>),
}

impl Caller {
    pub(crate) async fn who(&self, extensions: &Extensions) -> Result<Principal, Unready> {
        match self {
            Self::One(principal) => Ok(principal.clone()),
            Self::Request => extensions.get::<Parts>().and_then(verified).cloned().ok_or(Unready::NoSession),
            Self::Kept(keeper) => keeper.who().await,
        }
    }

    /// After a denial: who may ask once more, if anybody.
    pub(crate) async fn anew(&self, asked: &Principal, code: DenyCode) -> Result<Option<Principal>, Unready> {
        match self {
            Self::One(_) | Self::Request => Ok(None),
            Self::Kept(keeper) => keeper.anew(asked, code).await,
        }
    }

    pub(crate) async fn close(&self) -> Result<(), ProvisionError> {
        match self {
            Self::One(_) | Self::Request => Ok(()),
            Self::Kept(keeper) => keeper.close().await,
        }
    }
}

/// The principal that a layer further out has verified. An extension is a value in this process:
/// nothing that a client sends becomes one.
pub(crate) fn verified(parts: &Parts) -> Option<&Principal> {
    parts.extensions.get()
}
