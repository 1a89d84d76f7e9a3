//! What is told to the log of an action, and what the log tells back.

use std::sync::OnceLock;

use scopegate_core::DecisionRecord;

use crate::audit::Circumstances;
use crate::store::Ticket;

/// The notes of an action's request. Whoever asked reads in them what was written down.
#[derive(Debug)]
pub(in crate::domain) struct Told {
    pub(in crate::domain) about: Circumstances,
    written: OnceLock<(DecisionRecord, Circumstances)>,
    place: OnceLock<Ticket>,
}

impl Told {
    pub(super) fn new(about: Circumstances) -> Self {
        Self { about, written: OnceLock::new(), place: OnceLock::new() }
    }

    /// Says what is written down. An action is decided once, so there is one record.
    pub(in crate::domain) fn tell(&self, record: &DecisionRecord, about: &Circumstances) {
        let _ = self.written.set((record.clone(), about.clone()));
    }

    /// Says where it waits to be kept.
    pub(in crate::domain) fn place(&self, place: Ticket) {
        let _ = self.place.set(place);
    }

    /// Where it waits to be kept.
    pub(super) fn placed(&self) -> Option<Ticket> {
        self.place.get().copied()
    }

    /// What was written down, or else what would have been.
    pub(super) fn written(&self) -> (Option<DecisionRecord>, Circumstances) {
        match self.written.get() {
            Some((record, about)) => (Some(record.clone()), about.clone()),
            None => (None, self.about.clone()),
        }
    }
}
