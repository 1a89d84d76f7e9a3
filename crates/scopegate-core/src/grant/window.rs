//! Temporal windows: an operator widens what an agent may do, for a while.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::{
    Grant, GrantError, GrantKind, GrantState, check_minutes, check_opener, check_patterns, check_text,
    overlap,
};
use crate::facts::{Facts, Held};
use crate::id::{GrantId, Name};
use crate::time::Timestamp;

/// Longest at a time: a day.
const MINUTES: u64 = 1440;
/// Most extensions that may be allowed.
const EXTENSIONS: u64 = 10;

/// What a window has beside every grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps a grant has to keep all of it")]
pub struct Window {
    /// How often it may be extended.
    pub max_extensions: u64,
    /// Each extension so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended: Vec<Extended>,
    /// What it belongs to, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
}

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps a grant has to keep all of it")]
pub struct Extended {
    /// When.
    pub at: Timestamp,
    /// By whom, from their credential.
    pub by: Name,
    /// For so many minutes more.
    pub minutes: u64,
    /// What for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A window to open.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever opens one says all of it")]
pub struct OpenWindow {
    /// For whom.
    pub agent: Name,
    /// Patterns of the tools it admits.
    pub scopes: Vec<Name>,
    /// Patterns that the tool has to match too; empty where the scopes say it all.
    pub actions: Vec<Name>,
    /// For how long.
    pub minutes: u64,
    /// What for.
    pub reason: String,
    /// For so many calls; no limit when `None`.
    pub max_uses: Option<u64>,
    /// How often it may be extended; three times when `None`.
    pub max_extensions: Option<u64>,
    /// What it belongs to, for people.
    pub workflow: Option<String>,
    /// Who opens it, from their credential; never the agent.
    pub by: Name,
}

impl OpenWindow {
    /// The window.
    ///
    /// # Errors
    /// [`GrantError`] says what to change.
    pub fn open(self, id: GrantId, now: Timestamp) -> Result<Grant, GrantError> {
        let Self { agent, scopes, actions, minutes, reason, max_uses, max_extensions, workflow, by } = self;
        check_opener(&by, &agent)?;
        check_patterns(&scopes, true)?;
        check_patterns(&actions, false)?;
        check_text(&reason, 1)?;
        check_text(workflow.as_deref().unwrap_or_default(), 0)?;
        let length = check_minutes(minutes, MINUTES)?;
        if max_uses == Some(0) {
            return Err(GrantError::NoUses);
        }
        if !actions.is_empty() && !overlap(&scopes, &actions) {
            return Err(GrantError::Nothing);
        }
        let max_extensions = max_extensions.unwrap_or(3);
        if max_extensions > EXTENSIONS {
            return Err(GrantError::Extensions(EXTENSIONS));
        }
        Ok(Grant {
            id,
            agent,
            scopes,
            within: if actions.is_empty() { Vec::new() } else { vec![actions] },
            opened_at: now,
            opened_by: by,
            reason,
            until: now.after(length),
            max_uses,
            uses: 0,
            ended: None,
            kind: GrantKind::Window(Window { max_extensions, extended: Vec::new(), workflow }),
        })
    }
}

impl Grant {
    /// Lets a window last longer. One that is over stays over.
    ///
    /// # Errors
    /// [`GrantError`]; nothing changed.
    pub fn extend(
        &mut self,
        by: Name,
        minutes: u64,
        reason: String,
        now: Timestamp,
    ) -> Result<(), GrantError> {
        let length: Duration = check_minutes(minutes, MINUTES)?;
        check_text(&reason, 0)?;
        check_opener(&by, &self.agent)?;
        let state = self.state(now);
        let GrantKind::Window(window) = &mut self.kind else { return Err(GrantError::Unknown) };
        if !matches!(state, GrantState::Active | GrantState::Exhausted) {
            return Err(GrantError::Over(state));
        }
        if window.extended.len() as u64 >= window.max_extensions {
            return Err(GrantError::Extensions(window.max_extensions));
        }
        window.extended.push(Extended { at: now, by, minutes, reason });
        self.until = self.until.after(length);
        Ok(())
    }
}

/// The window that pays for a call which no role grants: the first that is open, has a use left and admits it.
pub(super) fn paying<'f>(facts: &'f Facts<'_>, tool: &str, now: Timestamp) -> Option<&'f Held<'f>> {
    let active = |held: &&Held<'_>| held.grant.state(now) == GrantState::Active;
    let windows = facts.grants.iter().filter(|held| held.grant.window().is_some());
    windows.filter(active).find(|held| held.grant.admits(tool))
}
