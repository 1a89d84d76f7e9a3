//! What this dialect's callers are told of a decision. The only file of it that says `allow`.
//!
//! A client of this dialect runs the action when it reads a word that it does not know, or none where it
//! expects one; so there are four words, and each answer has one.

use schemars::JsonSchema;
use scopegate_core::{
    Decision, DecisionRecord, DenyCode, Event, PermitId, PolicyDecision, ReviewId, SessionId, Timestamp,
    Trust, TrustMove,
};
use serde::Serialize;
use serde_json::Value;

use super::grant_shapes::wire;
use crate::audit::Circumstances;
use crate::domain::{Acted, Decided};
use crate::openapi::DateTime;
use crate::store::Verdict;

/// What people call a policy, by its id.
pub(super) type Titles<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The word for what a decision came to.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Permitted => "allow",
        Verdict::Denied => "block",
        Verdict::Held => "escalate",
        Verdict::Terminated => "terminate",
    }
}

/// What a word stands for.
pub(super) fn verdict(word: &str) -> Option<Verdict> {
    Verdict::ALL.into_iter().find(|verdict| self::word(*verdict) == word)
}

/// A decision on an action.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernDecision")]
pub(super) struct Told {
    /// `allow`, `block`, `escalate` or `terminate`.
    decision: &'static str,
    /// Absent when nothing could be written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
    /// What decided: `fast`, `breakglass`, `identity`, `prohibited`, `rbac`, `policy`, `guard` or `escalation`.
    decision_path: &'static str,
    action_type: String,
    /// As the caller named it.
    agent_id: String,
    /// How far the agent is trusted since, from 0 to 100.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_score: Option<Trust>,
    /// How it was trusted, and is since.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Moved>,
    /// In a sentence.
    reasoning: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deny_code: Option<&'static str>,
    /// The names of the roles that judged it.
    roles: Vec<String>,
    policies_evaluated: Vec<String>,
    policies_triggered: Vec<Triggered>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow_results: Option<Shadow>,
    /// What a person has to resolve first.
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation_id: Option<String>,
    /// The break-glass that lifted a denial, and the denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    breakglass: Option<Lifted>,
    /// The agent that a message is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_decision_id: Option<String>,
    /// Names the record in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_entry_id: Option<String>,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
}

/// An answer to a question.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernAnswer")]
pub(super) struct Answer {
    pub(super) ok: bool,
    /// What the caller calls the action, among others.
    #[schemars(with = "Option<Value>")]
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<Value>,
    #[serde(flatten)]
    pub(super) told: Told,
    pub(super) latency_ms: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernTrustMove")]
pub(super) struct Moved {
    #[schemars(with = "f64")]
    pub(super) was: Trust,
    #[schemars(with = "f64")]
    pub(super) is: Trust,
}

/// What a break-glass lifted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernLifted")]
struct Lifted {
    breakglass_id: String,
    replaced: &'static str,
}

/// A policy that matched and decided.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernTriggered")]
struct Triggered {
    policy_id: String,
    name: String,
    decision: &'static str,
    reason: String,
}

/// What policies in the shadow would have said.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "XybernShadowResults")]
struct Shadow {
    shadow_decision: &'static str,
    live_decision: &'static str,
    would_have_changed: bool,
    triggered: Vec<String>,
}

impl Told {
    /// An action that was just decided.
    pub(super) fn of(acted: &Acted, action: &str, now: Timestamp, titles: &Titles<'_>) -> Self {
        let Acted { decision, record, about, agent, roles, trust } = acted;
        let (verdict, code, why) = match decision {
            Decision::Permit(_) => (Verdict::Permitted, None, None),
            Decision::Hold(_) => (Verdict::Held, None, None),
            Decision::Deny(denial) => {
                let verdict = Verdict::of(Event::Deny(denial.code)).unwrap_or(Verdict::Denied);
                (verdict, Some(denial.code), Some(denial.to_string()))
            }
        };
        let escalation = match decision {
            Decision::Hold(hold) => Some(hold.review),
            _ => None,
        };
        let roles = roles.iter().map(ToString::to_string).collect();
        let mut told = Self::new(verdict, code, why, roles, Some(*trust));
        told.action_type = action.to_owned();
        told.note(record.as_ref(), about, titles);
        if let Some(agent) = agent {
            told.agent_id = agent.to_string();
        }
        told.escalation_id = escalation.map(escalation_id);
        told.created_at = record.as_ref().map_or(now, |record| record.at);
        told
    }

    /// A decision of before; `None` when the record is none of one.
    pub(super) fn recorded(decided: &Decided, titles: &Titles<'_>) -> Option<Self> {
        let record: DecisionRecord = serde_json::from_value(decided.record.clone()).ok()?;
        let plane = decided.record.get("plane").cloned().unwrap_or_default();
        let about: Circumstances = serde_json::from_value(plane).unwrap_or_default();
        let code = match record.event {
            Event::Deny(code) => Some(code),
            _ => None,
        };
        let roles = match (&about.roles, &record.role) {
            (Some(several), _) => several.split(", ").map(str::to_owned).collect(),
            // Of a role that denies all by itself nobody has heard.
            (None, Some((name, _))) if !is_made(name) => vec![name.to_string()],
            _ => Vec::new(),
        };
        let mut told = Self::new(Verdict::of(record.event)?, code, about.reason.clone(), roles, record.trust);
        told.action_type = record.tool.as_deref().unwrap_or_default().to_owned();
        told.note(Some(&record), &about, titles);
        told.escalation_id = record.review.filter(|_| record.event == Event::Hold).map(escalation_id);
        told.created_at = decided.row.at;
        Some(told)
    }

    fn new(
        verdict: Verdict,
        code: Option<DenyCode>,
        why: Option<String>,
        roles: Vec<String>,
        trust: Option<TrustMove>,
    ) -> Self {
        let why = why.unwrap_or_else(|| match (verdict, code) {
            (Verdict::Permitted, _) => format!("permitted by {}", named(&roles)),
            (Verdict::Held, _) => "a person has to agree".to_owned(),
            (_, code) => code.map_or("denied", DenyCode::as_str).to_owned(),
        });
        let moved = match trust {
            None => String::new(),
            Some(TrustMove { was, is }) if was == is => format!("; trust stays {was}"),
            Some(TrustMove { was, is }) => format!("; trust was {was} and is {is}"),
        };
        Self {
            decision: word(verdict),
            decision_id: None,
            decision_path: path(verdict, code),
            action_type: String::new(),
            agent_id: String::new(),
            trust_score: trust.map(|trust| trust.is),
            trust: trust.map(|trust| Moved { was: trust.was, is: trust.is }),
            reasoning: format!("{why}{moved}"),
            deny_code: code.map(DenyCode::as_str),
            roles,
            policies_evaluated: Vec::new(),
            policies_triggered: Vec::new(),
            shadow_results: None,
            escalation_id: None,
            breakglass: None,
            target_agent_id: None,
            chain_id: None,
            parent_decision_id: None,
            vault_entry_id: None,
            created_at: Timestamp::default(),
        }
    }

    /// What the record says, and what the plane knows beside it.
    fn note(&mut self, record: Option<&DecisionRecord>, about: &Circumstances, titles: &Titles<'_>) {
        let owner = record.and_then(|record| record.owner.as_deref()).filter(|id| id.starts_with("agent_"));
        self.agent_id = about.claimed.as_deref().or(owner).unwrap_or_default().to_owned();
        // Denials of nobody share one session, and their numbers name nothing.
        let named = |id: &PermitId| *id != PermitId { session: SessionId::from_bits(0), number: 0 };
        self.decision_id = record.map(|record| record.id).filter(named).map(decision_id);
        self.vault_entry_id = record.map(|record| record.id).filter(named).map(|id| format!("vlt_{id}"));
        self.target_agent_id = about.to.as_ref().map(ToString::to_string);
        self.chain_id.clone_from(&about.chain);
        self.parent_decision_id = about.parent.as_ref().map(|id| format!("enf_{}", id.replace('-', "_")));
        for (verdict, policy) in about.policies.iter().flat_map(|told| triggered(told)) {
            let (policy_id, name) = (policy.to_owned(), titles(policy).unwrap_or_else(|| policy.to_owned()));
            let reason = format!("policy `{name}` says {}", word(verdict));
            self.policies_evaluated.push(policy_id.clone());
            self.policies_triggered.push(Triggered { policy_id, name, decision: word(verdict), reason });
        }
        let lifted = record.and_then(|record| record.grant.zip(record.replaced));
        if let Some((grant, code)) = lifted {
            let replaced = code.as_str();
            self.breakglass = Some(Lifted { breakglass_id: wire("bg", grant), replaced });
            self.decision_path = "breakglass";
            self.reasoning = format!("a break-glass lifted {replaced}: {}", self.reasoning);
        }
        self.shadow_results = record.and_then(|record| record.shadow.as_ref()).map(|shadow| Shadow {
            shadow_decision: said(shadow.decision),
            live_decision: self.decision,
            would_have_changed: shadow.changed,
            triggered: shadow.triggered.iter().map(ToString::to_string).collect(),
        });
    }

    pub(super) fn verdict(&self) -> Option<Verdict> {
        verdict(self.decision)
    }
}

/// An action that was not decided: nothing runs.
pub(super) fn undecided(action: &str, why: &str, now: Timestamp) -> Told {
    let mut told = Told::new(Verdict::Denied, None, Some(why.to_owned()), Vec::new(), None);
    (told.action_type, told.created_at) = (action.to_owned(), now);
    told
}

/// What decided.
fn path(verdict: Verdict, code: Option<DenyCode>) -> &'static str {
    match (verdict, code) {
        (Verdict::Permitted, _) => "fast",
        (Verdict::Held, _) => "escalation",
        (_, Some(code)) => match code {
            DenyCode::JwtInvalid
            | DenyCode::AgentSuspended
            | DenyCode::SessionRevoked
            | DenyCode::JwtExpired
            | DenyCode::SessionTerminated
            | DenyCode::SessionExpired => "identity",
            DenyCode::ActionForbidden => "prohibited",
            DenyCode::ScopeViolation
            | DenyCode::TrustTooLow
            | DenyCode::CredentialViolation
            | DenyCode::GrantExhausted
            | DenyCode::DelegationDepthExceeded => "rbac",
            DenyCode::PolicyDenied => "policy",
            _ => "guard",
        },
        _ => "guard",
    }
}

fn said(decision: PolicyDecision) -> &'static str {
    word(match decision {
        PolicyDecision::Permit => Verdict::Permitted,
        PolicyDecision::Hold => Verdict::Held,
        PolicyDecision::Deny => Verdict::Denied,
    })
}

/// What policies say, and their ids, as records have them.
fn triggered(told: &str) -> impl Iterator<Item = (Verdict, &str)> {
    told.split(", ").filter_map(|one| {
        let (decision, id) = one.split_once(' ')?;
        let verdict = match decision {
            "permit" => Verdict::Permitted,
            "hold" => Verdict::Held,
            "deny" => Verdict::Denied,
            _ => return None,
        };
        Some((verdict, id))
    })
}

fn named(roles: &[String]) -> String {
    match roles {
        [] => "a role".to_owned(),
        [role] => format!("role `{role}`"),
        roles => format!("roles `{}`", roles.join("`, `")),
    }
}

/// Whether a role was made by the plane: its name is a UUID, as no other's is.
fn is_made(role: &str) -> bool {
    uuid::Uuid::try_parse(role).is_ok()
}

/// The id of a decision, from that of its record.
pub(super) fn decision_id(id: PermitId) -> String {
    format!("enf_{}_{}", id.session, id.number)
}

/// The record that a decision's id stands for.
pub(super) fn record_id(text: &str) -> Option<PermitId> {
    let (session, number) = text.strip_prefix("enf_")?.split_once('_')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| digits)?;
    Some(PermitId { session: SessionId::parse(session)?, number })
}

/// The id of an escalation, from that of its review.
pub(super) fn escalation_id(review: ReviewId) -> String {
    format!("esc_{review}")
}

#[cfg(test)]
mod tests {
    use scopegate_core::Denial;

    use super::*;

    #[test]
    fn four_words_stand_for_four_verdicts_and_nothing_else() {
        for verdict in Verdict::ALL {
            assert_eq!(self::verdict(word(verdict)), Some(verdict));
        }
        for odd in ["", "Allow", "permit", "allow_with_warning", "deny"] {
            assert_eq!(verdict(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_id_comes_back_as_its_record() {
        let id = PermitId { session: SessionId::from_bits(7 << 64 | 9), number: 12 };
        assert_eq!(record_id(&decision_id(id)), Some(id));
        let session = id.session;
        for bad in ["", "enf_", "enf_1", "esc_1_1"] {
            assert_eq!(record_id(bad), None, "{bad}");
        }
        for bad in ["", "-1", "+1", "1e3", "99999999999999999999"] {
            assert_eq!(record_id(&format!("enf_{session}_{bad}")), None, "{bad}");
        }
    }

    #[test]
    fn every_denial_has_a_path_and_a_reason() {
        for code in DenyCode::ALL {
            let verdict = Verdict::of(Event::Deny(*code)).unwrap();
            let denial = Denial::new(*code);
            let told = Told::new(verdict, Some(*code), Some(denial.to_string()), Vec::new(), None);
            assert!(["block", "terminate"].contains(&told.decision), "{code}");
            assert!(["identity", "prohibited", "rbac", "policy", "guard"].contains(&told.decision_path));
            assert!(!told.reasoning.is_empty());
        }
    }
}
