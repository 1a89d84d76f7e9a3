//! How often, and for how long, glass may be broken.

use std::time::Duration;

use scopegate_core::{Grant, GrantError, GrantState, Timestamp};

use super::Grants;

/// Of one agent, in half an hour.
const OF_AGENT: usize = 3;
const HALF_HOUR: Duration = Duration::from_secs(30 * 60);
/// Of all agents together, in a day.
const OF_DAY: Duration = Duration::from_secs(4 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Grants that one agent may have open at a time.
const OPEN: usize = 100;

impl Grants {
    /// Whether this break-glass may be opened now.
    pub(super) fn check_quota(&self, new: &Grant, now: Timestamp) -> Result<(), GrantError> {
        let earlier = || self.broken.iter().filter_map(|id| self.get(*id));
        if let Some(overdue) = earlier().find(|glass| glass.review_due().is_some_and(|due| due <= now)) {
            return Err(GrantError::Unreviewed(overdue.id));
        }
        let recent =
            earlier().filter(|glass| glass.agent == new.agent && glass.opened_at.after(HALF_HOUR) > now);
        let mut recent: Vec<Timestamp> = recent.map(|glass| glass.opened_at).collect();
        recent.sort_unstable();
        if let Some(first) = recent.len().checked_sub(OF_AGENT).and_then(|at| recent.get(at)) {
            return Err(GrantError::TooSoon(first.after(HALF_HOUR)));
        }
        let today = earlier().filter(|glass| ends(glass).after(DAY) > now);
        let lasted = today.map(length).chain([length(new)]).fold(Duration::ZERO, Duration::saturating_add);
        if lasted > OF_DAY { Err(GrantError::TooLong) } else { Ok(()) }
    }

    /// Whether the agent may hold one more.
    pub(super) fn check_room(&self, agent: &str, now: Timestamp) -> Result<(), GrantError> {
        let held = self.by_agent.get(agent).into_iter().flatten().filter_map(|id| self.get(*id));
        let open = held.filter(|grant| grant.state(now) == GrantState::Active).count();
        if open >= OPEN { Err(GrantError::TooMany(open + 1, OPEN)) } else { Ok(()) }
    }
}

/// When it was over, or will be.
fn ends(grant: &Grant) -> Timestamp {
    grant.ended.as_ref().map_or(grant.until, |ended| ended.at)
}

/// How long it lasted, or will.
fn length(grant: &Grant) -> Duration {
    grant.opened_at.until(ends(grant))
}
