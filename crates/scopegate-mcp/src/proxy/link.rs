//! A connection to a server on which both sides have been greeted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rmcp::model::{
    ClientConfig, ProgressToken, ProtocolVersion, RequestId, ServerNotification, ServerPeerInfo, Tool,
};
use rmcp::service::{ClientLifecycleMode, RunningService};
use rmcp::service::{Peer, RunningServiceCancellationToken, serve_client_with_lifecycle, serve_directly};
use rmcp::{RoleClient, RoleServer};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::time::timeout;

use super::child::Process;
use super::error::UpstreamError;
use super::order::Order;
use super::probe::Era;
use super::relay::Relay;
use super::wire::Wire;

/// How long a server may take to answer `initialize`.
const PATIENCE: Duration = Duration::from_secs(60);

/// Changes that wait until it is known what is offered now.
const CHANGES: usize = 16;

/// Dropping it hangs up, and ends a server that was started for it.
pub(crate) struct Link {
    pub(crate) peer: Peer<RoleClient>,
    pub(crate) info: ServerPeerInfo,
    pub(crate) modern: bool,
    pub(crate) shared: Arc<Shared>,
    /// The tools as they were last described.
    tools: RwLock<Arc<[Tool]>>,
    process: Option<Process>,
    ended: watch::Receiver<bool>,
    stop: Option<RunningServiceCancellationToken>,
}

/// What both directions have to know.
pub(crate) struct Shared {
    /// What the server is told of the client.
    pub(crate) client: ClientConfig,
    /// Whom the server's own requests go to. A connection that several clients share has nobody.
    pub(crate) client_peer: Option<Peer<RoleServer>>,
    /// Whether the client has said that it is ready to be asked.
    ready: watch::Sender<bool>,
    pub(crate) order: Arc<Order>,
    /// Calls under way.
    calls: Mutex<Calls>,
    /// Where it is told that what the server offers has changed.
    pub(crate) changed: Sender<ServerNotification>,
}

#[derive(Default)]
struct Calls {
    /// Where progress of a call goes, by the token that the server was given.
    progress: HashMap<ProgressToken, (Peer<RoleServer>, ProgressToken)>,
    /// Which of the client's requests became which of ours.
    requests: HashMap<RequestId, RequestId>,
    /// Where progress goes that a client reports on a server's request.
    reported: HashMap<ProgressToken, ProgressToken>,
}

impl Link {
    /// Greets the server, in the client's name.
    pub(crate) async fn greet(
        wire: Wire,
        era: &Era,
        client: ClientConfig,
        client_peer: Option<Peer<RoleServer>>,
    ) -> Result<(Self, Receiver<ServerNotification>), UpstreamError> {
        let (process, order) = (wire.process(), wire.order());
        let (changed, changes) = channel(CHANGES);
        let shared = Arc::new(Shared::new(client, client_peer, order, changed));
        let relay = Relay(shared.clone());
        let running = match era {
            Era::Modern(info) => serve_directly(relay, wire, Some((**info).clone())),
            Era::Legacy => {
                let greeting = serve_client_with_lifecycle(relay, wire, ClientLifecycleMode::Initialize);
                let greeted = timeout(PATIENCE, greeting).await;
                let greeted = greeted.map_err(|_| UpstreamError::Slow(PATIENCE.as_secs()))?;
                match greeted {
                    Ok(running) => running,
                    Err(error) => return Err(why(&error, process.as_ref()).await),
                }
            }
        };
        let link = Self::running(running, era.is_modern(), shared, process)?;
        Ok((link, changes))
    }

    fn running(
        running: RunningService<RoleClient, Relay>,
        modern: bool,
        shared: Arc<Shared>,
        process: Option<Process>,
    ) -> Result<Self, UpstreamError> {
        let info =
            running.peer_info().ok_or_else(|| UpstreamError::Handshake("it said nothing".to_owned()))?;
        let (peer, stop) = (running.peer().clone(), running.cancellation_token());
        let (ending, ended) = watch::channel(false);
        tokio::spawn(async move {
            let _ = running.waiting().await;
            let _ = ending.send(true);
        });
        let info = (*info).clone();
        let tools = RwLock::new([].into());
        Ok(Self { peer, info, modern, shared, tools, process, ended, stop: Some(stop) })
    }

    /// The tools as they were last described.
    pub(crate) fn tools(&self) -> Arc<[Tool]> {
        self.tools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn describes(&self, tools: Vec<Tool>) {
        *self.tools.write().unwrap_or_else(PoisonError::into_inner) = tools.into();
    }

    /// The newest version that client and server can both speak.
    pub(crate) fn version(&self) -> &ProtocolVersion {
        &self.info.protocol_version
    }

    /// Waits until the connection is closed, and the server ended if it was started. How, for people.
    pub(crate) fn end(&self) -> impl Future<Output = String> + Send + 'static {
        let (mut ended, process) = (self.ended.clone(), self.process.clone());
        async move {
            let _ = ended.wait_for(|ended| *ended).await;
            let how = process.and_then(|process| process.ended());
            how.unwrap_or_else(|| "the connection is closed".to_owned())
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.ended.borrow()
    }

    /// How it ended, if it has.
    pub(crate) fn how_it_ended(&self) -> Option<String> {
        self.process.as_ref().and_then(Process::ended)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Whoever waits for the client to be ready waits for nothing now.
        self.shared.ready.send_replace(true);
        if let Some(stop) = self.stop.take() {
            stop.cancel();
        }
    }
}

impl Shared {
    fn new(
        client: ClientConfig,
        client_peer: Option<Peer<RoleServer>>,
        order: Arc<Order>,
        changed: Sender<ServerNotification>,
    ) -> Self {
        Self {
            client,
            client_peer,
            ready: watch::Sender::new(false),
            order,
            calls: Mutex::default(),
            changed,
        }
    }

    /// The client, once it is ready to hear from the server.
    pub(crate) async fn client(&self) -> Option<&Peer<RoleServer>> {
        let client = self.client_peer.as_ref()?;
        let mut ready = self.ready.subscribe();
        let _ = ready.wait_for(|ready| *ready).await;
        Some(client)
    }

    /// The client has begun to ask, so it may be asked.
    pub(crate) fn is_ready(&self) {
        if !*self.ready.borrow() {
            self.ready.send_replace(true);
        }
    }

    /// A call is under way: `ours` is its number on this connection.
    pub(crate) fn begin(
        &self,
        ours: &RequestId,
        theirs: RequestId,
        progress: Option<(ProgressToken, (Peer<RoleServer>, ProgressToken))>,
    ) {
        let mut calls = self.calls();
        calls.requests.insert(ours.clone(), theirs);
        calls.progress.extend(progress);
    }

    pub(crate) fn finish(&self, ours: &RequestId, progress: &ProgressToken) {
        let mut calls = self.calls();
        calls.requests.remove(ours);
        calls.progress.remove(progress);
    }

    /// Where progress with this token goes, and under which.
    pub(crate) fn progress(&self, token: &ProgressToken) -> Option<(Peer<RoleServer>, ProgressToken)> {
        self.calls().progress.get(token).cloned()
    }

    /// The client's request during which the server asks something: the one it names, or else the
    /// only one there is.
    pub(crate) fn asked_during(&self, named: Option<&RequestId>) -> Option<RequestId> {
        let calls = self.calls();
        if let Some(named) = named {
            return calls.requests.get(named).cloned();
        }
        let mut all = calls.requests.values();
        let only = all.next().cloned();
        only.filter(|_| all.next().is_none())
    }

    /// The client will report progress under `theirs`; the server wants to hear of it as `ours`.
    pub(crate) fn report(&self, theirs: ProgressToken, ours: ProgressToken) {
        self.calls().reported.insert(theirs, ours);
    }

    pub(crate) fn reported(&self, theirs: &ProgressToken) -> Option<ProgressToken> {
        self.calls().reported.get(theirs).cloned()
    }

    pub(crate) fn report_no_more(&self, theirs: &ProgressToken) {
        self.calls().reported.remove(theirs);
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn why(error: &rmcp::service::ClientInitializeError, process: Option<&Process>) -> UpstreamError {
    use rmcp::service::ClientInitializeError as E;
    match error {
        E::ConnectionClosed(_) | E::TransportError { .. } => match process {
            Some(process) => UpstreamError::Ended(format!(": {}", process.end_elsewhere().await)),
            None => UpstreamError::Connections(error.to_string()),
        },
        other => UpstreamError::Handshake(other.to_string()),
    }
}
