//! Line 6: allowed hours and days, UTC.

use crate::denial::{Denial, DenyCode};
use crate::grant::Granted;
use crate::problem::{PolicyError, Problem};
use crate::role::Role;
use crate::time::Timestamp;

/// Hours and days as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    hours: u32,
    days: u8,
}

const ALL_HOURS: u32 = (1 << 24) - 1;
const ALL_DAYS: u8 = (1 << 7) - 1;

impl Schedule {
    pub(crate) const ALWAYS: Self = Self { hours: ALL_HOURS, days: ALL_DAYS };

    pub(crate) fn compile(role: &Role) -> Result<Self, PolicyError> {
        let (start, end) = (role.allowed_hours_start, role.allowed_hours_end);
        for (name, hour) in [("allowed_hours_start", start), ("allowed_hours_end", end)] {
            if hour > 23 {
                return Err(PolicyError::from(Problem::Hour(hour)).in_member(name));
            }
        }
        let hours = match (below(start), below(end)) {
            _ if start == 0 && end == 0 => ALL_HOURS,
            _ if start == end => {
                return Err(PolicyError::from(Problem::EqualHours(start)).in_member("allowed_hours_end"));
            }
            (before, until) if start < end => until & !before,
            (before, until) => (ALL_HOURS & !before) | until,
        };
        let mut days = if role.allowed_days.is_empty() { ALL_DAYS } else { 0 };
        for (index, day) in role.allowed_days.iter().enumerate() {
            if *day > 6 {
                return Err(PolicyError::from(Problem::Day(*day))
                    .in_element(index)
                    .in_member("allowed_days"));
            }
            days |= 1 << day;
        }
        Ok(Self { hours, days })
    }

    /// Both must allow it.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { hours: self.hours & other.hours, days: self.days & other.days }
    }

    fn allows(self, now: Timestamp) -> bool {
        self.hours >> now.hour() & 1 == 1 && self.days >> now.weekday() & 1 == 1
    }
}

/// The hours before this one.
fn below(hour: u64) -> u32 {
    (1 << hour) - 1
}

pub(crate) fn check(granted: &[Granted<'_>], now: Timestamp) -> Result<(), Denial> {
    let limited = granted.iter().map(|granted| granted.level.schedule).filter(|s| *s != Schedule::ALWAYS);
    if limited.into_iter().all(|schedule| schedule.allows(now)) {
        Ok(())
    } else {
        Err(Denial::new(DenyCode::TimeViolation))
    }
}
