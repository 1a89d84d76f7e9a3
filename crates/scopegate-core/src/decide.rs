//! The straight line: every rule in order, one line each. A finger on a line leads to its file.
//!
//! Lines that read no arguments come first, a denial comes before a hold, and only a permit
//! spends.

use crate::arguments::Unsound;
use crate::budget::Budget;
use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::enforcer::Need;
use crate::facts::{Changes, Facts, Ruling, Waits};
use crate::grant::{Granted, manifest};
use crate::identity::Scopes;
use crate::request::AccessRequest;
use crate::review::Wait;
use crate::scope::Asks;
use crate::time::Timestamp;
use crate::{
    arguments, constraint, environment, forbid, grant, identity, mcp, policy, rate, redact, review, rows,
    schedule, schema,
};

/// Decides. Pure: the same facts, request and time always give the same ruling.
///
/// What a permit changes is large, so it is written where the caller has `room` for it, over whatever
/// stood there. Only a permit shows it.
pub fn decide<'c>(
    facts: &Facts<'_>,
    request: &AccessRequest<'_>,
    now: Timestamp,
    room: &'c mut Option<Changes>,
) -> Ruling<'c> {
    let changes = room.insert(Changes::default());
    match judge(facts, request, now, changes) {
        Ok(()) => Ruling::Permit(changes),
        Err(stop) => stop.into(),
    }
}

#[inline(always)]
fn judge(
    facts: &Facts<'_>,
    request: &AccessRequest<'_>,
    now: Timestamp,
    changes: &mut Changes,
) -> Result<(), Stop> {
    let call = request.call;
    let scopes = identity::check(facts.links, now)?; // 1, 2: who is this, and is the session alive?
    mcp::check(facts, scopes, call)?; // 3: in its own MCP session, to a server and an unchanged tool it may name?
    forbid::check(scopes, call)?; // 4: is it forbidden, whatever grants it?
    policy::forbid(facts, call, now)?; // 4: or denied by a policy that nothing lifts?
    // 5: is there a grant for this tool, in every scope in force?
    match scopes {
        Scopes::One(scope) => guard(facts, &[grant::find(facts, scope, call)?], request, now, changes),
        Scopes::Chain(links) => guard(facts, &grant::find_all(facts, links, call)?, request, now, changes),
    }
}

/// The rest of the line, once there is a grant in every scope. It stands in the program twice: where there
/// is one link, as nearly always, every loop over links is a single step. For that the rules that it calls
/// are inlined too.
#[inline(always)]
fn guard(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    request: &AccessRequest<'_>,
    now: Timestamp,
    changes: &mut Changes,
) -> Result<(), Stop> {
    let call = request.call;
    manifest::check(facts, call)?; // 5: and in the agent's manifest, where it has one?
    grant::check(facts, granted)?; // 5: with its credential, and so deep?
    schedule::check(granted, now)?; // 6: at this time?
    if is_unasked(facts, granted, call) {
        return Ok(rate::check(facts, granted, call, now, &mut changes.spends)?); // 10: all that is left
    }
    let schemas = schema::in_force(facts, call);
    let args = arguments::read(facts, granted, schemas.as_ref(), call, now)?; // 7: are the arguments sound?
    let args = args.as_ref();
    environment::check(facts, granted, call, args)?; // 8: in this environment?
    schema::check(schemas.as_ref(), call)?; // 8: as the tool's schema wants them?
    let budget = Budget::new();
    constraint::check(granted, args, &budget)?; // 8: with these arguments?
    rows::check(granted, args)?; // 8: with so many rows?
    let asks = policy::check(facts, call, now, &budget)?; // 9: does a policy stand against it?
    rate::check(facts, granted, call, now, &mut changes.spends)?; // 10: not too often?
    let waits = grant::approval(granted, args, &budget)?; // 11: does a person have to agree?
    let waits = Waits::either(waits, asks);
    let agreed = review::check(facts, waits, request.consent, now)?; // 11: and has one?
    (changes.consumes, changes.consent) = (agreed.consumes, agreed.consent);
    if let Some(name) = grant::credential(granted) {
        changes.credential = Some(name.clone());
    }
    changes.obligations = redact::duties(granted);
    changes.digest_arguments = granted.iter().any(|granted| granted.scope.digests_arguments());
    Ok(())
}

/// Whether nobody asks anything more of the call than line 10 does: no rule of its tool or its roles, no
/// schema, no policy, and no environment to be outside of. All is named here, so that what is new does not go unasked.
#[inline(always)]
fn is_unasked(facts: &Facts<'_>, granted: &[Granted<'_>], call: &ToolCall) -> bool {
    // Lines 1 to 5 have looked at most, and the rest means something only to rules.
    let Facts {
        env: deployed,
        policies,
        links: _,
        session: _,
        owner: _,
        trust: _,
        tools: _,
        catalogues: _,
        manifest: _,
        meters: _,
        credentials: _,
        review: _,
    } = facts;
    let ToolCall { env, server, mcp, tool: _, action: _, resource: _, via: _, args: _ } = call;
    let bare = deployed.is_none() && env.is_none() && server.is_none() && mcp.is_none();
    bare && policies.is_none() && granted.iter().all(|granted| granted.asks == Asks::NOTHING)
}

/// Where the line stops.
enum Stop {
    Deny(Denial),
    Hold(Waits),
    Need(Need),
}

impl From<Stop> for Ruling<'_> {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Deny(denial) => Self::Deny(denial),
            Stop::Hold(waits) => Self::Hold(waits),
            Stop::Need(need) => Self::Need(need),
        }
    }
}

impl From<DenyCode> for Stop {
    fn from(code: DenyCode) -> Self {
        Self::Deny(Denial::new(code))
    }
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

impl From<Need> for Stop {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}

impl From<Wait> for Stop {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Deny(denial) => Self::Deny(denial),
            Wait::Hold(waits) => Self::Hold(waits),
            Wait::Load => Self::Need(Need::Review),
        }
    }
}

impl From<Unsound> for Stop {
    fn from(unsound: Unsound) -> Self {
        match unsound {
            Unsound::Unread => Self::Need(Need::Args),
            Unsound::Refused(error) => {
                let detail = error.map_or(Detail::None, Detail::Arguments);
                Self::Deny(Denial::with(DenyCode::InvalidArguments, detail))
            }
        }
    }
}
