//! Line 6: allowed hours and days, UTC.

use crate::denial::DenyCode;
use crate::grant::Granted;
use crate::problem::{PolicyError, Problem};
use crate::role::Role;
use crate::time::Timestamp;

/// Hours and days as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// How it reads; nothing when it restricts nothing.
    pub(crate) fn words(self) -> Vec<String> {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let mut words = Vec::new();
        if self.hours != ALL_HOURS {
            let on = |hour: &u32| self.hours >> hour & 1 == 1;
            let starts = (0..24).filter(|hour| on(hour) && (*hour == 0 || !on(&(hour - 1))));
            let span = |start: u32| {
                let end = (start..24).find(|hour| !on(hour)).unwrap_or(24);
                format!("{start:02}:00-{end:02}:00")
            };
            let spans: Vec<_> = starts.map(span).collect();
            let spans = if spans.is_empty() { "at no hour".to_owned() } else { spans.join(" and ") };
            words.push(format!("hours: {spans} UTC"));
        }
        if self.days != ALL_DAYS {
            let on = DAYS.iter().zip(0..).filter(|(_, day)| self.days >> *day & 1 == 1);
            let days: Vec<_> = on.map(|(name, _)| *name).collect();
            let days = if days.is_empty() { "none".to_owned() } else { days.join(", ") };
            words.push(format!("days: {days} (UTC)"));
        }
        words
    }

    #[inline(always)]
    fn allows(self, now: Timestamp) -> bool {
        (self.hours >> now.hour()) & (u32::from(self.days) >> now.weekday()) & 1 == 1
    }
}

/// The hours before this one.
fn below(hour: u64) -> u32 {
    (1 << hour) - 1
}

#[inline(always)]
pub(crate) fn check(granted: &[Granted<'_>], now: Timestamp) -> Result<(), DenyCode> {
    for granted in granted {
        let schedule = granted.level.schedule;
        if schedule != Schedule::ALWAYS && !schedule.allows(now) {
            return Err(DenyCode::TimeViolation);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_aloud() {
        let role = |allowed_hours_start, allowed_hours_end, allowed_days: &[u64]| {
            let allowed_days = allowed_days.to_vec();
            Role { allowed_hours_start, allowed_hours_end, allowed_days, ..Role::new("r") }
        };
        let words = |role: &Role| Schedule::compile(role).unwrap().words();
        assert_eq!(words(&role(0, 0, &[])), [""; 0]);
        assert_eq!(words(&role(9, 17, &[])), ["hours: 09:00-17:00 UTC"]);
        assert_eq!(
            words(&role(22, 6, &[0, 6])),
            ["hours: 00:00-06:00 and 22:00-24:00 UTC", "days: Mon, Sun (UTC)"]
        );
        let never = Schedule::compile(&role(0, 6, &[0])).unwrap();
        let never = never.and(Schedule::compile(&role(6, 12, &[1])).unwrap());
        assert_eq!(never.words(), ["hours: at no hour UTC", "days: none (UTC)"]);
    }
}
