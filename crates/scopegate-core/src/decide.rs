//! The straight line: every rule in order, one line each. A finger on a line leads to its file.
//!
//! Lines that read no arguments come first, a denial comes before a hold, and only a permit
//! spends. Lines 3 (MCP identity) and 9 (policies) are not here yet.

use crate::call::ToolCall;
use crate::denial::Denial;
use crate::enforcer::Need;
use crate::facts::{Changes, Facts, Link, Ruling};
use crate::request::AccessRequest;
use crate::review::Wait;
use crate::time::Timestamp;
use crate::{arguments, constraint, environment, forbid, grant, identity, rate, review, rows, schedule};

/// Decides. Pure: the same facts, request and time always give the same ruling.
pub fn decide(facts: &Facts<'_>, request: &AccessRequest<'_>, now: Timestamp) -> Ruling {
    // The line stands in the program twice: most sessions have no parent, and then every loop over
    // links is a single step. For that the rules that it calls are inlined too.
    let judged = match facts.links {
        [link] => judge(facts, std::slice::from_ref(link), request.call, now),
        links => judge(facts, links, request.call, now),
    };
    match judged {
        Ok(changes) => Ruling::Permit(changes),
        Err(Stop::Deny(denial)) => Ruling::Deny(denial),
        Err(Stop::Hold(seconds)) => Ruling::Hold(seconds),
        Err(Stop::Need(need)) => Ruling::Need(need),
    }
}

#[inline(always)]
fn judge<'a>(
    facts: &Facts<'a>,
    links: &'a [Link<'a>],
    call: &ToolCall,
    now: Timestamp,
) -> Result<Changes, Stop> {
    let scopes = identity::check(links, now)?; // 1, 2: who is this, and is the session alive?
    forbid::check(scopes, call)?; // 4: is it forbidden, whatever grants it?
    let granted = grant::check(facts, scopes, call)?; // 5: is there a grant for this tool?
    let granted = granted.as_slice();
    schedule::check(granted, now)?; // 6: at this time?
    let args = arguments::read(facts, granted, call)?; // 7: are the arguments sound?
    let args = args.as_ref();
    environment::check(facts, granted, call, args)?; // 8: in this environment?
    constraint::check(granted, args)?; // 8: with these arguments?
    rows::check(granted, args)?; // 8: with so many rows?
    let spends = rate::check(facts, granted, now)?; // 10: not too often?
    let waits = grant::approval(granted, args); // 11: does a person have to agree?
    let consumes = review::check(facts, waits, now)?; // 11: and has one?
    Ok(Changes {
        spends,
        consumes,
        credential: grant::credential(granted).cloned(),
        digest_arguments: scopes.iter().any(|scope| scope.digests_arguments()),
        obligations: None,
    })
}

/// Where the line stops.
enum Stop {
    Deny(Denial),
    Hold(u64),
    Need(Need),
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
            Wait::Hold(seconds) => Self::Hold(seconds),
            Wait::Load => Self::Need(Need::Review),
        }
    }
}

impl From<arguments::Unsound> for Stop {
    fn from(unsound: arguments::Unsound) -> Self {
        match unsound {
            arguments::Unsound::Refused(denial) => Self::Deny(denial),
            arguments::Unsound::Unread => Self::Need(Need::Args),
        }
    }
}
