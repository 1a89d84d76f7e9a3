//! Temporal windows, break-glass and delegations.

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Xybern;
use crate::error::ClientError;
use crate::routes;

/// A window to open.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct WindowDraft {
    /// For whom.
    pub agent_id: String,
    /// The actions it admits; `*` stands for any characters.
    pub scopes: Vec<String>,
    /// For how many minutes.
    pub duration_minutes: u64,
    /// What for.
    pub reason: String,
    /// What narrows the scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub action_types: Vec<String>,
    /// For so many actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// How often it may be extended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_extensions: Option<u64>,
    /// What it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
}

/// A break-glass to open.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct BreakglassDraft {
    /// For whom.
    pub agent_id: String,
    /// Why, in ten characters at least.
    pub justification: String,
    /// `critical`, `high` or `medium`.
    pub severity: String,
    /// For how many minutes; 15 unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_minutes: Option<u64>,
    /// For these actions alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_type: Option<String>,
    /// For so many actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_actions: Option<u64>,
}

/// A delegation to make.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct DelegationDraft {
    /// Who hands it on.
    pub source_agent_id: String,
    /// Who gets it.
    pub target_agent_id: String,
    /// The actions it admits; `*` stands for any characters.
    pub scopes: Vec<String>,
    /// What narrows the scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub action_types: Vec<String>,
    /// The delegation it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_grant_id: Option<String>,
    /// For how long; an hour unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
    /// For so many actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// The source's role; an admin may name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A grant as the plane tells of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GrantView {
    /// Its id.
    #[serde(alias = "window_id", alias = "breakglass_id")]
    pub grant_id: String,
    /// Whose actions it admits.
    pub agent_id: String,
    /// Who handed it on, where it is a delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_agent_id: Option<String>,
    /// The actions it admits.
    pub scopes: Vec<String>,
    /// What narrows them.
    #[serde(default)]
    pub action_types: Vec<String>,
    /// `active`, `exhausted`, `expired`, `revoked` or `closed`.
    pub status: String,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Its end.
    pub expires_at: Timestamp,
    /// How many actions it has admitted.
    pub uses: u64,
    /// How many it admits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// How bad it is, of a break-glass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Until when a break-glass has to be reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_due_at: Option<Timestamp>,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<String>,
}

/// How often glass was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BreakglassStats {
    /// So far.
    pub total: u64,
    /// In force.
    pub active: u64,
    /// Not reviewed yet.
    pub pending_review: u64,
    /// Not reviewed in time: no glass is broken before they are.
    pub overdue_review: u64,
}

/// Whether a delegation admits something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verified {
    /// Whether it does.
    pub valid: bool,
    /// Why not.
    pub reason: String,
    /// The delegation, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantView>,
}

#[derive(Deserialize)]
struct One {
    #[serde(alias = "window", alias = "event")]
    grant: GrantView,
}

#[derive(Deserialize)]
struct Many {
    #[serde(alias = "events", alias = "delegations")]
    windows: Vec<GrantView>,
}

#[derive(Deserialize)]
struct Checked {
    #[serde(default)]
    window: Option<GrantView>,
}

impl Xybern<'_> {
    /// Widens what an agent may do, for a while; with a key of an admin or for break-glass.
    ///
    /// # Errors
    /// [`ClientError`]: `Invalid` says what is wrong.
    pub async fn create_temporal_window(&self, draft: &WindowDraft) -> Result<GrantView, ClientError> {
        let told: One = self.client.http.ask(&routes::CREATE_WINDOW, &[])?.json(draft)?.told().await?;
        Ok(told.grant)
    }

    /// A window by its id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_temporal_window(&self, window: &str) -> Result<GrantView, ClientError> {
        let told: One = self.client.http.ask(&routes::GET_WINDOW, &[window])?.told().await?;
        Ok(told.grant)
    }

    /// An agent's windows.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_temporal_windows(&self, agent: &str) -> Result<Vec<GrantView>, ClientError> {
        let told: Many = self.client.http.ask(&routes::LIST_WINDOWS, &[agent])?.told().await?;
        Ok(told.windows)
    }

    /// Lets a window last longer.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it is over, or was extended as often as it may be.
    pub async fn extend_temporal_window(&self, window: &str, minutes: u64) -> Result<GrantView, ClientError> {
        let ask = self.client.http.ask(&routes::EXTEND_WINDOW, &[window])?;
        let told: One = ask.json(&json!({ "additional_minutes": minutes }))?.told().await?;
        Ok(told.grant)
    }

    /// Ends a window before its time.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it is over.
    pub async fn revoke_temporal_window(
        &self,
        window: &str,
        reason: Option<&str>,
    ) -> Result<GrantView, ClientError> {
        let ask = self.client.http.ask(&routes::REVOKE_WINDOW, &[window])?;
        let told: One = ask.json(&because(reason))?.told().await?;
        Ok(told.grant)
    }

    /// The window of an agent that admits this action now, if one does.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn check_temporal_window(
        &self,
        agent: &str,
        action: Option<&str>,
    ) -> Result<Option<GrantView>, ClientError> {
        let asked = json!({ "agent_id": agent, "action_type": action });
        let told: Checked = self.client.http.ask(&routes::CHECK_WINDOW, &[])?.json(&asked)?.told().await?;
        Ok(told.window)
    }

    /// Lets an agent do in an emergency what it otherwise may not; with a key of an admin or for break-glass.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trigger_breakglass(&self, draft: &BreakglassDraft) -> Result<GrantView, ClientError> {
        let told: One = self.client.http.ask(&routes::BREAK_GLASS, &[])?.json(draft)?.told().await?;
        Ok(told.grant)
    }

    /// Every break-glass.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_breakglass(&self) -> Result<Vec<GrantView>, ClientError> {
        let told: Many = self.client.http.ask(&routes::LIST_GLASS, &[])?.told().await?;
        Ok(told.windows)
    }

    /// Ends a break-glass before its time.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it is over.
    pub async fn close_breakglass(
        &self,
        breakglass: &str,
        reason: Option<&str>,
    ) -> Result<GrantView, ClientError> {
        let ask = self.client.http.ask(&routes::CLOSE_GLASS, &[breakglass])?;
        let told: One = ask.json(&because(reason))?.told().await?;
        Ok(told.grant)
    }

    /// Says what was found of a break-glass, with the key of somebody who had no part in it.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` while it is in force, or when it was reviewed.
    pub async fn review_breakglass(
        &self,
        breakglass: &str,
        notes: &str,
        outcome: Option<&str>,
    ) -> Result<GrantView, ClientError> {
        let ask = self.client.http.ask(&routes::REVIEW_GLASS, &[breakglass])?;
        let told: One = ask.json(&json!({ "notes": notes, "outcome": outcome }))?.told().await?;
        Ok(told.grant)
    }

    /// How often glass was broken.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_breakglass_stats(&self) -> Result<BreakglassStats, ClientError> {
        self.client.http.ask(&routes::GLASS_STATS, &[])?.told().await
    }

    /// Hands on some of what an agent may do; with its own key, or an admin's.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delegate(&self, draft: &DelegationDraft) -> Result<GrantView, ClientError> {
        let told: One = self.client.http.ask(&routes::DELEGATE, &[])?.json(draft)?.told().await?;
        Ok(told.grant)
    }

    /// Ends a delegation, and all that is a part of it.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it is over.
    pub async fn revoke_delegation(
        &self,
        grant: &str,
        reason: Option<&str>,
    ) -> Result<GrantView, ClientError> {
        let ask = self.client.http.ask(&routes::REVOKE_DELEGATION, &[grant])?;
        let told: One = ask.json(&because(reason))?.told().await?;
        Ok(told.grant)
    }

    /// What an agent gave and got.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_delegations(&self, agent: &str) -> Result<Vec<GrantView>, ClientError> {
        let told: Many = self.client.http.ask(&routes::LIST_DELEGATIONS, &[agent])?.told().await?;
        Ok(told.windows)
    }

    /// Whether a delegation admits this action to whoever has it, or why not.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verify_delegation(
        &self,
        grant: &str,
        action: Option<&str>,
    ) -> Result<Verified, ClientError> {
        let asked = json!({ "grant_id": grant, "action_type": action });
        self.client.http.ask(&routes::VERIFY_DELEGATION, &[])?.json(&asked)?.told().await
    }
}

fn because(reason: Option<&str>) -> Value {
    json!({ "reason": reason })
}
