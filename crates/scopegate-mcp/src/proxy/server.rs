//! A server, and the connections to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rmcp::model::{ServerNotification, Tool};
use rmcp::service::ServiceError;
use rmcp::transport::Transport as _;
use scopegate_core::pin::ServerPins;
use scopegate_core::{Catalogue, CatalogueTool, Name};
use serde_json::Value;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{OnceCell, watch};
use tokio::time::timeout;

use super::catalogue::{self, CatalogueSink};
use super::error::UpstreamError;
use super::greeting::Client;
use super::handler::Proxy;
use super::link::Link;
use super::listen;
use super::order::Order;
use super::pins;
use super::probe::{self, Era};
use super::told::Tell;
use super::upstream::Upstream;
use super::wire::Wire;

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long a server may take to say what it offers.
const LISTS: Duration = Duration::from_secs(30);

/// Most connections for clients that come over HTTP: each may be a program.
const MOST: usize = 64;

/// A server that clients are connected to.
pub struct Server {
    name: Name,
    upstream: Upstream,
    tell: Tell,
    sink: Option<Arc<dyn CatalogueSink>>,
    custom: Vec<String>,
    pins: Option<ServerPins>,
    era: OnceCell<Era>,
    /// Whether it was found not to take `initialize`.
    modern_only: AtomicBool,
    /// The connection on which the era was asked: the first client gets it.
    spare: Mutex<Option<Wire>>,
    /// The connection of all clients whose requests stand for themselves.
    common: tokio::sync::Mutex<Option<Arc<Link>>>,
    /// What its tools are, to requests that stand for themselves.
    described: RwLock<Arc<[Tool]>>,
    ended: watch::Sender<Option<String>>,
    /// Connections that are not closed yet.
    links: watch::Sender<usize>,
}

impl Server {
    /// A server by the name that roles have for it.
    pub fn new(name: impl Into<Name>, upstream: Upstream) -> Self {
        Self {
            name: name.into(),
            upstream,
            tell: Tell::nobody(),
            sink: None,
            custom: Vec::new(),
            pins: None,
            era: OnceCell::new(),
            modern_only: AtomicBool::new(false),
            spare: Mutex::new(None),
            common: tokio::sync::Mutex::default(),
            described: RwLock::new([].into()),
            ended: watch::Sender::new(None),
            links: watch::Sender::new(0),
        }
    }

    /// Who is told what the server says to people, and what becomes of it.
    #[must_use]
    pub fn tell(self, tell: Tell) -> Self {
        Self { tell, ..self }
    }

    /// Who takes up what the server offers, so that calls are judged by it: before the first call,
    /// and whenever the server says that it has changed.
    #[must_use]
    pub fn catalogue_to(self, sink: impl CatalogueSink) -> Self {
        Self { sink: Some(Arc::new(sink)), ..self }
    }

    /// Nobody sees or calls a tool that is not as it was pinned: with no pins at all, nobody any.
    #[must_use]
    pub fn pinned(self, pins: ServerPins) -> Self {
        Self { pins: Some(pins), ..self }
    }

    /// Lets a method through that MCP does not have. Methods that look like MCP's own are refused
    /// all the same.
    #[must_use]
    pub fn allow_method(mut self, method: impl Into<String>) -> Self {
        self.custom.push(method.into());
        self
    }

    /// Its name in roles.
    pub fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn allows(&self, method: &str) -> bool {
        !crate::names::is_standard(method) && self.custom.iter().any(|allowed| allowed == method)
    }

    /// The tools as the connection of all clients last described them.
    pub(crate) fn described(&self) -> Arc<[Tool]> {
        self.described.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts it, or finds it, and asks which protocol it speaks. Clients are answered after that.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn prepare(&self) -> Result<(), UpstreamError> {
        let ask = async {
            if let Some(sink) = &self.sink {
                // Until it is known what the server offers, nobody may use it.
                let _ = sink.put(&self.name, Catalogue::default());
            }
            let mut wire = self.open()?;
            let era = match probe::ask(&mut wire).await {
                // Over HTTP a connection ends with a question that is refused unread.
                Err(UpstreamError::Ended(_)) if self.upstream.may_be_older().await? => {
                    return Ok(Era::Legacy);
                }
                era => era?,
            };
            *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
            Ok(era)
        };
        self.era.get_or_try_init(|| ask).await.map(drop)
    }

    /// The same for many clients: what its tools take is known before the first of them asks.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn prepare_for_many(self: &Arc<Self>) -> Result<(), UpstreamError> {
        self.prepare().await?;
        match self.era.get() {
            Some(era) if era.is_modern() => self.in_common(era.clone()).await.map(drop),
            _ => Ok(()),
        }
    }

    /// The server, for one client that stays.
    pub fn for_one(self: &Arc<Self>) -> Proxy {
        Proxy::new(self.clone(), false)
    }

    /// The server, for one of many clients: those of an older protocol have a connection each, those
    /// whose requests stand for themselves have one in common.
    pub fn for_one_of_many(self: &Arc<Self>) -> Proxy {
        Proxy::new(self.clone(), true)
    }

    /// Waits until a connection of a client that stays has ended. How, for people.
    pub async fn ended(&self) -> String {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until what was connected is closed and what was started has ended, once no client is
    /// left; gives up after some seconds. Programs that are still there when this is dropped are
    /// killed.
    pub async fn close(&self) {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let all = async {
            if let Some(mut wire) = spare {
                let _ = wire.close().await;
            }
            self.common.lock().await.take();
            let _ = self.links.subscribe().wait_for(|links| *links == 0).await;
        };
        let _ = timeout(PATIENCE, all).await;
    }

    /// The tools as the server describes them, all pages of its list: for pins. Hangs up afterwards.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn tools(&self) -> Result<Vec<Value>, UpstreamError> {
        self.prepare().await?;
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let wire = match spare {
            Some(wire) => wire,
            None => self.open()?,
        };
        let era = self.era.get().cloned().unwrap_or(Era::Legacy);
        let (link, _changes) = Link::greet(wire, &era, probe::ourselves(), None).await?;
        let tools = catalogue::tools(&link.peer, &link.info.capabilities).await;
        tools
            .map(|tools| pins::described(&tools))
            .map_err(|error| UpstreamError::Handshake(error.to_string()))
    }

    pub(crate) fn pins(&self) -> Option<&ServerPins> {
        self.pins.as_ref()
    }

    pub(crate) fn era(&self) -> Option<&Era> {
        self.era.get()
    }

    fn open(&self) -> Result<Wire, UpstreamError> {
        self.upstream.open(&self.name, &self.tell, Arc::new(Order::default()))
    }

    /// A connection for this client.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        client: Client,
        many: bool,
    ) -> Result<Arc<Link>, UpstreamError> {
        self.prepare().await?;
        let era = self.era.get().cloned().unwrap_or(Era::Legacy);
        if client.legacy && era.is_modern() && !self.modern_only.load(Ordering::Relaxed) {
            // Best spoken to as the client speaks: what it asks in the middle of a call then reaches it.
            match self.greet(client.clone(), Era::Legacy, many).await {
                Ok(link) => return Ok(link),
                Err(UpstreamError::Handshake(_) | UpstreamError::Slow(_) | UpstreamError::Ended(_)) => {
                    self.modern_only.store(true, Ordering::Relaxed);
                }
                Err(other) => return Err(other),
            }
        }
        if era.is_modern() && many {
            return self.in_common(era).await;
        }
        self.greet(client, era, many).await
    }

    /// The connection of all whose requests stand for themselves; another when it has ended.
    async fn in_common(self: &Arc<Self>, era: Era) -> Result<Arc<Link>, UpstreamError> {
        let mut common = self.common.lock().await;
        if let Some(link) = common.as_ref().filter(|link| !link.is_over()) {
            return Ok(link.clone());
        }
        let link = self.greet(Client::nobody(), era, true).await?;
        Ok(common.insert(link).clone())
    }

    async fn greet(
        self: &Arc<Self>,
        client: Client,
        era: Era,
        many: bool,
    ) -> Result<Arc<Link>, UpstreamError> {
        let place = self.place(many)?;
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let wire = match spare {
            // A connection that began in one era does not go on in another.
            Some(wire) if era.is_modern() == self.era().is_some_and(Era::is_modern) => wire,
            _ => self.open()?,
        };
        // Of several clients of one connection none can be asked.
        let legacy = client.legacy;
        let peer = client.peer.filter(|_| !(many && era.is_modern()));
        let (link, changes) = Link::greet(wire, &era, client.config, peer).await?;
        let link = Arc::new(link);
        self.watch(&link, many, place);
        self.take_up(&link).await;
        self.follow(&link, changes, legacy);
        if link.modern {
            listen::follow(link.peer.clone(), &link.shared, &link.info.capabilities);
        }
        Ok(link)
    }

    /// Takes up what the server offers now.
    async fn take_up(&self, link: &Link) {
        let offered = timeout(LISTS, self.offered(link)).await;
        let offered = offered.map_or_else(
            |_| Err(format!("no answer in {LISTS:?}")),
            |offered| offered.map_err(|error| error.to_string()),
        );
        let offered = offered.unwrap_or_else(|error| {
            self.say(&format!("does not say what it offers, so nobody may use it: {error}"));
            Vec::new()
        });
        let Some(sink) = &self.sink else { return };
        for (tool, why) in catalogue::put(sink, &self.name, offered) {
            self.say(&format!("`{tool}` cannot be judged, so nobody may use it: {why}"));
        }
    }

    async fn offered(&self, link: &Link) -> Result<Vec<CatalogueTool>, ServiceError> {
        let has = &link.info.capabilities;
        let mut tools = catalogue::tools(&link.peer, has).await?;
        let judged = pins::judge(self.pins(), &tools);
        pins::words(&judged).for_each(|words| self.say(&words));
        tools.retain(|tool| judged.is_callable(&tool.name));
        let offered = catalogue::read(&link.peer, has, judged.catalogue.tools, &self.custom).await;
        if link.modern {
            let described = tools.clone().into();
            *self.described.write().unwrap_or_else(PoisonError::into_inner) = described;
        }
        link.describes(tools);
        offered
    }

    pub(super) fn say(&self, what: &str) {
        self.tell.line(&self.name, what);
    }

    /// Takes up every change before the client hears of it.
    fn follow(self: &Arc<Self>, link: &Arc<Link>, mut changes: Receiver<ServerNotification>, legacy: bool) {
        let (server, link) = (self.clone(), Arc::downgrade(link));
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                let Some(link) = link.upgrade() else { return };
                server.take_up(&link).await;
                // A newer client has asked for itself, or does not want to hear of it.
                if let Some(client) = link.shared.client().await.filter(|_| legacy) {
                    let _ = client.send_notification(change).await;
                }
            }
        });
    }

    /// The end of a connection is told.
    fn watch(self: &Arc<Self>, link: &Link, many: bool, place: Place) {
        let (server, ended) = (self.clone(), link.end());
        tokio::spawn(async move {
            let how = ended.await;
            drop(place);
            if !many {
                server.ended.send_replace(Some(how));
            }
        });
    }

    /// A place for one more connection, taken before it is opened.
    fn place(self: &Arc<Self>, many: bool) -> Result<Place, UpstreamError> {
        let taken = self.links.send_if_modified(|links| {
            let free = !many || *links < MOST;
            *links += usize::from(free);
            free
        });
        if taken { Ok(Place(self.clone())) } else { Err(UpstreamError::Busy(MOST)) }
    }
}

/// The place of a connection, until it is closed.
struct Place(Arc<Server>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.links.send_modify(|links| *links -= 1);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, upstream, custom, .. } = self;
        f.debug_struct("Server")
            .field("name", name)
            .field("upstream", upstream)
            .field("custom", custom)
            .finish_non_exhaustive()
    }
}
