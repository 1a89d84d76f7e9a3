//! How sessions and seats are found: by what of them is hashed and compared.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use papaya::Equivalent;
use scopegate_core::{Name, SessionId};

use super::{Seat, Session};
use crate::token::Token;

/// A session, found by its token. The token stands beside it, so that a look at the session's own
/// memory need not wait for the comparison.
pub(super) struct ByToken(pub(super) Token, pub(super) Arc<Session>);

impl Hash for ByToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for ByToken {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for ByToken {}

impl Equivalent<ByToken> for Token {
    fn equivalent(&self, key: &ByToken) -> bool {
        *self == key.0
    }
}

/// A session, found by its id.
pub(super) struct ById(pub(super) Arc<Session>);

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Equivalent<ById> for SessionId {
    fn equivalent(&self, key: &ById) -> bool {
        *self == key.0.id
    }
}

/// A seat, found by its owner and role.
pub(super) struct Seated(pub(super) Arc<Seat>);

impl Hash for Seated {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
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
