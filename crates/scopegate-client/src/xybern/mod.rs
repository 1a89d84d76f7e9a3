//! The plane in the words of Xybern's clients: every method is named as in their reference, and thin over the
//! same routes.

mod actions;
mod agents;
mod credentials;
mod decisions;
mod escalation_wire;
mod escalations;
mod grants;
#[cfg(test)]
mod methods;
mod policies;
mod roles;
mod sessions;
mod wire;

use crate::client::Client;

pub use self::actions::{Action, ActionDecision, AgentMessage, Batch, Word};
pub use self::decisions::{DecisionPage, DecisionQuery, DecisionStats};
pub use self::escalation_wire::{
    EscalationDecision, EscalationFilter, EscalationPage, EscalationState, EscalationStatus, EscalationView,
    Resolution, RunBudgets, RunConsumed, RunDraft, RunStatus, RunView,
};
pub use self::grants::{BreakglassDraft, BreakglassStats, DelegationDraft, GrantView, Verified, WindowDraft};
pub use self::policies::{
    DeployedPack, PackChanges, PackDraft, PackView, PolicyDraft, PolicyView, ShadowReport, ShadowRow,
    TriedPack,
};
pub use self::roles::{AgentRole, AgentRoleDraft};
pub use self::wire::{
    AgentDraft, AgentHistory, AgentPage, AgentView, Communications, CredentialStatus, CredentialView,
    HistoryEntry, Paging, Permissions, PrivateKey, RegisteredAgent, Rotation,
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
