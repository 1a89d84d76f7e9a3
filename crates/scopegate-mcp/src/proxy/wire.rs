//! A connection to a server, of either kind.

use std::sync::Arc;

use rmcp::RoleClient;
use rmcp::model::{GetMeta as _, JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerNotification};
use rmcp::service::TxJsonRpcMessage;
use rmcp::transport::Transport;

use super::child::Process;
use super::endpoint::HttpTransport;
use super::lines::Lines;
use super::order::Order;

/// The id of the question that [`probe`](super::probe) asks; rmcp's own are numbers.
pub(crate) const PROBE: &str = "scopegate-probe";

/// Counts what the server tells, and drops an answer to the first question that comes too late.
pub(crate) struct Wire {
    kind: Kind,
    order: Arc<Order>,
}

enum Kind {
    Program(Lines, Process),
    Http(Box<HttpTransport>),
}

impl Wire {
    pub(crate) fn program(lines: Lines, process: Process, order: Arc<Order>) -> Self {
        Self { kind: Kind::Program(lines, process), order }
    }

    pub(crate) fn http(transport: HttpTransport, order: Arc<Order>) -> Self {
        Self { kind: Kind::Http(Box::new(transport)), order }
    }

    /// The program behind it, if it is one.
    pub(crate) fn process(&self) -> Option<Process> {
        match &self.kind {
            Kind::Program(_, process) => Some(process.clone()),
            Kind::Http(_) => None,
        }
    }

    pub(crate) fn order(&self) -> Arc<Order> {
        self.order.clone()
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> Option<ServerJsonRpcMessage> {
        match &mut self.kind {
            Kind::Program(lines, _) => lines.receive().await,
            Kind::Http(transport) => transport.receive().await,
        }
    }
}

/// Why something could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WireError(String);

impl Transport<RoleClient> for Wire {
    type Error = WireError;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), WireError>> + Send + 'static {
        let sent = match &mut self.kind {
            Kind::Program(lines, _) => Sent::Line(lines.send(&message)),
            Kind::Http(transport) => Sent::Http(Box::pin(transport.send(message))),
        };
        async move {
            match sent {
                Sent::Line(line) => line.await.map_err(|error| WireError(error.to_string())),
                Sent::Http(post) => post.await.map_err(|error| WireError(error.to_string())),
            }
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            self.order.room().await;
            let message = self.next().await?;
            if is_late_probe(&message) {
                continue;
            }
            if is_relayed(&message) {
                self.order.received();
            }
            return Some(message);
        }
    }

    async fn close(&mut self) -> Result<(), WireError> {
        match &mut self.kind {
            Kind::Program(lines, process) => {
                lines.hang_up().await;
                let process = process.clone();
                // Waiting for it must not hold the runtime up; should that be over, dropping it ends it.
                let _ = tokio::task::spawn_blocking(move || process.end()).await;
                Ok(())
            }
            Kind::Http(transport) => transport.close().await.map_err(|error| WireError(error.to_string())),
        }
    }
}

/// What is on its way.
enum Sent<L, H> {
    Line(L),
    Http(H),
}

fn is_late_probe(message: &ServerJsonRpcMessage) -> bool {
    let id = match message {
        JsonRpcMessage::Response(response) => Some(&response.id),
        JsonRpcMessage::Error(error) => error.id.as_ref(),
        _ => None,
    };
    id.is_some_and(is_probe)
}

/// Whether rmcp hands it to our [`Relay`](super::relay::Relay): it keeps cancellations and what belongs
/// to a subscription to itself.
fn is_relayed(message: &ServerJsonRpcMessage) -> bool {
    match message {
        JsonRpcMessage::Notification(told) => {
            let cancels = matches!(told.notification, ServerNotification::CancelledNotification(_));
            !cancels && told.notification.get_meta().subscription_id().is_none()
        }
        _ => false,
    }
}

pub(crate) fn is_probe(id: &RequestId) -> bool {
    matches!(id, RequestId::String(text) if &**text == PROBE)
}
