//! The straight line: every rule in order, one line each. A finger on a line leads to its file.
//!
//! Lines that read no arguments come first, a denial comes before a hold, and only a permit
//! spends.

use crate::arguments::Unsound;
use crate::budget::Budget;
use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::enforcer::Need;
use crate::facts::{Changes, Facts, Held, Paid, Ruling, Waits};
use crate::grant::{Granted, Way, manifest};
use crate::id::GrantId;
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
        Err(Stop::Deny(denial)) if !facts.grants.is_empty() => {
            match instead(facts, request, now, denial, changes) {
                Ok(()) => Ruling::Permit(changes),
                Err(stop) => stop.into(),
            }
        }
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
    let scopes = mcp::check(facts, scopes, call)?; // 3: in its own MCP session, to a server and an unchanged tool it may name?
    forbid::check(scopes, call)?; // 4: is it forbidden, whatever grants it?
    policy::forbid(facts, call, now)?; // 4: or denied by a policy that nothing lifts?
    // 5: is there a grant for this tool, in every scope in force?
    match (scopes, request.grant) {
        (_, Some(id)) => named(facts, request, now, id, changes),
        (Scopes::One(scope), None) => {
            guard(facts, &[grant::find(facts, scope, call)?], Way::Role, request, now, changes)
        }
        (Scopes::Chain(links), None) => {
            guard(facts, &grant::find_all(facts, links, call)?, Way::Role, request, now, changes)
        }
    }
}

/// Line 5 for a call that names a grant: that one alone counts.
#[inline(never)]
fn named(
    facts: &Facts<'_>,
    request: &AccessRequest<'_>,
    now: Timestamp,
    id: GrantId,
    changes: &mut Changes,
) -> Result<(), Stop> {
    let held = grant::named(facts, id)?;
    let replaced = held.grant.break_glass().and_then(|_| {
        let alone = AccessRequest { grant: None, ..*request };
        match judge(facts, &alone, now, &mut Changes::default()) {
            Err(Stop::Deny(denial)) => Some(denial.code),
            _ => None,
        }
    });
    by_grant(facts, request, now, (held, replaced), changes)
}

/// Line 5 once more, for a call that was denied without a grant: a window may admit it, and then a break-glass.
#[cold]
#[inline(never)]
fn instead(
    facts: &Facts<'_>,
    request: &AccessRequest<'_>,
    now: Timestamp,
    denial: Denial,
    changes: &mut Changes,
) -> Result<(), Stop> {
    let (mut denial, mut tried) = (denial, None);
    // Sub-agents have nothing but their roles.
    while request.grant.is_none()
        && facts.links.len() == 1
        && let Some(held) = grant::instead(facts, &denial, request, now, tried)
    {
        *changes = Changes::default();
        let replaced = held.grant.break_glass().map(|_| denial.code);
        match by_grant(facts, request, now, (held, replaced), changes) {
            Err(Stop::Deny(next)) if replaced.is_none() => (denial, tried) = (next, Some(held)),
            done => return done,
        }
    }
    Err(denial.into())
}

/// Lines 1 to 12 under a grant. Sub-agents get nothing of what their owner holds: they may do less than
/// the session they were opened by, never more.
#[inline(never)]
fn by_grant(
    facts: &Facts<'_>,
    request: &AccessRequest<'_>,
    now: Timestamp,
    (held, replaced): (&Held<'_>, Option<DenyCode>),
    changes: &mut Changes,
) -> Result<(), Stop> {
    let Scopes::One(scope) = identity::check(facts.links, now)? else {
        return Err(grant::not_by(held.grant.id).into());
    };
    let granted = grant::find_held(facts, scope, held, request.call, now)?;
    guard(facts, &granted, Way::Grant(held), request, now, changes)?;
    changes.paid = Some(Paid { grant: held.grant.id, replaced });
    Ok(())
}

/// The rest of the line, once there is a grant in every scope. It stands in the program several times: where
/// there is one link and its role grants, as nearly always, every loop over links is a single step. For that the rules that it calls
/// are inlined too.
#[inline(always)]
fn guard(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    way: Way<'_>,
    request: &AccessRequest<'_>,
    now: Timestamp,
    changes: &mut Changes,
) -> Result<(), Stop> {
    let call = request.call;
    manifest::check(facts, call)?; // 5: and in the agent's manifest, where it has one?
    grant::check(facts, granted, way)?; // 5: trusted so far, with its credential, so deep, with a use left?
    if !way.lifts() {
        schedule::check(granted, now)?; // 6: at this time?
    }
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
    let asks = policy::check(facts, call, now, &budget, way.lifts())?; // 9: does a policy stand against it?
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
        grants: _,
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
