//! Sending: each event when it is kept, once more within ten seconds, then it is parked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use scopegate_core::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use url::Url;

use super::guard::Guard;
use super::sign::{scopebound_signature, standard_signature};
use crate::store::{Change, DeliveryRow, DeliveryState, Kept, Ticket, WriterHandle};

/// Events that may wait; more are parked at once.
const MAX_WAITING: usize = 4096;
/// Attempts under way at a time.
const MAX_SENDING: usize = 16;
/// Attempts before an event is parked.
const ATTEMPTS: u32 = 2;
/// How long after a failed attempt the next one is made.
const RETRY_AFTER: Duration = Duration::from_secs(4);
/// How long an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where events are put. They are sent once the change at their position is kept.
#[derive(Clone, Debug)]
pub(crate) struct Outbox(mpsc::Sender<(Ticket, DeliveryRow)>);

impl Outbox {
    /// An outbox, and what the courier takes from it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<(Ticket, DeliveryRow)>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self(sender), receiver)
    }

    /// Puts an event in; false when too many wait.
    pub(crate) fn put(&self, position: Ticket, event: DeliveryRow) -> bool {
        self.0.try_send((position, event)).is_ok()
    }
}

/// Finds the secret of a role's webhook, as it is when an event is sent.
pub(crate) type Secrets = Arc<dyn Fn(&DeliveryRow) -> Option<String> + Send + Sync>;

/// Sends events.
pub(crate) struct Courier {
    pub(crate) guard: Guard,
    pub(crate) writer: WriterHandle,
    pub(crate) secrets: Secrets,
    pub(crate) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Courier {
    /// Sends until the outbox is closed.
    pub(crate) async fn run(self: Arc<Self>, mut waiting: mpsc::Receiver<(Ticket, DeliveryRow)>) {
        let sending = Arc::new(Semaphore::new(MAX_SENDING));
        while let Some((position, event)) = waiting.recv().await {
            if self.writer.kept(position).await != Kept::Yes {
                return;
            }
            let Ok(turn) = sending.clone().acquire_owned().await else { return };
            let courier = self.clone();
            tokio::spawn(async move {
                let _turn = turn;
                courier.deliver(event).await;
            });
        }
    }

    async fn deliver(&self, mut event: DeliveryRow) {
        loop {
            let outcome = self.attempt(&event).await;
            event.attempts += 1;
            event.at = (self.now)();
            event.state = match &outcome {
                Ok(()) => DeliveryState::Delivered,
                Err(_) if event.attempts < ATTEMPTS => DeliveryState::Waiting,
                Err(_) => DeliveryState::Parked,
            };
            event.last = Some(outcome.err().unwrap_or_else(|| "delivered".to_owned()));
            // The log is full or broken: the event is sent again after the next start.
            let _ = self.writer.submit(vec![Change::Delivery(event.clone())]);
            match event.state {
                DeliveryState::Waiting => tokio::time::sleep(RETRY_AFTER).await,
                DeliveryState::Parked => {
                    tracing::warn!(event = %event.id, why = event.last, "an event could not be delivered");
                    return;
                }
                DeliveryState::Delivered => return,
            }
        }
    }

    /// One attempt; why it failed, in words that repeat nothing of the answer.
    async fn attempt(&self, event: &DeliveryRow) -> Result<(), String> {
        let url = self.guard.check(&event.url)?;
        let (host, addresses) = self.resolve(&url).await?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            // Connects to the very addresses that were screened.
            .resolve_to_addrs(&host, &addresses)
            .build()
            .map_err(|error| error.to_string())?;
        let seconds = (self.now)().secs();
        let secret = (self.secrets)(event).unwrap_or_default();
        let body = event.body.as_bytes();
        let mut request = client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", &*event.id)
            .header("webhook-timestamp", seconds)
            .body(event.body.clone());
        if !secret.is_empty() {
            request = request
                .header("x-scopebound-signature", scopebound_signature(&secret, body))
                .header("webhook-signature", standard_signature(&secret, &event.id, seconds, body));
        }
        let answer = request.send().await.map_err(|error| reason(&error))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("answered {}", status.as_u16())),
        }
    }

    async fn resolve(&self, url: &Url) -> Result<(String, Vec<SocketAddr>), String> {
        let host = url.host_str().ok_or("names no host")?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let found = tokio::net::lookup_host((host.as_str(), port)).await;
        let addresses = found.map_err(|_| "names a host that cannot be found".to_owned())?.collect();
        Ok((host, self.guard.screen(addresses)?))
    }
}

fn reason(error: &reqwest::Error) -> String {
    let why = if error.is_timeout() {
        "took too long"
    } else if error.is_connect() {
        "could not be reached"
    } else {
        "failed"
    };
    why.to_owned()
}
