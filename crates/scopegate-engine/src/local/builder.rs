//! Putting an enforcer together.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use scopegate_core::{Catalogue, Name, PolicyError};
use seize::Collector;

use super::{Inner, LocalEnforcer};
use crate::clock::{Clock, Monotone, SystemClock};
use crate::credentials::CredentialSource;
use crate::grants::GrantBook;
use crate::policy::{Durability, Policy, PolicyFileError, RecordsSpec};
use crate::records::{FileSink, Journal, MemorySink, RecordSink};
use crate::reviews::ReviewBook;
use crate::session::SessionBook;
use crate::snapshot::{Published, Publisher, Slot};
use crate::state::{SavedState, StateLog};
use crate::trust::TrustBook;

/// Most sessions an enforcer holds unless told otherwise.
const MAX_SESSIONS: usize = 1_000_000;

/// Why an enforcer could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The policy file is wrong.
    #[error(transparent)]
    File(#[from] PolicyFileError),
    /// The policy is wrong.
    #[error("policy: {0}")]
    Policy(#[from] PolicyError),
    /// The records cannot be kept.
    #[error("records: {0}")]
    Records(#[source] std::io::Error),
}

/// Puts a [`LocalEnforcer`] together.
pub struct LocalBuilder {
    policy: Policy,
    env: Option<Name>,
    clock: Box<dyn Clock>,
    credentials: Arc<dyn CredentialSource>,
    sink: Option<(Box<dyn RecordSink>, Durability)>,
    state: Option<(Arc<dyn StateLog>, SavedState)>,
    max_sessions: usize,
    mcp_servers: BTreeMap<Name, Catalogue>,
}

impl LocalEnforcer {
    /// An enforcer of this policy, with the system clock and the policy's own `records`.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn new(policy: Policy) -> Result<Self, BuildError> {
        Self::builder(policy).build()
    }

    /// An enforcer of a policy file.
    ///
    /// # Errors
    /// [`BuildError`], with file, line and column of what is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, BuildError> {
        Self::new(Policy::from_file(path)?)
    }

    /// Starts putting an enforcer together.
    pub fn builder(policy: Policy) -> LocalBuilder {
        LocalBuilder {
            policy,
            env: None,
            clock: Box::new(SystemClock::new()),
            credentials: Arc::new(BTreeMap::<Name, Arc<str>>::new()),
            sink: None,
            state: None,
            max_sessions: MAX_SESSIONS,
            mcp_servers: BTreeMap::new(),
        }
    }
}

impl LocalBuilder {
    /// The environment this deployment is. A call that names another one, itself or in arguments
    /// that have been read, is denied; arguments are not read for this alone.
    #[must_use]
    pub fn env(mut self, env: impl Into<Name>) -> Self {
        self.env = Some(env.into());
        self
    }

    /// What an MCP server offers, in the place of what the policy says of it, also once that is reloaded.
    #[must_use]
    pub fn mcp_server(mut self, name: impl Into<Name>, catalogue: Catalogue) -> Self {
        self.mcp_servers.insert(name.into(), catalogue);
        self
    }

    /// Another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Where the secrets come from that roles bind to tools.
    #[must_use]
    pub fn credentials(mut self, source: impl CredentialSource) -> Self {
        self.credentials = Arc::new(source);
        self
    }

    /// Another place for records than the policy's own `records`.
    #[must_use]
    pub fn record_to(mut self, sink: impl RecordSink, durability: Durability) -> Self {
        self.sink = Some((Box::new(sink), durability));
        self
    }

    /// Hands every change of state to `log`, records with them, and starts with what was kept
    /// before. The policy's own `records` are then not used.
    #[must_use]
    pub fn keep_state(mut self, log: Arc<dyn StateLog>, saved: SavedState) -> Self {
        self.state = Some((log, saved));
        self
    }

    /// Most sessions at a time; a million unless said otherwise. One counts until an hour after its end, and
    /// as long as anybody holds its [handle](scopegate_core::SessionHandle).
    #[must_use]
    pub fn max_sessions(mut self, most: usize) -> Self {
        self.max_sessions = most;
        self
    }

    /// Compiles the policy and opens the records.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<LocalEnforcer, BuildError> {
        let mut publisher = Publisher::new(self.credentials.clone());
        let mut snapshot = publisher.replace(&self.policy)?;
        for (server, catalogue) in self.mcp_servers {
            let place = |error: PolicyError| error.in_member(&server).in_member("mcp_servers");
            snapshot = publisher.put_catalogue(server.clone(), catalogue).map_err(place)?;
        }
        let (log, saved) = self.state.unzip();
        let (journal, memory) = match log {
            Some(log) => (Journal::State(log), None),
            None => open_records(self.policy.records, self.sink).map_err(BuildError::Records)?,
        };
        let collector = Arc::new(Collector::new());
        let inner = Inner {
            policy: Published::new(snapshot, &collector),
            publisher: Mutex::new(publisher),
            sessions: SessionBook::new(self.max_sessions, &collector),
            reviews: ReviewBook::default(),
            grants: GrantBook::default(),
            trust: TrustBook::default(),
            shadow: Mutex::default(),
            journal,
            memory,
            clock: Monotone::new(self.clock),
            env: self.env,
            credentials: self.credentials,
            collector,
        };
        saved.into_iter().for_each(|saved| inner.restore(saved));
        Ok(LocalEnforcer { inner: Arc::new(inner) })
    }
}

impl Inner {
    fn restore(&self, saved: SavedState) {
        self.clock.not_before(saved.latest);
        for session in saved.sessions {
            // A role that is gone has no place: its sessions are over, and say so.
            let slot = self.publisher().find(&session.role).unwrap_or(Slot::MAX);
            self.sessions.restore(session, slot);
        }
        saved.suspended.iter().for_each(|owner| self.sessions.suspend(owner, true));
        saved.accounts.into_iter().for_each(|(key, tat)| self.sessions.restore_account(key, tat));
        saved.trust.into_iter().for_each(|(owner, trust)| self.trust.restore(owner, trust));
        self.reviews.restore(saved.reviews);
        let publisher = self.publisher();
        self.grants.restore(saved.grants, |role| publisher.find(role));
    }
}

impl std::fmt::Debug for LocalBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalBuilder").field("roles", &self.policy.roles.len()).finish_non_exhaustive()
    }
}

type OpenRecords = (Journal, Option<MemorySink>);

fn open_records(
    spec: Option<RecordsSpec>,
    sink: Option<(Box<dyn RecordSink>, Durability)>,
) -> std::io::Result<OpenRecords> {
    if let Some((sink, durability)) = sink {
        return Ok((Journal::start(sink, durability == Durability::Durable)?, None));
    }
    match spec.unwrap_or(RecordsSpec::Memory) {
        RecordsSpec::None => Ok((Journal::Nowhere, None)),
        RecordsSpec::Memory => {
            let memory = MemorySink::new(MemorySink::KEPT);
            Ok((Journal::start(Box::new(memory.clone()), false)?, Some(memory)))
        }
        RecordsSpec::File(file) => {
            let sink = FileSink::open(file.folder, file.rotate_bytes)?;
            Ok((Journal::start(Box::new(sink), file.durability == Durability::Durable)?, None))
        }
    }
}
