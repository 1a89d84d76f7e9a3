//! Line 7: from here on rules may read arguments. Malformed ones stop here.

use crate::call::{Args, ToolCall};
use crate::facts::Facts;
use crate::grant::Granted;
use crate::json::{JsonError, Members};
use crate::schema::InForce;
use crate::time::Timestamp;

/// Why the arguments cannot be read.
#[derive(Clone, Copy)]
pub(crate) enum Unsound {
    /// The strict reader refused them, for this reason if it is known.
    Refused(Option<JsonError>),
    Unread,
}

/// The arguments, if any rule of this call reads them.
#[inline(always)]
pub(crate) fn read<'c>(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    schemas: Option<&InForce<'_>>,
    call: &'c ToolCall,
    now: Timestamp,
) -> Result<Option<Members<'c>>, Unsound> {
    if schemas.is_some() {
        return members(&call.args).map(Some);
    }
    if facts.policies.is_some_and(|policies| policies.read_arguments(facts, call, now)) {
        return members(&call.args).map(Some);
    }
    let env_known = facts.env.is_some() || call.env.is_some();
    for granted in granted {
        if reads(granted, env_known) {
            return members(&call.args).map(Some);
        }
    }
    Ok(None)
}

#[inline(always)]
fn members(args: &Args) -> Result<Members<'_>, Unsound> {
    let unsound = || if args.is_unread() { Unsound::Unread } else { Unsound::Refused(args.error()) };
    args.members().ok_or_else(unsound)
}

#[inline(always)]
fn reads(granted: &Granted<'_>, env_known: bool) -> bool {
    let level = granted.level;
    granted.rules.is_some_and(|rules| rules.read_arguments())
        || level.rows.is_some()
        || (level.environments.is_some() && !env_known)
}
