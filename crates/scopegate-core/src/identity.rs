//! Lines 1 and 2: is the session known and alive, and are its parents?

use crate::denial::{Denial, DenyCode};
use crate::facts::Link;
use crate::scope::Scope;
use crate::time::Timestamp;

/// The scopes in force: the session's own, then its parents'. Only [`check`] makes it, so every
/// link has one.
#[derive(Clone, Copy)]
pub(crate) struct Scopes<'a>(&'a [Link<'a>]);

impl<'a> Scopes<'a> {
    /// The scope of a session without a parent, as most are.
    #[inline(always)]
    pub(crate) fn one(self) -> Option<&'a Scope> {
        match self.0 {
            [link] => link.scope,
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a Scope> {
        self.0.iter().filter_map(|link| link.scope)
    }
}

#[inline(always)]
pub(crate) fn check<'a>(links: &'a [Link<'a>], now: Timestamp) -> Result<Scopes<'a>, Denial> {
    if links.is_empty() {
        return Err(Denial::new(DenyCode::JwtInvalid));
    }
    for link in links {
        alive(link, now).map_err(Denial::new)?;
    }
    Ok(Scopes(links))
}

#[inline(always)]
fn alive(link: &Link<'_>, now: Timestamp) -> Result<(), DenyCode> {
    if link.suspended {
        return Err(DenyCode::AgentSuspended);
    }
    if link.revoked {
        return Err(DenyCode::SessionRevoked);
    }
    if now >= link.expires_at {
        return Err(DenyCode::JwtExpired);
    }
    if link.scope.is_none() {
        return Err(DenyCode::SessionExpired);
    }
    Ok(())
}
