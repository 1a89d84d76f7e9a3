//! Listening: with TLS or on loopback, until the process is asked to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scopegate_engine::{Clock, Durability, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::accept::Doors;
use crate::config::Config;
use crate::plane::Plane;
use crate::routes;
use crate::setup::{self, Dialect, SetupError};
use crate::store::{Archive, Kept, SqliteStore, Store, StoreError, Writer};
use crate::tls::{self, TlsError};
use crate::webhook::{Courier, Outbox};

/// Changes that may wait to be kept.
const QUEUE: usize = 4096;
/// How long requests under way may take once the plane stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How often the age of the key that signs sessions is looked at.
const TURN: Duration = Duration::from_secs(3600);
/// How long the plane still answers once changes cannot be kept: denials, and a red health. A
/// caller that finds nobody may take that for permission.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Why a plane does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first start.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system gives no thread.
    #[error("no thread for the writer: {0}")]
    Thread(#[source] std::io::Error),
    /// What the store holds.
    #[error("{0}")]
    State(String),
    /// The address.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// Anyone could read what is sent.
    #[error(
        "{0} is not a loopback address and there is no TLS: give --tls-cert and --tls-key, or say --allow-plaintext \
         when something in front of the plane adds TLS"
    )]
    Plaintext(SocketAddr),
    /// The log can no longer be written.
    #[error("changes cannot be kept any more: {0}")]
    Writer(String),
}

/// A plane that has been started and does not listen yet.
pub struct Started {
    plane: Arc<Plane>,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    writer: Writer,
    /// The secret of the first admin key, when this start made the store.
    pub admin_key: Option<String>,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started").field("plane", &self.plane).finish_non_exhaustive()
    }
}

/// Opens the store, takes up what was kept, and takes the address.
///
/// # Errors
/// [`ServeError`].
pub async fn start(config: Config) -> Result<Started, ServeError> {
    if config.tls.is_none() && !config.allow_plaintext && !config.addr.ip().is_loopback() {
        return Err(ServeError::Plaintext(config.addr));
    }
    // Whoever sends webhooks finds it; another part of the process may have chosen one already.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut store = SqliteStore::open(&config.data)?;
    let admin_key = setup::first_admin(&mut store, clock.now())?;
    let mut state = store.load()?;
    if config.dialect == Dialect::Xybern {
        setup::first_baseline(&mut store, &mut state.tenants, clock.now())?;
    }
    let archive: Arc<dyn Archive> = Arc::new(store.archive()?);
    let durability = if config.buffered { Durability::Buffered } else { Durability::Durable };
    let writer = Writer::start(store, clock, durability, QUEUE).map_err(ServeError::Thread)?;
    let (outbox, waiting) = Outbox::new();
    let listener = TcpListener::bind(config.addr).await;
    let listener = listener.map_err(|error| ServeError::Listen(config.addr, error))?;
    let acceptor = config.tls.as_ref().map(|(chain, key)| tls::acceptor(chain, key)).transpose()?;
    let plane = Plane::restore(config, state, writer.handle(), archive, outbox);
    let plane = Arc::new(plane.map_err(|failure| ServeError::State(failure.to_string()))?);
    for tenant in plane.tenants() {
        tenant.begin().await.map_err(|failure| ServeError::State(failure.to_string()))?;
    }
    tokio::spawn(courier(&plane).run(waiting));
    tokio::spawn(follow_the_store(plane.clone()));
    tokio::spawn(turn_keys(plane.clone()));
    Ok(Started { plane, listener, acceptor, writer, admin_key })
}

impl Started {
    #[cfg(test)]
    pub(crate) fn plane(&self) -> Arc<Plane> {
        self.plane.clone()
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        let scheme = if self.acceptor.is_some() { "https" } else { "http" };
        let addr = self.listener.local_addr().unwrap_or(self.plane.config.addr);
        format!("{scheme}://{addr}")
    }

    /// Serves until `stop` ends; then finishes what is under way and keeps what is left.
    ///
    /// # Errors
    /// [`ServeError::Writer`] when changes could no longer be kept: the process should end, and
    /// the next start begin with what is on disk.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Self { plane, listener, acceptor, writer, .. } = self;
        let mut failure = plane.writer.failure();
        let failed = async move {
            // An error says that the writer is gone, which is a failure too.
            let _ = failure.wait_for(Option::is_some).await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        let (close, closed) = watch::channel(());
        let most = plane.config.limits.connections;
        let doors = Doors { acceptor, router: routes::router(plane.clone()), most };
        let serving = doors.serve(listener, closed);
        tokio::pin!(serving);
        tokio::select! {
            () = stop => {}
            () = failed => {}
            () = &mut serving => {}
        }
        // Whoever only listens would keep the plane from ending.
        plane.tenants().iter().for_each(|tenant| tenant.hang_up());
        drop(close);
        // Whoever is still talking after that is cut off.
        let _ = tokio::time::timeout(DRAIN, serving).await;
        match tokio::task::spawn_blocking(move || writer.stop()).await {
            Ok(Kept::Yes) => Ok(()),
            Ok(Kept::No(why)) => Err(ServeError::Writer(why.to_string())),
            Err(_) => Err(ServeError::Writer("the writer panicked".to_owned())),
        }
    }
}

fn courier(plane: &Arc<Plane>) -> Arc<Courier> {
    let (at, keys) = (plane.clone(), plane.clone());
    Arc::new(Courier {
        guard: plane.guard(),
        writer: plane.writer.clone(),
        secrets: Arc::new(move |event| keys.webhook_secret(&event.tenant, &event.role_id)),
        now: Arc::new(move || at.now()),
    })
}

/// Lets another key sign sessions once one has for long enough.
async fn turn_keys(plane: Arc<Plane>) {
    loop {
        if let Err(failure) = plane.turn_keys().await {
            tracing::error!(%failure, "there is no next key to sign sessions with");
        }
        tokio::time::sleep(TURN).await;
    }
}

/// Takes up tenants and keys that another process made or revoked.
async fn follow_the_store(plane: Arc<Plane>) {
    let mut changed = plane.writer.changed_elsewhere();
    while changed.changed().await.is_ok() {
        let reading = plane.clone();
        match tokio::task::spawn_blocking(move || reading.follow()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the store cannot be read"),
            Err(_) => return,
        }
    }
}
