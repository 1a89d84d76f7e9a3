//! Events on their way to the webhooks of roles: signed, sent to public addresses only, tried twice,
//! then parked for a person to look at.
//!
//! An event is kept in the transaction of what caused it, and sent once that is kept: at least once.

mod deliver;
mod event;
mod guard;
mod sign;

pub(crate) use self::deliver::{Courier, Outbox};
pub(crate) use self::event::denied;
pub use self::guard::Guard;
pub use self::sign::{scopebound_signature, standard_signature};
