//! What stands beside a decision: policies that only look, and trust.

use crate::decide::{Call, Reference, Verdict};
use crate::policies::Makes;
use std::collections::BTreeMap;

/// What a session is refused for itself, whatever it calls.
const OF_THE_SESSION: [&str; 6] = [
    "JWT_INVALID",
    "AGENT_SUSPENDED",
    "SESSION_REVOKED",
    "JWT_EXPIRED",
    "SESSION_EXPIRED",
    "SESSION_TERMINATED",
];

/// What one policy in the shadow would have done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Shadowed {
    /// Calls that it looked at.
    pub evaluated: u64,
    /// Calls that it would have denied.
    pub would_deny: u64,
    /// Calls that it would have held.
    pub would_hold: u64,
    /// Calls that got a milder answer.
    pub would_have_changed: u64,
}

impl Reference {
    /// Policies in the shadow look at what was judged.
    pub(crate) fn look_beside(&mut self, session: usize, call: &Call, now: u64, verdict: &Verdict) {
        let strictness = match verdict {
            Verdict::Deny(code) if OF_THE_SESSION.contains(code) => return,
            Verdict::Deny(_) => 2,
            // Whoever agreed would have agreed for the policy too.
            Verdict::Hold { .. } | Verdict::Permit { consume: Some(_), .. } => 1,
            Verdict::Permit { consume: None, .. } => 0,
        };
        let seen = self.seen(session, call, now);
        let looking = self.policies.iter().filter(|policy| !policy.live);
        let said: Vec<(String, Option<Makes>)> = looking
            .map(|policy| (policy.name.clone(), policy.matches(&seen).then_some(policy.makes)))
            .collect();
        for (name, makes) in said {
            let counts = self.shadowed.entry(name).or_default();
            counts.evaluated += 1;
            counts.would_deny += u64::from(makes == Some(Makes::Deny));
            counts.would_hold += u64::from(makes == Some(Makes::Hold));
            let would = makes.map_or(0, |makes| if makes == Makes::Deny { 2 } else { 1 });
            counts.would_have_changed += u64::from(would > strictness);
        }
    }

    pub(crate) fn move_trust(&mut self, session: usize, verdict: &Verdict) {
        let tenths = match verdict {
            Verdict::Deny(code) if OF_THE_SESSION.contains(code) => 0,
            Verdict::Deny(_) => -20,
            Verdict::Hold { open_until: Some(_), .. } => -5,
            Verdict::Hold { open_until: None, .. } => 0,
            Verdict::Permit { .. } => 2,
        };
        let owner = self.sessions[session].owner.clone();
        self.trusted.move_by(&owner, tenths);
    }

    /// What policies in the shadow would have done so far, by name.
    pub fn shadowed(&self) -> &BTreeMap<String, Shadowed> {
        &self.shadowed
    }

    /// How far an agent is trusted, in tenths.
    pub fn trust(&self, owner: &str) -> u64 {
        self.trusted.of(owner)
    }
}
