//! Break-glass: in an emergency an agent may do what it otherwise may not, and somebody looks at it afterwards.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::{
    Grant, GrantError, GrantKind, GrantState, check_minutes, check_opener, check_patterns, check_text,
};
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::{Facts, Held};
use crate::id::{GrantId, Name};
use crate::time::Timestamp;

/// How long one lasts where nobody says.
const DEFAULT_MINUTES: u64 = 15;
/// The longest.
const MINUTES: u64 = 120;
/// The shortest justification, in characters.
const JUSTIFICATION: usize = 10;
/// How long after it was opened it has to be reviewed.
const REVIEW_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// What a break-glass has beside every grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps a grant has to keep all of it")]
pub struct BreakGlass {
    /// How bad it is.
    pub severity: Emergency,
    /// What somebody else said of it afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Reviewed>,
}

/// How bad an emergency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, missing_docs, reason = "these are the words there are")]
pub enum Emergency {
    Medium,
    High,
    Critical,
}

/// What somebody said of a break-glass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps a grant has to keep all of it")]
pub struct Reviewed {
    /// When.
    pub at: Timestamp,
    /// By whom, from their credential.
    pub by: Name,
    /// What they found.
    pub notes: String,
    /// What it comes to, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// A break-glass to open.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever opens one says all of it")]
pub struct OpenBreakGlass {
    /// For whom.
    pub agent: Name,
    /// Why, in ten characters at least.
    pub justification: String,
    /// How bad it is.
    pub severity: Emergency,
    /// For how long; fifteen minutes when `None`, two hours at most.
    pub minutes: Option<u64>,
    /// Patterns of the tools it is for; any when empty.
    pub actions: Vec<Name>,
    /// For so many calls; no limit when `None`.
    pub max_uses: Option<u64>,
    /// Who opens it, from their credential; never the agent.
    pub by: Name,
}

impl Emergency {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl OpenBreakGlass {
    /// The break-glass, whatever others were opened before.
    ///
    /// # Errors
    /// [`GrantError`] says what to change.
    pub fn open(self, id: GrantId, now: Timestamp) -> Result<Grant, GrantError> {
        let Self { agent, justification, severity, minutes, actions, max_uses, by } = self;
        check_opener(&by, &agent)?;
        check_text(&justification, JUSTIFICATION)?;
        check_patterns(&actions, false)?;
        let length = check_minutes(minutes.unwrap_or(DEFAULT_MINUTES), MINUTES)?;
        if max_uses == Some(0) {
            return Err(GrantError::NoUses);
        }
        Ok(Grant {
            id,
            agent,
            scopes: if actions.is_empty() { vec![Name::new_static("*")] } else { actions },
            within: Vec::new(),
            opened_at: now,
            opened_by: by,
            reason: justification,
            until: now.after(length),
            max_uses,
            uses: 0,
            ended: None,
            kind: GrantKind::BreakGlass(BreakGlass { severity, reviewed: None }),
        })
    }
}

impl Grant {
    /// Notes what somebody found who had no part in it.
    ///
    /// # Errors
    /// [`GrantError`]; nothing changed.
    pub fn review(&mut self, reviewed: Reviewed) -> Result<(), GrantError> {
        check_text(&reviewed.notes, 1)?;
        check_text(reviewed.outcome.as_deref().unwrap_or_default(), 0)?;
        let state = self.state(reviewed.at);
        let had_a_part = reviewed.by == self.opened_by || reviewed.by == self.agent;
        let GrantKind::BreakGlass(glass) = &mut self.kind else { return Err(GrantError::Unknown) };
        if glass.reviewed.is_some() {
            return Err(GrantError::Reviewed);
        }
        if had_a_part || reviewed.by.trim().is_empty() {
            return Err(GrantError::OwnReview(reviewed.by));
        }
        if state == GrantState::Active {
            return Err(GrantError::StillOpen);
        }
        glass.reviewed = Some(reviewed);
        Ok(())
    }

    /// Until when a break-glass has to be reviewed; `None` once it was, and for every other grant.
    pub fn review_due(&self) -> Option<Timestamp> {
        self.break_glass().filter(|glass| glass.reviewed.is_none())?;
        Some(self.opened_at.after(REVIEW_WITHIN))
    }
}

/// What a break-glass lifts: that there is no grant, the hours, the minimum trust, and policies that are not
/// absolute. Nothing else. What a manifest lacks, or a grant that a call names, is no lack of a grant.
pub(super) fn lifts(denial: &Denial) -> bool {
    match denial.code {
        DenyCode::ScopeViolation => !matches!(denial.detail, Detail::Manifest(..) | Detail::Grant(_)),
        DenyCode::TrustTooLow | DenyCode::TimeViolation | DenyCode::PolicyDenied => true,
        _ => false,
    }
}

/// The break-glass that pays: the first that is open, has a use left and is for this tool.
pub(super) fn paying<'f>(facts: &'f Facts<'_>, tool: &str, now: Timestamp) -> Option<&'f Held<'f>> {
    let active = |held: &&Held<'_>| held.grant.state(now) == GrantState::Active;
    let broken = facts.grants.iter().filter(|held| held.grant.break_glass().is_some());
    broken.filter(active).find(|held| held.grant.admits(tool))
}
