//! What happens when the plane cannot be reached and `danger_fail_open` was said.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Decision, Enforcer, Outcome, PermitId, PolicyError, Principal, ProvisionError, Role,
    ToolCall,
};
use scopegate_engine::{Durability, FileSink, LentSession, LocalEnforcer, Policy};

use super::clocks::{Clocks, Wall};
use super::journal::{Journal, ToDisk};
use super::lock;
use super::seat::Seat;

/// Most permits in any span of this length.
const MOST: usize = 100;
const SPAN: Duration = Duration::from_secs(600);
/// When a record file is closed and the next begun.
const ROTATE: u64 = 64 * 1024 * 1024;

/// Decides by the last known scopes, writes each decision to disk before it is given out, and stops
/// after a hundred permits in ten minutes. Limits count here, apart from the plane's.
pub(super) struct FailOpen {
    engine: LocalEnforcer,
    clocks: Arc<dyn Clocks>,
    given: Mutex<VecDeque<Duration>>,
    permits: AtomicU64,
}

/// A session that is decided on here until it is taken back or ended, however old the lease.
struct LastKnown(Arc<Seat>);

impl scopegate_engine::Lender for LastKnown {
    fn lends(&self) -> bool {
        self.0.is_last_known()
    }

    fn unspent(&self) {}
}

impl FailOpen {
    pub(super) fn new(
        folder: &Path,
        clocks: Arc<dyn Clocks>,
        journal: Arc<Journal>,
    ) -> Result<Self, scopegate_engine::BuildError> {
        let file = FileSink::open(folder, ROTATE).map_err(scopegate_engine::BuildError::Records)?;
        let mut nothing = Policy::new([]);
        nothing.allow_empty = true;
        let engine = LocalEnforcer::builder(nothing)
            .clock(Wall(clocks.clone()))
            .record_to(ToDisk { file, journal }, Durability::Durable)
            .build()?;
        Ok(Self { engine, clocks, given: Mutex::default(), permits: AtomicU64::new(0) })
    }

    pub(super) fn put_role(&self, role: Role) -> Result<(), PolicyError> {
        self.engine.put_role(role)
    }

    pub(super) fn borrow_session(
        &self,
        lent: LentSession,
        seat: Arc<Seat>,
    ) -> Result<Principal, ProvisionError> {
        self.engine.borrow_session(lent, Arc::new(LastKnown(seat)))
    }

    /// Decides a call without the plane. `None` where that must not be: the session was ended, taken back
    /// or never lent, a person has to agree, or too many were permitted already.
    pub(super) async fn decide(&self, seat: &Seat, call: &ToolCall) -> Option<Decision> {
        let principal = seat.open().filter(|_| seat.is_last_known())?;
        let place = self.take()?;
        let decision = self.engine.enforce(&AccessRequest::new(principal.as_ref(), call)).await;
        match decision {
            Ok(Decision::Permit(permit)) => {
                self.permits.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(permit = %permit.id, tool = %call.tool, "permitted without the plane, which cannot be reached");
                Some(Decision::Permit(permit))
            }
            Ok(Decision::Deny(denial)) => {
                self.give_back(place);
                Some(Decision::Deny(denial))
            }
            Ok(Decision::Hold(_)) | Err(_) => {
                self.give_back(place);
                None
            }
        }
    }

    pub(super) fn complete(&self, permit: PermitId, outcome: Outcome) {
        self.engine.complete(permit, outcome);
    }

    pub(super) fn permits(&self) -> u64 {
        self.permits.load(Ordering::Relaxed)
    }

    /// One of the permits that may be given in this span.
    fn take(&self) -> Option<Duration> {
        let (now, mut given) = (self.clocks.monotonic(), lock(&self.given));
        while given.front().is_some_and(|at| now.saturating_sub(*at) >= SPAN) {
            given.pop_front();
        }
        (given.len() < MOST).then(|| {
            given.push_back(now);
            now
        })
    }

    fn give_back(&self, place: Duration) {
        let mut given = lock(&self.given);
        if let Some(at) = given.iter().rposition(|at| *at == place) {
            given.remove(at);
        }
    }
}
