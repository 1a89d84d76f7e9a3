//! Lines 1 and 2: is the session known and alive, and are its parents?

use smallvec::SmallVec;

use crate::denial::{Denial, DenyCode};
use crate::facts::{Facts, Link};
use crate::scope::Scope;
use crate::time::Timestamp;

/// The scopes in force: the session's own, then its parents'.
pub(crate) type Scopes<'a> = SmallVec<[&'a Scope; 2]>;

pub(crate) fn check<'a>(facts: &Facts<'a>, now: Timestamp) -> Result<Scopes<'a>, Denial> {
    if facts.links.is_empty() {
        return Err(Denial::new(DenyCode::JwtInvalid));
    }
    let mut scopes = Scopes::new();
    for link in facts.links {
        scopes.push(alive(link, now).map_err(Denial::new)?);
    }
    Ok(scopes)
}

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
    link.scope.ok_or(DenyCode::SessionExpired)
}
