//! Lines 1 and 2: is the session known and alive, and are its parents?

use crate::denial::{Denial, DenyCode};
use crate::facts::{Facts, Link};
use crate::scope::Scope;
use crate::time::Timestamp;

/// The scopes in force: the session's own, then its parents'. Only [`check`] makes it, so every
/// link has one.
#[derive(Clone, Copy)]
pub(crate) struct Scopes<'a>(&'a [Link<'a>]);

impl<'a> Scopes<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a Scope> {
        self.0.iter().filter_map(|link| link.scope)
    }
}

pub(crate) fn check<'a>(facts: &Facts<'a>, now: Timestamp) -> Result<Scopes<'a>, Denial> {
    if facts.links.is_empty() {
        return Err(Denial::new(DenyCode::JwtInvalid));
    }
    for link in facts.links {
        alive(link, now).map_err(Denial::new)?;
    }
    Ok(Scopes(facts.links))
}

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
