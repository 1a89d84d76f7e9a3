//! `temporal`: in which hours and on which days, UTC.

use super::written::Conditions;
use crate::problem::{PolicyError, Problem};
use crate::time::Timestamp;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Hours and days as bits. It matches in any of either.
#[derive(Debug)]
pub(super) struct Blocked {
    hours: u32,
    days: u8,
}

impl Blocked {
    pub(super) fn compile(conditions: &Conditions) -> Result<Self, PolicyError> {
        let mut blocked = Self { hours: 0, days: 0 };
        for (index, hour) in conditions.blocked_hours.iter().enumerate() {
            match hour {
                0..=23 => blocked.hours |= 1 << hour,
                _ => return Err(place(Problem::Hour(*hour), "blocked_hours", index)),
            }
        }
        for (index, day) in conditions.blocked_days.iter().enumerate() {
            match day {
                1..=7 => blocked.days |= 1 << (day - 1),
                _ => return Err(place(Problem::BlockedDay(*day), "blocked_days", index)),
            }
        }
        if blocked.hours == 0 && blocked.days == 0 {
            let problem = Problem::PolicyNeeds("temporal", "blocked_hours` or `blocked_days");
            return Err(PolicyError::from(problem).in_member("conditions"));
        }
        Ok(blocked)
    }

    pub(super) fn matches(&self, now: Timestamp) -> bool {
        ((self.hours >> now.hour()) | (u32::from(self.days) >> now.weekday())) & 1 == 1
    }

    pub(super) fn words(&self) -> String {
        let hours: Vec<_> = (0..24).filter(|hour| self.hours >> hour & 1 == 1).collect();
        let hours = hours.iter().map(|hour| format!("{hour:02}:00")).collect::<Vec<_>>().join(", ");
        let days = DAYS.iter().zip(0..).filter(|(_, day)| self.days >> *day & 1 == 1);
        let days = days.map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        match (self.hours, self.days) {
            (_, 0) => format!("in the hours from {hours} (UTC)"),
            (0, _) => format!("on {days} (UTC)"),
            _ => format!("in the hours from {hours}, and on {days} (UTC)"),
        }
    }
}

fn place(problem: Problem, member: &str, index: usize) -> PolicyError {
    PolicyError::from(problem).in_element(index).in_member(member).in_member("conditions")
}
