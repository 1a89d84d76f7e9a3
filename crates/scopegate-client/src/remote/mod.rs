//! The remote enforcer: decides here while the plane lends what that takes, and asks it otherwise.
//!
//! ```text
//! call → local engine, if the session is lent ── decided: recorded in the journal, shipped to the plane
//!           │ not lent, lease over, held, no rate left
//!           ▼
//!        breaker → plane (nonce, retries) ── decided
//!           │ no answer
//!           ▼
//!        no decision; or, where `danger_fail_open` was said, the last known scope, journalled first
//! ```
//!
//! The rules are the engine's: a [`LocalEnforcer`] decides with the roles that the plane lent. What the
//! plane said of freshness is in `lease.rs` and `standing.rs`, what one session may still use in
//! `seat.rs`, what happens when the plane cannot be reached in `ask.rs` and `open.rs`.

mod agents;
mod answers;
mod ask;
mod book;
mod builder;
mod clocks;
mod enforce;
mod events;
mod follow;
mod journal;
mod lease;
mod leftover;
mod open;
mod rate;
mod reviews;
mod routes;
mod said;
mod scope;
mod seat;
mod seats;
mod sent;
mod sessions;
mod ship;
mod standing;
#[cfg(test)]
mod tests;
mod verdict;

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scopegate_core::{Breaker, SessionId};
use scopegate_engine::LocalEnforcer;

use self::agents::Agents;
use self::answers::Answers;
pub use self::builder::{Counts, RemoteBuildError, RemoteBuilder};
pub use self::clocks::{Clocks, ManualClocks, SystemClocks};
use self::journal::Journal;
use self::lease::Lease;
use self::open::FailOpen;
pub use self::routes::lent_routes;
use self::scope::Scopes;
use self::seats::Seats;
use crate::client::Client;

/// Decides with a plane. Cheap to clone; clones share everything.
///
/// Calls of sessions that it opened are decided in this process while the plane has confirmed, in the
/// last five seconds, that nothing has changed; a permit is recorded here before it is given out, and the
/// record is sent to the plane. Everything else is asked of the plane, and when there is no answer there
/// is no permit.
///
/// | the plane | a call that needs it | with `danger_fail_open` |
/// |---|---|---|
/// | does not take connections | no decision | the last known scope decides |
/// | does not answer in time | no decision | the last known scope decides |
/// | 502, 503, 504 without a decision | no decision | the last known scope decides |
/// | did so five times in a row (30 s) | no decision, and nothing is sent | the last known scope decides |
/// | breaks off, also when it cannot be reached after that | no decision | no decision |
/// | answers 500, 4xx, or nothing that a plane answers | no decision | no decision |
/// | answers | the answer | the answer |
#[derive(Clone)]
pub struct RemoteEnforcer {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    /// The same plane, with more patience: a stream of events is silent most of the time.
    listener: Client,
    patience: Duration,
    clocks: Arc<dyn Clocks>,
    /// Decides what is lent.
    local: LocalEnforcer,
    lease: Arc<Lease>,
    scopes: Mutex<Scopes>,
    seats: Seats,
    /// Whether a session's scope was lent a moment ago; whoever asks meanwhile gets the same answer.
    loading: moka::future::Cache<SessionId, bool>,
    agents: Agents,
    breaker: Mutex<Breaker>,
    journal: Arc<Journal>,
    answers: Option<Answers>,
    open: Option<FailOpen>,
    /// Whether the plane is one of ours: then it knows scopes, nonces and journals.
    native: AtomicBool,
    /// Whether the tasks run that follow the plane.
    following: AtomicBool,
    closed: AtomicBool,
    /// Verdicts of the plane.
    asked: AtomicU64,
}

/// Whoever waits in the journal is let go, so that the engine's thread can end.
impl Drop for Inner {
    fn drop(&mut self) {
        self.journal.close();
    }
}

impl std::fmt::Debug for RemoteEnforcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteEnforcer").field("client", &self.inner.client).finish_non_exhaustive()
    }
}

/// Nothing under these locks is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
