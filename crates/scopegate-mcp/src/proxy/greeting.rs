//! What a server is told of the client: no more than the client can do, and than can be passed on.

use rmcp::RoleServer;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ExtensionCapabilities, Implementation, InitializeRequestParams,
    ProtocolVersion, ServerCapabilities,
};
use rmcp::service::{Peer, RequestContext};

use super::probe::ourselves;

/// The extensions whose messages are known here.
const EXTENSIONS: [&str; 3] =
    ["io.modelcontextprotocol/tasks", "io.modelcontextprotocol/skills", "io.modelcontextprotocol/ui"];

/// A client, as a server gets to see it.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) config: ClientConfig,
    /// Whom the server's own requests go to; nobody, before there is a client.
    pub(crate) peer: Option<Peer<RoleServer>>,
    /// Whether it speaks a protocol that begins with `initialize`.
    pub(crate) legacy: bool,
}

impl Client {
    /// One that has said who it is.
    pub(crate) fn introduced(said: &InitializeRequestParams, peer: Peer<RoleServer>) -> Self {
        let can = capabilities(said.capabilities.clone());
        let config = config(can, said.client_info.clone(), &said.protocol_version);
        Self { config, peer: Some(peer), legacy: true }
    }

    /// One whose requests speak for themselves.
    pub(crate) fn asking(context: &RequestContext<RoleServer>) -> Self {
        let version = context.protocol_version().unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE);
        let legacy = version.has_initialize();
        let can = match legacy {
            true => capabilities(context.client_capabilities().unwrap_or_default()),
            false => ClientCapabilities::default(),
        };
        let info = context.client_info().unwrap_or_else(|| ourselves().client_info);
        Self { config: config(can, info, &version), peer: Some(context.peer.clone()), legacy }
    }

    /// Nobody in particular.
    pub(crate) fn nobody() -> Self {
        Self { config: ourselves(), peer: None, legacy: false }
    }
}

/// What a client can do in the middle of one request of its own; an older client's connection cannot
/// be asked in the new way.
pub(crate) fn stateless(context: &RequestContext<RoleServer>) -> ClientCapabilities {
    let modern = context.protocol_version().is_some_and(|version| !version.has_initialize());
    match modern {
        true => capabilities(context.client_capabilities().unwrap_or_default()),
        false => ClientCapabilities::default(),
    }
}

/// What a client is told of the server.
pub(crate) fn offered(mut has: ServerCapabilities) -> ServerCapabilities {
    has.experimental = None;
    has.extensions = has.extensions.and_then(known);
    has
}

fn config(can: ClientCapabilities, info: Implementation, version: &ProtocolVersion) -> ClientConfig {
    let known = ProtocolVersion::known_up_to(&ProtocolVersion::LATEST_WITH_INITIALIZE);
    let version = known.iter().find(|known| *known == version);
    let version = version.cloned().unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE);
    ClientConfig::new(can, info).with_protocol_version(version)
}

fn capabilities(mut can: ClientCapabilities) -> ClientCapabilities {
    can.experimental = None;
    can.extensions = can.extensions.and_then(known);
    can
}

fn known(extensions: ExtensionCapabilities) -> Option<ExtensionCapabilities> {
    let kept: ExtensionCapabilities =
        extensions.into_iter().filter(|(name, _)| EXTENSIONS.contains(&name.as_str())).collect();
    Some(kept).filter(|kept| !kept.is_empty())
}
