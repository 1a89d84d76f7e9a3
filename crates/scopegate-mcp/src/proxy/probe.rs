//! Which era of the protocol a server belongs to, asked before anything else is said.
//!
//! From 2026-07-28 on a server answers `server/discover` and every request says for itself who asks
//! and what it can do. An older one has never heard of the question, says so, and waits for
//! `initialize` as if nothing had been asked.

use std::time::Duration;

use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientJsonRpcMessage, ClientRequest, DiscoverRequest,
    DiscoverRequestParams, DiscoverResult, Implementation, JsonRpcMessage, ProtocolVersion, RequestId,
    RequestMetaObject, ServerPeerInfo, ServerResult,
};
use rmcp::service::select_protocol_version;
use rmcp::transport::Transport;
use tokio::time::timeout;

use super::error::UpstreamError;
use super::wire::{PROBE, Wire, is_probe};

/// An old server that ignores what it does not know is given up waiting for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server speaks.
#[derive(Clone, Debug)]
pub(crate) enum Era {
    /// Every request stands for itself. It may also take `initialize`; only trying tells.
    Modern(Box<ServerPeerInfo>),
    /// A connection begins with `initialize`.
    Legacy,
}

impl Era {
    pub(crate) fn is_modern(&self) -> bool {
        matches!(self, Self::Modern(_))
    }
}

/// Asks.
pub(crate) async fn ask(wire: &mut Wire) -> Result<Era, UpstreamError> {
    let mut discover = DiscoverRequest::new(DiscoverRequestParams {});
    discover.extensions.insert(RequestMetaObject::with_client_context(
        ProtocolVersion::LATEST,
        ourselves().client_info,
        ClientCapabilities::default(),
    ));
    let question = ClientJsonRpcMessage::request(
        ClientRequest::DiscoverRequest(discover),
        RequestId::String(PROBE.into()),
    );
    let asked = async {
        wire.send(question).await.ok()?;
        answer(wire).await
    };
    match timeout(PATIENCE, asked).await {
        Ok(Some(Ok(found))) => modern(*found),
        Ok(Some(Err(()))) | Err(_) => Ok(Era::Legacy),
        Ok(None) => Err(UpstreamError::Ended(ended(wire).await)),
    }
}

async fn answer(wire: &mut Wire) -> Option<Result<Box<DiscoverResult>, ()>> {
    loop {
        match wire.next().await? {
            JsonRpcMessage::Response(response) if is_probe(&response.id) => {
                return Some(match response.result {
                    ServerResult::DiscoverResult(found) => Ok(Box::new(found)),
                    _ => Err(()),
                });
            }
            JsonRpcMessage::Error(error) if error.id.as_ref().is_none_or(is_probe) => return Some(Err(())),
            _ => {}
        }
    }
}

/// A server may know the question and still be older: it says which versions it speaks.
fn modern(found: DiscoverResult) -> Result<Era, UpstreamError> {
    match select_protocol_version(&[ProtocolVersion::LATEST], &found.supported_versions) {
        Some(version) => Ok(Era::Modern(Box::new(ServerPeerInfo::from_discover_result(version, found)))),
        None => Ok(Era::Legacy),
    }
}

async fn ended(wire: &Wire) -> String {
    match wire.process() {
        Some(process) => format!(": {}", process.end_elsewhere().await),
        None => String::new(),
    }
}

/// Who asks, before any client has.
pub(crate) fn ourselves() -> ClientConfig {
    ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new("scopegate", env!("CARGO_PKG_VERSION")),
    )
}
