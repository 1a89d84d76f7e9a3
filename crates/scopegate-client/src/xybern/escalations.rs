//! Calls that wait for a person.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Xybern;
use super::escalation_wire::{
    EscalationDecision, EscalationFilter, EscalationPage, EscalationState, EscalationStatus, EscalationView,
    OneEscalation, Resolution, Resolve, Resolved,
};
use super::wire::Paging;
use crate::error::ClientError;
use crate::routes;

/// How soon an escalation is looked at again, at least.
const LEAST_PAUSE: Duration = Duration::from_millis(500);

impl Xybern<'_> {
    /// Escalations, newest first: those that wait, unless the filter says otherwise. An agent's key sees its own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_escalations(
        &self,
        filter: &EscalationFilter,
        paging: Paging,
    ) -> Result<EscalationPage, ClientError> {
        filter.ask(paging.ask(self.client.http.ask(&routes::LIST_ESCALATIONS, &[])?)).told().await
    }

    /// All of an escalation. To look at it takes nothing up.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_escalation(&self, escalation: &str) -> Result<EscalationView, ClientError> {
        let told: OneEscalation =
            self.client.http.ask(&routes::GET_ESCALATION, &[escalation])?.told().await?;
        Ok(told.escalation)
    }

    /// Where an escalation stands. Through the key that asked for the call, the first reading of a yes permits it:
    /// whoever reads [`EscalationStatus::is_permitted`] runs it, once. Readings in the next minute are told the
    /// same permit, later ones that it has expired.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_escalation_status(&self, escalation: &str) -> Result<EscalationStatus, ClientError> {
        self.client.http.ask(&routes::ESCALATION_STATUS, &[escalation])?.told().await
    }

    /// Agrees to a call, or refuses it. Who does is the holder of the key; `reason` is shown to the agent.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it was decided or has expired, `Forbidden` when the holder of the key
    /// asked for the call.
    pub async fn resolve_escalation(
        &self,
        escalation: &str,
        resolution: Resolution,
        reason: Option<&str>,
    ) -> Result<EscalationView, ClientError> {
        let ask = self.client.http.ask(&routes::RESOLVE_ESCALATION, &[escalation])?;
        let told: Resolved = ask.json(&Resolve { resolution, reason })?.told().await?;
        Ok(told.escalation)
    }

    /// Reads an escalation until it is decided or expires, or `patience` is over: then it is still pending. It is
    /// looked at every `pause`, half a second at least; an outage is waited out, because what was permitted is
    /// told again.
    ///
    /// # Errors
    /// [`ClientError`]: an outage only when it lasts until the time is over.
    pub async fn wait_for_escalation(
        &self,
        escalation: &str,
        pause: Duration,
        patience: Duration,
    ) -> Result<EscalationStatus, ClientError> {
        // Longer than anybody waits.
        let over = Instant::now().checked_add(patience);
        loop {
            let seen = self.get_escalation_status(escalation).await;
            let settled = match &seen {
                Ok(told) => told.is_settled(),
                Err(error) => !error.is_outage(),
            };
            let left = over.map_or(Duration::MAX, |over| over.saturating_duration_since(Instant::now()));
            if settled || left.is_zero() {
                return seen;
            }
            sleep(pause.max(LEAST_PAUSE).min(left)).await;
        }
    }
}

impl EscalationStatus {
    /// Whether whoever read this may run the call, once.
    pub fn is_permitted(&self) -> bool {
        self.status == EscalationState::Approved && self.decision == EscalationDecision::Allow
    }

    /// Whether nobody has to be waited for any more.
    pub fn is_settled(&self) -> bool {
        self.status != EscalationState::Pending
    }
}
