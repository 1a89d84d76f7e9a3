//! Line 3: MCP identity. Is the call in its own session, does every role in force list its server,
//! and does that server have the tool, as somebody agreed to it?

use crate::call::ToolCall;
use crate::catalogue::Offer;
use crate::claims::ClaimedSession;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::Facts;
use crate::id::Name;
use crate::identity::Scopes;
use crate::scope::{Asked, Scope};

/// Gives back the scopes in force: those that a call to a server is looked at in, link by link.
#[inline(always)]
pub(crate) fn check<'a>(
    facts: &Facts<'a>,
    scopes: Scopes<'a>,
    call: &ToolCall,
) -> Result<Scopes<'a>, Denial> {
    // Most calls say nothing of MCP, under roles that say nothing of it.
    if call.server.is_none() && call.mcp.is_none() && scopes.try_each(silent).is_ok() {
        return Ok(scopes);
    }
    judge(facts, scopes, call)?;
    Ok(if call.server.is_some() { Scopes::Chain(facts.links) } else { scopes })
}

fn silent(scope: &Scope) -> Result<(), ()> {
    if scope.servers().is_none() { Ok(()) } else { Err(()) }
}

#[inline(never)]
fn judge(facts: &Facts<'_>, scopes: Scopes<'_>, call: &ToolCall) -> Result<(), Denial> {
    check_session(facts, call)?;
    let asked = facts.tools.asked(call);
    scopes.try_each(|scope| check_server(scope, asked, call.server.as_ref()))?;
    match &call.server {
        Some(server) => scopes.try_each(|scope| check_tool(facts, scope, asked, server, &call.tool)),
        None => Ok(()),
    }
}

/// A claimed session has to be the token's own.
fn check_session(facts: &Facts<'_>, call: &ToolCall) -> Result<(), Denial> {
    match call.mcp.as_ref().and_then(|claims| claims.session) {
        Some(claimed) if claimed != ClaimedSession::Ours(facts.session) => {
            Err(Denial::new(DenyCode::McpSessionHijack))
        }
        _ => Ok(()),
    }
}

/// A role that lists servers wants one of them named; one that lists none has none.
pub(crate) fn check_server(scope: &Scope, asked: Asked<'_>, server: Option<&Name>) -> Result<(), Denial> {
    let listed = scope.listed_servers(asked);
    match server {
        None if listed.is_none() => Ok(()),
        None => Err(Denial::new(DenyCode::McpServerUnauthorized)),
        Some(server) if listed.is_some_and(|listed| listed.contains(server)) => Ok(()),
        Some(server) => Err(Denial::with(DenyCode::McpServerUnauthorized, Detail::said(server))),
    }
}

/// What an operator registered is all that a server has. What we know of well-known servers is not:
/// there a role may know more.
fn check_tool(
    facts: &Facts<'_>,
    scope: &Scope,
    asked: Asked<'_>,
    server: &Name,
    name: &Name,
) -> Result<(), Denial> {
    let known = match facts.catalogues.offer(server, name) {
        Offer::Listed | Offer::Undescribed => true,
        Offer::Quarantined => {
            return Err(Denial::with(DenyCode::McpToolChanged, Detail::said(server)));
        }
        Offer::NotRegistered => false,
        Offer::NotBuiltIn => scope.grants(asked).is_some(),
    };
    if known { Ok(()) } else { Err(Denial::with(DenyCode::McpToolNotFound, Detail::said(server))) }
}
