//! How a remote enforcer is made.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scopegate_core::Breaker;
use scopegate_engine::{Durability, LocalEnforcer, Policy};

use super::agents::Agents;
use super::answers::Answers;
use super::clocks::{Clocks, SystemClocks, Wall};
use super::journal::{Journal, ToPlane};
use super::lease::Lease;
use super::open::FailOpen;
use super::scope::Scopes;
use super::seats::Seats;
use super::{Inner, RemoteEnforcer};
use crate::builder::ClientBuilder;
use crate::error::BuildError;

/// How long an answer to a call may take unless it is said otherwise.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long a stream of events may be silent.
const SILENCE: Duration = Duration::from_secs(10);
/// How long what was loaded for a session, or that nothing was, is not asked for again.
const LOADED: Duration = Duration::from_secs(1);
/// Sessions that are being loaded at a time.
const LOADING: u64 = 100_000;

/// Why there is no enforcer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteBuildError {
    /// The plane's place, the key or a certificate.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// The engine, or the records of `danger_fail_open`.
    #[error(transparent)]
    Engine(#[from] scopegate_engine::BuildError),
}

/// Makes a [`RemoteEnforcer`].
#[must_use]
pub struct RemoteBuilder {
    client: ClientBuilder,
    timeout: Duration,
    clocks: Arc<dyn Clocks>,
    answers: Option<Duration>,
    open: Option<PathBuf>,
}

impl RemoteEnforcer {
    /// An enforcer from `SCOPEGATE_URL` and `SCOPEGATE_API_KEY`, or else `SCOPEBOUND_BASE_URL` and
    /// `SCOPEBOUND_API_KEY`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteBuildError`].
    pub fn from_env() -> Result<Self, RemoteBuildError> {
        Self::builder(ClientBuilder::default().env()).build()
    }

    /// An enforcer of the plane at this URL, with an agent's key.
    ///
    /// # Errors
    /// [`RemoteBuildError`].
    pub fn new(url: impl Into<String>, key: impl Into<String>) -> Result<Self, RemoteBuildError> {
        Self::builder(ClientBuilder::default().url(url).api_key(key)).build()
    }

    /// Starts putting an enforcer together; the client says where the plane is.
    pub fn builder(client: ClientBuilder) -> RemoteBuilder {
        RemoteBuilder {
            client,
            timeout: TIMEOUT,
            clocks: Arc::new(SystemClocks::new()),
            answers: None,
            open: None,
        }
    }

    /// What was decided so far, and where.
    pub fn counts(&self) -> Counts {
        let inner = &self.inner;
        Counts {
            here: inner.journal.decided.load(Ordering::Relaxed),
            by_the_plane: inner.asked.load(Ordering::Relaxed),
            fail_open: inner.open.as_ref().map_or(0, FailOpen::permits),
            lost: inner.journal.lost.load(Ordering::Relaxed),
        }
    }
}

/// How many decisions were made, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// In this process, and recorded; the last milliseconds may be missing.
    pub here: u64,
    /// By the plane.
    pub by_the_plane: u64,
    /// Permits that were given because the plane could not be reached; they are among `here`.
    pub fail_open: u64,
    /// Records and outcomes that could not be sent to the plane.
    pub lost: u64,
}

impl RemoteBuilder {
    /// How long an answer to a call may take. 2 seconds unless given.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Other clocks.
    pub fn clocks(mut self, clocks: impl Clocks) -> Self {
        self.clocks = Arc::new(clocks);
        self
    }

    /// Repeats denials of a plane that lends nothing for so long, five seconds at most. Off unless it is
    /// said; permits are never repeated.
    pub fn cache_answers(mut self, length: Duration) -> Self {
        self.answers = Some(length);
        self
    }

    /// Lets calls through while the plane cannot be reached: no connection, no answer in time, 502, 503
    /// or 504 without a decision, or a breaker that those opened. Then the last known scope decides,
    /// with its constraints, limits and hours. Never a call that a person has to agree to, a tool outside that
    /// scope, or a session that was ended; nothing after an answer of any other kind. Each permit is on disk in
    /// `folder` before it is given out, is marked there and in the plane's log, and there are at most 100 in
    /// ten minutes. What this process does not send to the plane before it ends, the next one with this folder
    /// sends, once it has opened a session. One process at a time has a folder.
    ///
    /// What was revoked while the plane cannot be reached is not known here: that is the danger.
    pub fn danger_fail_open(mut self, folder: impl Into<PathBuf>) -> Self {
        self.open = Some(folder.into());
        self
    }

    /// The enforcer. Nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteBuildError`].
    pub fn build(self) -> Result<RemoteEnforcer, RemoteBuildError> {
        let Self { client, timeout, clocks, answers, open } = self;
        let listener = client.clone().timeout(SILENCE).build()?;
        let client = client.timeout(timeout).build()?;
        let journal = Arc::new(Journal::default());
        let open = open.map(|folder| FailOpen::new(&folder, clocks.clone(), journal.clone())).transpose()?;
        let mut nothing = Policy::new([]);
        nothing.allow_empty = true;
        let local = LocalEnforcer::builder(nothing)
            .clock(Wall(clocks.clone()))
            .record_to(ToPlane(journal.clone()), Durability::Buffered)
            .build()?;
        let lease = Arc::new(Lease::new(clocks.clone()));
        let inner = Inner {
            client,
            listener,
            patience: timeout,
            scopes: Mutex::new(Scopes::new(local.clone(), lease.clone())),
            local,
            lease,
            clocks,
            seats: Seats::default(),
            loading: moka::future::Cache::builder().max_capacity(LOADING).time_to_live(LOADED).build(),
            agents: Agents::new(),
            breaker: Mutex::new(Breaker::new()),
            journal,
            answers: answers.map(Answers::new),
            open,
            native: AtomicBool::new(false),
            following: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        };
        Ok(RemoteEnforcer { inner: Arc::new(inner) })
    }
}

/// Nothing of what is in it is for logs.
impl std::fmt::Debug for RemoteBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}
