//! A grant beside roles: a window, a break-glass or a delegation, as it is kept.

use serde::{Deserialize, Serialize};

use super::breakglass::BreakGlass;
use super::delegation::Delegation;
use super::window::Window;
use crate::forbid::glob;
use crate::id::{GrantId, Name};
use crate::problem;
use crate::time::Timestamp;

/// A way to gain access beside the role of a session. It says which tools may be used at all; the guards of
/// every role in force apply whichever grant admits a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps a grant has to keep all of it")]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Whose calls it admits.
    pub agent: Name,
    /// The tools it admits; `*` stands for any characters that a name may have.
    pub scopes: Vec<Name>,
    /// Lists of patterns that narrow that down: the tool has to be in each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Vec<Name>>,
    /// When it begins.
    pub opened_at: Timestamp,
    /// Who opened it, from their credential.
    pub opened_by: Name,
    /// What for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The first moment at which it admits nothing any more.
    pub until: Timestamp,
    /// How many calls it admits; no limit when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// How many calls it has admitted.
    pub uses: u64,
    /// Who ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What it is.
    pub kind: GrantKind,
}

/// What kind of grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "whoever keeps grants must know each kind")]
pub enum GrantKind {
    /// A role is widened for a while.
    Window(Window),
    /// An emergency.
    BreakGlass(BreakGlass),
    /// Another agent hands on some of what it may do.
    Delegation(Delegation),
}

/// The end of a grant before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps a grant has to keep all of it")]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// By whom, from their credential.
    pub by: Name,
    /// What for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Where a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "every state must be told")]
pub enum GrantState {
    /// It admits calls.
    Active,
    /// All of its uses are spent.
    Exhausted,
    /// Its time is over, or has not come.
    Expired,
    /// Somebody ended it.
    Ended,
}

impl GrantState {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Ended => "ended",
        }
    }
}

impl Grant {
    /// Where it stands. Nothing happens when its time is over: whoever looks finds it so.
    pub fn state(&self, now: Timestamp) -> GrantState {
        if self.ended.is_some() {
            GrantState::Ended
        } else if now < self.opened_at || now >= self.until {
            GrantState::Expired
        } else if self.is_spent() {
            GrantState::Exhausted
        } else {
            GrantState::Active
        }
    }

    /// Whether it is in force, whatever is left of its uses.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.state(now), GrantState::Active | GrantState::Exhausted)
    }

    /// Whether no use is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.max_uses.is_some_and(|most| self.uses >= most)
    }

    /// Whether it admits a tool of this name. As with roles, what is no name is no tool.
    pub fn admits(&self, tool: &str) -> bool {
        let lists = std::iter::once(&self.scopes).chain(&self.within);
        problem::name(tool).is_ok()
            && lists.into_iter().all(|list| list.iter().any(|pattern| glob(pattern, tool)))
    }

    /// What a break-glass is, if it is one.
    pub fn break_glass(&self) -> Option<&BreakGlass> {
        match &self.kind {
            GrantKind::BreakGlass(glass) => Some(glass),
            GrantKind::Window(_) | GrantKind::Delegation(_) => None,
        }
    }

    /// What a delegation is, if it is one.
    pub fn delegation(&self) -> Option<&Delegation> {
        match &self.kind {
            GrantKind::Delegation(delegation) => Some(delegation),
            GrantKind::Window(_) | GrantKind::BreakGlass(_) => None,
        }
    }

    /// What a window is, if it is one.
    pub fn window(&self) -> Option<&Window> {
        match &self.kind {
            GrantKind::Window(window) => Some(window),
            GrantKind::BreakGlass(_) | GrantKind::Delegation(_) => None,
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`GrantError::Over`] where it is over already.
    pub fn end(&mut self, ended: Ended) -> Result<(), GrantError> {
        match self.state(ended.at) {
            GrantState::Active | GrantState::Exhausted => {
                self.ended = Some(ended);
                Ok(())
            }
            over => Err(GrantError::Over(over)),
        }
    }
}

/// Why there is no such grant, or no such change of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// No such grant.
    #[error("unknown grant")]
    Unknown,
    /// It would admit nothing.
    #[error("at least one scope is needed")]
    NoScopes,
    /// Neither a name nor a pattern of names.
    #[error("`{0}` is no pattern: letters, digits, `_ . : / -` and `*`, at most 128")]
    Pattern(String),
    /// More than are supported.
    #[error("{0} are more than {1}")]
    TooMany(usize, usize),
    /// Too short or too long.
    #[error("it lasts from one to {0} minutes")]
    Length(u64),
    /// It says too little of why.
    #[error("say why, in {0} characters at least")]
    Reason(usize),
    /// It says more than is kept.
    #[error("more than {0} bytes of text")]
    Text(usize),
    /// A grant without uses.
    #[error("at least one use is needed")]
    NoUses,
    /// Whoever would use it cannot open it.
    #[error("`{0}` would open it for itself")]
    ForItself(Name),
    /// Nothing is left of what was asked for.
    #[error("nothing of that can be granted: the scopes have nothing in common with what may be given")]
    Nothing,
    /// It is over.
    #[error("it is {} already", .0.as_str())]
    Over(GrantState),
    /// As often as it may be.
    #[error("it was extended {0} times, which is all there is")]
    Extensions(u64),
    /// Too many of them in a short time.
    #[error("a fourth break-glass of one agent within half an hour; the next may be opened at {0}")]
    TooSoon(Timestamp),
    /// Too long in one day.
    #[error("all break-glass together may last four hours a day")]
    TooLong,
    /// Nobody has looked at an earlier one.
    #[error("break-glass {0} should have been reviewed by now; no other is opened before it is")]
    Unreviewed(GrantId),
    /// It is not over yet.
    #[error("it is reviewed once it is over")]
    StillOpen,
    /// Somebody has.
    #[error("it was reviewed already")]
    Reviewed,
    /// Whoever opened it, or used it, cannot.
    #[error("`{0}` had a part in it, and somebody else has to review it")]
    OwnReview(Name),
    /// An agent would get it from itself.
    #[error("an agent cannot delegate to itself")]
    ToItself,
    /// An agent would get back what it gave.
    #[error("agent `{0}` is among those it came from")]
    Circle(Name),
    /// Too many hands.
    #[error("it may be handed on {0} deep")]
    Depth(u64),
    /// Whoever hands it on has not got it.
    #[error("grant {0} is not the source's to hand on")]
    NotTheirs(GrantId),
    /// The source's role is gone.
    #[error("unknown role `{0}`")]
    UnknownRole(Name),
    /// It cannot be kept.
    #[error("grants are unavailable: {0}")]
    Unavailable(String),
}

/// Most patterns in a list.
const PATTERNS: usize = 64;

/// Whether these patterns can be granted; `whole` where an empty list would mean nothing at all.
pub(super) fn check_patterns(patterns: &[Name], whole: bool) -> Result<(), GrantError> {
    if patterns.len() > PATTERNS {
        return Err(GrantError::TooMany(patterns.len(), PATTERNS));
    }
    if whole && patterns.is_empty() {
        return Err(GrantError::NoScopes);
    }
    // A grant is for a tool wherever it is called: `TOOL@SERVER` would admit nothing.
    let is_wrong = |pattern: &&Name| pattern.contains('@') || crate::forbid::parse(pattern).is_err();
    match patterns.iter().find(is_wrong) {
        Some(pattern) => Err(GrantError::Pattern(pattern.chars().take(128).collect())),
        None => Ok(()),
    }
}

/// Whether a text says enough, and not too much.
pub(super) fn check_text(text: &str, least: usize) -> Result<(), GrantError> {
    const MOST: usize = 4096;
    if text.trim().chars().count() < least {
        return Err(GrantError::Reason(least));
    }
    if text.len() > MOST { Err(GrantError::Text(MOST)) } else { Ok(()) }
}

/// Whether somebody else opens it.
pub(super) fn check_opener(by: &Name, agent: &Name) -> Result<(), GrantError> {
    if by == agent || by.trim().is_empty() { Err(GrantError::ForItself(agent.clone())) } else { Ok(()) }
}

/// So many minutes, if they may be granted.
pub(super) fn check_minutes(minutes: u64, most: u64) -> Result<std::time::Duration, GrantError> {
    match minutes {
        0 => Err(GrantError::Length(most)),
        minutes if minutes > most => Err(GrantError::Length(most)),
        minutes => Ok(std::time::Duration::from_secs(minutes * 60)),
    }
}

/// Whether some name could match a pattern of both lists.
pub(crate) fn overlap(one: &[Name], other: &[Name]) -> bool {
    one.iter().any(|a| other.iter().any(|b| meet(a.as_bytes(), b.as_bytes())))
}

/// Whether some text matches both patterns: walks both at once, over the places that can be reached.
fn meet(a: &[u8], b: &[u8]) -> bool {
    let mut row = vec![false; b.len() + 1];
    for at in 0..=a.len() {
        let mut next = vec![false; b.len() + 1];
        for to in 0..=b.len() {
            let here = |row: &[bool], to: usize| row.get(to).copied().unwrap_or(false);
            let star = |of: &[u8], end: usize| end > 0 && of.get(end - 1) == Some(&b'*');
            let before = to > 0 && here(&next, to - 1);
            let above = at > 0 && here(&row, to);
            let both = at > 0 && to > 0 && here(&row, to - 1);
            let reached = (at == 0 && to == 0)
                || (star(a, at) && (before || above))
                || (star(b, to) && (before || above))
                || (both && at > 0 && to > 0 && a.get(at - 1) == b.get(to - 1));
            if let Some(place) = next.get_mut(to) {
                *place = reached;
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::meet;

    #[test]
    fn patterns_meet_where_a_name_matches_both() {
        for (a, b) in [
            ("a", "a"),
            ("*", ""),
            ("*", "*"),
            ("trade:*", "trade:read"),
            ("trade:*", "*:read"),
            ("a*c", "ab*"),
            ("a*b*c", "*x*"),
            ("**", "x"),
        ] {
            assert!(meet(a.as_bytes(), b.as_bytes()) && meet(b.as_bytes(), a.as_bytes()), "{a} {b}");
        }
        for (a, b) in [("a", "b"), ("", "a"), ("trade:*", "db:*"), ("a*c", "*d"), ("ab", "a"), ("a*a", "a")] {
            assert!(!meet(a.as_bytes(), b.as_bytes()) && !meet(b.as_bytes(), a.as_bytes()), "{a} {b}");
        }
    }
}
