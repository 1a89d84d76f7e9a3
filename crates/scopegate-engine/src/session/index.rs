//! How sessions and seats are found: by what of them is hashed and compared.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use papaya::Equivalent;
use scopegate_core::{Link, Name, SessionId};

use super::{Seat, Session};
use crate::snapshot::{Slot, Snapshot};
use crate::token::{Mark, Token};

/// A session where it is found, by its token or its id. What a decision reads first stands beside it, so
/// that a look at the seat and at the scope need not wait for the session's own memory.
pub(crate) struct Placed {
    token: Token,
    pub(crate) session: Arc<Session>,
    pub(crate) seat: Arc<Seat>,
    slot: Slot,
}

impl Placed {
    pub(super) fn new(token: Token, session: Arc<Session>) -> Self {
        Self { token, seat: session.seat.clone(), slot: session.slot, session }
    }

    /// The session as a decision sees it, where it is [plain](Session::is_plain).
    #[inline(always)]
    pub(crate) fn link<'s>(&self, snapshot: &'s Snapshot) -> Link<'s> {
        self.session.link_by(&self.seat, snapshot.scope(self.slot))
    }
}

impl Hash for Placed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.token.mark().hash(state);
    }
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.token == other.token && self.session.id == other.session.id
    }
}

impl Eq for Placed {}

impl Equivalent<Placed> for Token {
    #[inline]
    fn equivalent(&self, place: &Placed) -> bool {
        *self == place.token
    }
}

impl Hash for Token {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.mark().hash(state);
    }
}

/// A session's id, as what to look for.
pub(super) struct Id(pub(super) SessionId);

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Mark::of(self.0).hash(state);
    }
}

impl Equivalent<Placed> for Id {
    fn equivalent(&self, place: &Placed) -> bool {
        self.0 == place.session.id
    }
}

/// A seat, in the order of owners, then of roles.
pub(super) struct Seated(pub(super) Arc<Seat>);

impl Ord for Seated {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl PartialOrd for Seated {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Seated {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Seated {}

impl Borrow<(Name, Name)> for Seated {
    fn borrow(&self) -> &(Name, Name) {
        &self.0.key
    }
}
