//! What agents hold beside their roles: windows, and broken glass.

use crate::decide::{Call, Reference, SECOND, Verdict};
use crate::guards::{glob_matches, is_name};

/// A window, or broken glass.
#[derive(Debug)]
pub(crate) struct Grant {
    glass: bool,
    agent: String,
    scopes: Vec<String>,
    /// The first nanosecond that is outside.
    until: u64,
    left: Option<u64>,
    ended: bool,
}

impl Grant {
    fn admits(&self, tool: &str, now: u64) -> bool {
        let named = self.scopes.iter().any(|glob| glob_matches(glob.as_bytes(), tool.as_bytes()));
        !self.ended && now < self.until && self.left != Some(0) && is_name(tool) && named
    }
}

impl Reference {
    /// Somebody opens a window for an agent, or breaks the glass; the handle counts up from 0.
    pub fn grant(
        &mut self,
        (glass, agent): (bool, &str),
        scopes: &[String],
        minutes: u64,
        uses: Option<u64>,
        now: u64,
    ) {
        let until = now.saturating_add(minutes * 60 * SECOND);
        let (agent, scopes) = (agent.to_string(), scopes.to_vec());
        self.grants.push(Grant { glass, agent, scopes, until, left: uses, ended: false });
    }

    /// Somebody ends one before its time, or it never was.
    pub fn end_grant(&mut self, grant: usize) {
        self.grants[grant].ended = true;
    }

    pub(crate) fn is_glass(&self, grant: usize) -> bool {
        self.grants[grant].glass
    }

    /// A call was permitted by it.
    pub(crate) fn spend_grant(&mut self, grant: usize) {
        let left = &mut self.grants[grant].left;
        *left = left.map(|left| left - 1);
    }

    /// By the role; or else by a window where no role has the tool; or else by broken glass, where that lifts
    /// what stands against the call. Sub-agents have nothing but their roles.
    pub(crate) fn judge(&self, session: usize, call: &Call, now: u64) -> (Verdict, Option<usize>) {
        let mut verdict = self.judge_by(session, call, now, None);
        if self.handles(session).len() > 1 {
            return (verdict, None);
        }
        let owner = &self.sessions[session].owner;
        let holds = |glass: bool| {
            let of_agent = |grant: &Grant| grant.glass == glass && grant.agent == *owner;
            self.grants.iter().position(|grant| of_agent(grant) && grant.admits(call.tool, now))
        };
        let mut lacking = matches!(verdict, Verdict::Deny("SCOPE_VIOLATION"))
            && self.link(session, call.tool, call.server).guards.is_empty();
        if let (true, Some(window)) = (lacking, holds(false)) {
            verdict = self.judge_by(session, call, now, Some(window));
            lacking = false;
            if !matches!(verdict, Verdict::Deny(_)) {
                return (verdict, Some(window));
            }
        }
        let lifted = match verdict {
            Verdict::Deny("SCOPE_VIOLATION") => lacking,
            Verdict::Deny(code) => ["TRUST_TOO_LOW", "TIME_VIOLATION", "POLICY_DENIED"].contains(&code),
            _ => false,
        };
        match holds(true) {
            Some(glass) if lifted => (self.judge_by(session, call, now, Some(glass)), Some(glass)),
            _ => (verdict, None),
        }
    }
}
