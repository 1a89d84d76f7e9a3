//! The sessions that this process opened.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use scopegate_core::{Name, SessionId, Timestamp};

use super::seat::Seat;

/// How long a session that is over is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// By id.
#[derive(Default)]
pub(super) struct Seats(RwLock<HashMap<SessionId, Arc<Seat>>>);

/// What a change of the plane's touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    Role(Name),
    Session(SessionId),
    Owner(Name),
    /// A later plane has changes that this crate does not know.
    Anything,
}

impl Seats {
    pub(super) fn put(&self, seat: Arc<Seat>, now: Timestamp) {
        let mut seats = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if seats.len().is_power_of_two() && seats.len() >= 1024 {
            seats.retain(|_, seat| seat.expires_at.after(REMEMBERED) > now);
        }
        seats.insert(seat.id, seat);
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Arc<Seat>> {
        self.read().get(&id).cloned()
    }

    /// The sessions that have not been ended.
    pub(super) fn open(&self, now: Timestamp) -> Vec<Arc<Seat>> {
        self.read().values().filter(|seat| !seat.is_over() && now < seat.expires_at).cloned().collect()
    }

    /// Takes back what a change touched, and nothing else.
    pub(super) fn touch(&self, touched: &Touched) {
        let seats = self.read();
        let changed = seats.values().filter(|seat| match touched {
            Touched::Role(role) => seat.rests_on(role),
            Touched::Session(id) => seat.id == *id,
            Touched::Owner(owner) => seat.is_owned_by(owner),
            Touched::Anything => true,
        });
        changed.for_each(|seat| match touched {
            // Sessions change once: they end.
            Touched::Session(_) => seat.end(),
            _ => seat.take_back(),
        });
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<SessionId, Arc<Seat>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
