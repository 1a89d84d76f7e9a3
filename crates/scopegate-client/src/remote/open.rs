//! What happens when the plane cannot be reached and `danger_fail_open` was said.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scopegate_core::{
    AccessRequest, Decision, Enforcer, Outcome, PermitId, PolicyError, Principal, ProvisionError, Role,
    SessionId, ToolCall,
};
use scopegate_engine::{Durability, FileSink, LentSession, Loan, LocalEnforcer, Policy};

use super::book::{Batch, Book};
use super::clocks::{Clocks, Wall};
use super::journal::{Journal, ToDisk};
use super::leftover::{self, Leftover};
use super::lock;
use super::seat::Seat;
use super::sent::SentLog;

/// Most permits in any span of this length.
const MOST: usize = 100;
const SPAN: Duration = Duration::from_secs(600);
/// When a record file is closed and the next begun.
const ROTATE: u64 = 64 * 1024 * 1024;

/// Decides by the last known scopes, writes each decision to disk before it is given out, and stops
/// after a hundred permits in ten minutes. Limits count here, apart from the plane's.
///
/// What it wrote and the plane has is removed when the enforcer is closed. What an earlier process left
/// is sent by this one.
pub(super) struct FailOpen {
    engine: LocalEnforcer,
    folder: PathBuf,
    sent: SentLog,
    leftover: Mutex<Option<Leftover>>,
    /// Whether the plane refused records of this process.
    refused: AtomicBool,
    clocks: Arc<dyn Clocks>,
    given: Mutex<VecDeque<Duration>>,
    permits: AtomicU64,
    /// Held as long as the folder is in use; let go of last.
    _locked: File,
}

/// A session that is decided on here until it is taken back or ended, however old the lease.
struct LastKnown(Arc<Seat>);

impl scopegate_engine::Lender for LastKnown {
    fn lend(&self) -> Option<Loan> {
        self.0.is_last_known().then(Loan::default)
    }

    fn unspent(&self, _: Loan) {}
}

impl FailOpen {
    pub(super) fn new(
        folder: &Path,
        clocks: Arc<dyn Clocks>,
        journal: Arc<Journal>,
    ) -> Result<Self, scopegate_engine::BuildError> {
        let records = scopegate_engine::BuildError::Records;
        let locked = lock_folder(folder).map_err(records)?;
        let (sent, leftover) = take_leftover(folder, &journal).map_err(records)?;
        let file = FileSink::open(folder, ROTATE).map_err(records)?;
        let mut nothing = Policy::new([]);
        nothing.allow_empty = true;
        let engine = LocalEnforcer::builder(nothing)
            .clock(Wall(clocks.clone()))
            .record_to(ToDisk { file, journal }, Durability::Durable)
            .build()?;
        Ok(Self {
            engine,
            folder: folder.to_owned(),
            sent,
            leftover: Mutex::new(leftover),
            refused: AtomicBool::new(false),
            clocks,
            given: Mutex::default(),
            permits: AtomicU64::new(0),
            _locked: locked,
        })
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
    /// or never lent, the plane refused the tool since, a person has to agree, or too many were permitted
    /// already.
    pub(super) async fn decide(&self, seat: &Seat, call: &ToolCall) -> Option<Decision> {
        let may_be = || seat.is_last_known() && !seat.said.was_refused(&call.tool);
        let principal = seat.open().filter(|_| may_be())?;
        let place = self.take()?;
        let decision = self.engine.enforce(&AccessRequest::new(principal.as_ref(), call)).await;
        match decision {
            // Taken back while its record was written.
            Ok(Decision::Permit(permit)) if !may_be() => {
                self.engine.complete(permit.id, Outcome::Dropped);
                None
            }
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

    /// Waits until everything so far is on disk and in the journal.
    pub(super) async fn flush(&self) -> bool {
        self.engine.flush().await
    }

    /// A batch is about to be sent.
    pub(super) fn sending(&self, session: SessionId, batch: &Batch) {
        if let Err(error) = self.sent.note(session, batch) {
            // Sent all the same: at worst another process sends it again, and is told so.
            tracing::warn!(%error, "what is sent of the records under fail-open cannot be noted");
        }
    }

    /// The plane refused records of a session: their files are kept.
    pub(super) fn refused(&self, session: SessionId, batch: &Batch) {
        if let Err(error) = self.sent.note_refused(session, batch) {
            tracing::warn!(%error, "that the plane refused records cannot be noted");
        }
        let left = lock(&self.leftover).as_mut().is_some_and(|leftover| leftover.refuse(session));
        if !left {
            self.refused.store(true, Ordering::Release);
        }
    }

    /// Removes what an earlier process left, once all of it was sent.
    pub(super) fn let_go_of_leftovers(&self, journal: &Journal) {
        let mut leftover = lock(&self.leftover);
        if leftover.as_ref().is_some_and(|leftover| journal.has_sent(leftover.sessions()))
            && let Some(leftover) = leftover.take()
        {
            leftover.let_go();
        }
    }

    /// Removes what this process wrote, if the plane has all of it. Nothing is decided any more.
    pub(super) fn tidy_up(&self, journal: &Journal) {
        self.let_go_of_leftovers(journal);
        if !journal.is_empty() || self.refused.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = remove_records(&self.folder).and_then(|()| self.sent.clear()) {
            tracing::warn!(%error, "records that the plane has cannot be removed");
        }
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

/// One process at a time: another would send what this one is about to.
fn lock_folder(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
    file.try_lock()
        .map_err(|_| io::Error::other(format!("{} is in use by another process", folder.display())))?;
    Ok(file)
}

/// Puts what an earlier process left into the journal.
fn take_leftover(folder: &Path, journal: &Journal) -> io::Result<(SentLog, Option<Leftover>)> {
    let (sent, noted) = SentLog::open(folder)?;
    let Some((mut leftover, records)) = Leftover::take(folder)? else {
        sent.clear()?;
        return Ok((sent, None));
    };
    tracing::warn!(
        sessions = records.len(),
        "an earlier process left permits that it did not tell the plane of"
    );
    for (session, records) in records {
        let noted = noted.get(&session).map(Vec::as_slice).unwrap_or_default();
        if noted.iter().any(|noted| noted.refused) {
            leftover.refuse(session);
        }
        journal.adopt(session, Book::resume(&records, noted));
    }
    Ok((sent, Some(leftover)))
}

fn remove_records(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if leftover::is_written(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
