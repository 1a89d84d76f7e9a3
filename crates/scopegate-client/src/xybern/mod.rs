//! The plane in the words of Xybern's clients: every method is named as in their reference, and thin over the
//! same routes.

mod agents;
mod credentials;
#[cfg(test)]
mod methods;
mod policies;
mod wire;

use crate::client::Client;

pub use self::policies::{
    DeployedPack, PackChanges, PackDraft, PackView, PolicyDraft, PolicyView, ShadowReport, ShadowRow,
    TriedPack,
};
pub use self::wire::{
    AgentDraft, AgentHistory, AgentPage, AgentView, Communications, CredentialStatus, CredentialView,
    HistoryEntry, Paging, PrivateKey, RegisteredAgent, Rotation,
};

/// A plane, spoken to as Xybern's clients do: `client.xybern().register_agent(…)`.
#[derive(Clone, Copy, Debug)]
pub struct Xybern<'a> {
    client: &'a Client,
}

impl Client {
    /// The plane in the words of Xybern's clients.
    pub fn xybern(&self) -> Xybern<'_> {
        Xybern { client: self }
    }
}
