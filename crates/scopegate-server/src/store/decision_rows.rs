//! What is looked for among decisions.

use scopegate_core::{DenyCode, Event, Name};

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "every verdict has a word for those who look for it")]
pub enum Verdict {
    /// It was permitted.
    Permitted,
    /// It was denied.
    Denied,
    /// A person has to agree.
    Held,
    /// It was denied because the session is over its budget: nothing of it goes on.
    Terminated,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Permitted, Self::Denied, Self::Held, Self::Terminated];

    /// What a record came to; `None` for outcomes.
    pub fn of(event: Event) -> Option<Self> {
        match event {
            Event::Permit => Some(Self::Permitted),
            Event::Hold => Some(Self::Held),
            Event::Deny(DenyCode::SessionTerminated) => Some(Self::Terminated),
            Event::Deny(_) => Some(Self::Denied),
            _ => None,
        }
    }

    /// Its number in the store, for ever.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Permitted => 1,
            Self::Denied => 2,
            Self::Held => 3,
            Self::Terminated => 4,
        }
    }
}

/// Which decisions are looked for: those that have all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever looks says what for")]
pub struct Wanted {
    /// What they came to.
    pub verdict: Option<Verdict>,
    /// What was to be done.
    pub action: Option<Name>,
    /// The agent, by its id as it was given.
    pub agent: Option<Name>,
    /// Those that this agent asked for, whatever else is looked for.
    pub owner: Option<Name>,
    /// The key that asked.
    pub key: Option<Name>,
}

/// How many decisions came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecisionCounts {
    /// Those that were permitted.
    pub permits: u64,
    /// Those that were denied.
    pub denials: u64,
    /// Those that waited for a person.
    pub holds: u64,
    /// Those that were denied because the session was over its budget.
    pub terminations: u64,
}

impl DecisionCounts {
    /// All of them.
    pub fn total(self) -> u64 {
        [self.permits, self.denials, self.holds, self.terminations].into_iter().fold(0, u64::saturating_add)
    }

    pub(super) fn of(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Permitted => &mut self.permits,
            Verdict::Denied => &mut self.denials,
            Verdict::Held => &mut self.holds,
            Verdict::Terminated => &mut self.terminations,
        }
    }
}
