//! Line 7: from here on rules may read arguments. Malformed ones stop here.

use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::Facts;
use crate::grant::Granted;
use crate::json::Members;

/// Why the arguments cannot be read.
pub(crate) enum Unsound {
    Refused(Denial),
    Unread,
}

/// The arguments, if any rule of this call reads them.
#[inline(always)]
pub(crate) fn read<'c>(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    call: &'c ToolCall,
) -> Result<Option<Members<'c>>, Unsound> {
    let env_known = facts.env.is_some() || call.env.is_some();
    if !granted.iter().any(|granted| reads(granted, env_known)) {
        return Ok(None);
    }
    match call.args.members() {
        Some(members) => Ok(Some(members)),
        None if call.args.is_unread() => Err(Unsound::Unread),
        None => {
            let detail = call.args.error().map_or(Detail::None, Detail::Arguments);
            Err(Unsound::Refused(Denial::with(DenyCode::InvalidArguments, detail)))
        }
    }
}

fn reads(granted: &Granted<'_>, env_known: bool) -> bool {
    let level = granted.level;
    granted.rules.is_some_and(|rules| rules.read_arguments())
        || level.rows.is_some()
        || (level.environments.is_some() && !env_known)
}
