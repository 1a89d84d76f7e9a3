//! The sessions that this process opened.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use scopegate_core::{Name, SessionId, Timestamp};

use super::seat::Seat;

/// How long a session that is over is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// By id, and by the plane's token.
#[derive(Default)]
pub(super) struct Seats(RwLock<Known>);

#[derive(Default)]
struct Known {
    by_id: HashMap<SessionId, Arc<Seat>>,
    by_token: HashMap<Box<str>, SessionId>,
}

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
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Known { by_id, by_token } = &mut *known;
        if by_id.len().is_power_of_two() && by_id.len() >= 1024 {
            // Whoever opened it must be told the truth of it, however late.
            by_id.retain(|_, seat| seat.expires_at.after(REMEMBERED) > now || seat.watch.is_held());
            by_token.retain(|_, id| by_id.contains_key(id));
        }
        by_token.insert(seat.token.reveal().into(), seat.id);
        by_id.insert(seat.id, seat);
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Arc<Seat>> {
        self.read().by_id.get(&id).cloned()
    }

    /// Whose token of the plane's this is.
    pub(super) fn holder(&self, token: &str) -> Option<SessionId> {
        self.read().by_token.get(token).copied()
    }

    /// The sessions that have not been ended.
    pub(super) fn open(&self, now: Timestamp) -> Vec<Arc<Seat>> {
        self.read().by_id.values().filter(|seat| !seat.is_over() && now < seat.expires_at).cloned().collect()
    }

    /// Takes back what a change touched, and nothing else.
    pub(super) fn touch(&self, touched: &Touched) {
        let seats = self.read();
        let changed = seats.by_id.values().filter(|seat| match touched {
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

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
