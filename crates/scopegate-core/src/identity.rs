//! Lines 1 and 2: is the session known and alive, and are its parents?

use crate::denial::DenyCode;
use crate::facts::Link;
use crate::scope::Scope;
use crate::time::Timestamp;

/// The scopes in force. Only [`check`] makes it, so every link has one.
#[derive(Clone, Copy)]
pub(crate) enum Scopes<'a> {
    /// Of a session without a parent, as most are; behind line 3, one whose call goes to no MCP server.
    One(&'a Scope),
    /// Of a session, then of its parents, if it has any.
    Chain(&'a [Link<'a>]),
}

impl<'a> Scopes<'a> {
    /// Looks at each, from the asking session's on, until one fails.
    #[inline(always)]
    pub(crate) fn try_each<E>(self, mut look: impl FnMut(&'a Scope) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::One(scope) => look(scope),
            Self::Chain(links) => links.iter().filter_map(|link| link.scope).try_for_each(look),
        }
    }
}

#[inline(always)]
pub(crate) fn check<'a>(links: &'a [Link<'a>], now: Timestamp) -> Result<Scopes<'a>, DenyCode> {
    match links {
        [] => Err(DenyCode::JwtInvalid),
        [link] => Ok(Scopes::One(alive(link, now)?)),
        links => {
            links.iter().try_for_each(|link| alive(link, now).map(drop))?;
            Ok(Scopes::Chain(links))
        }
    }
}

#[inline(always)]
fn alive<'a>(link: &Link<'a>, now: Timestamp) -> Result<&'a Scope, DenyCode> {
    if link.suspended {
        return Err(DenyCode::AgentSuspended);
    }
    if link.revoked {
        return Err(DenyCode::SessionRevoked);
    }
    if now >= link.expires_at {
        return Err(DenyCode::JwtExpired);
    }
    let scope = link.scope.ok_or(DenyCode::SessionExpired)?;
    if link.over_budget {
        return Err(DenyCode::SessionTerminated);
    }
    Ok(scope)
}
