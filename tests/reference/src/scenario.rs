//! Whole scenarios: a policy, its sessions, and what happens to them.

use crate::decide::Reference;
use crate::generate::GeneratedCall;

/// Something that happens. Sessions are numbered from 0 in the order of the `Open` and `Child` events.
#[derive(Debug, Clone)]
pub enum Event {
    /// A session is opened.
    Open {
        /// The role.
        role: String,
        /// The agent.
        owner: String,
        /// Seconds it lives.
        ttl_s: u64,
        /// How many calls it may make, if that is limited.
        max_calls: Option<u64>,
    },
    /// A sub-agent's session is opened.
    Child {
        /// The parent session.
        parent: usize,
        /// The role.
        role: String,
        /// Seconds it lives.
        ttl_s: u64,
        /// How many calls it may make, if that is limited.
        max_calls: Option<u64>,
    },
    /// Time passes.
    Advance {
        /// Nanoseconds.
        ns: u64,
    },
    /// A session is revoked.
    Revoke {
        /// The session.
        session: usize,
    },
    /// An agent is suspended.
    Suspend {
        /// The agent.
        owner: String,
    },
    /// A person answers the review of an earlier call; `call_index` is its place in the events.
    Resolve {
        /// The place of the call in the events.
        call_index: usize,
        /// Yes or no.
        approve: bool,
    },
    /// A role is deleted. No other role has it as parent.
    RemoveRole {
        /// The role.
        role: String,
    },
    /// A window is opened for an agent, or the glass is broken. They are numbered from 0.
    Grant {
        /// Whether it is broken glass.
        glass: bool,
        /// The agent.
        agent: String,
        /// Globs of the tools it admits.
        scopes: Vec<String>,
        /// Minutes it lasts.
        minutes: u64,
        /// Calls it admits.
        uses: Option<u64>,
    },
    /// One of them ends before its time.
    EndGrant {
        /// Which.
        grant: usize,
    },
    /// A call; `None` is an unknown token.
    Call {
        /// The session.
        session: Option<usize>,
        /// What is called.
        call: GeneratedCall,
    },
}

/// A policy and what happens under it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The policy document, JSON.
    pub policy: String,
    /// The deployment's fixed env.
    pub env: Option<String>,
    /// The credentials the deployment can resolve.
    pub credentials: Vec<String>,
    /// The time before the first event, in nanoseconds since 1970.
    pub start_ns: u64,
    /// What happens, in order.
    pub events: Vec<Event>,
}

impl Scenario {
    /// A reference in the state before the first event.
    pub fn reference(&self) -> Result<Reference, String> {
        let mut reference = Reference::new(&self.policy)?;
        reference.set_env(self.env.as_deref());
        let names: Vec<&str> = self.credentials.iter().map(String::as_str).collect();
        reference.set_credentials(&names);
        Ok(reference)
    }
}

/// Applies one event; answers what a call got.
pub fn apply(
    reference: &mut Reference,
    events: &[Event],
    index: usize,
    now: &mut u64,
) -> Option<&'static str> {
    match &events[index] {
        Event::Open { role, owner, ttl_s, max_calls } => {
            let session = reference.open(role, owner, *now, *ttl_s);
            max_calls.iter().for_each(|most| reference.limit(session, *most));
        }
        Event::Child { parent, role, ttl_s, max_calls } => {
            let session = reference.open_child(*parent, role, *now, *ttl_s);
            max_calls.iter().for_each(|most| reference.limit(session, *most));
        }
        Event::Advance { ns } => *now += ns,
        Event::Revoke { session } => reference.revoke(*session),
        Event::Suspend { owner } => reference.suspend(owner),
        Event::Resolve { call_index, approve } => {
            if let Some(Event::Call { session: Some(session), call }) = events.get(*call_index) {
                reference.resolve(*session, &call.as_call(), *approve);
            }
        }
        Event::RemoveRole { role } => reference.remove_role(role),
        Event::Grant { glass, agent, scopes, minutes, uses } => {
            reference.grant((*glass, agent), scopes, *minutes, *uses, *now);
        }
        Event::EndGrant { grant } => reference.end_grant(*grant),
        Event::Call { session, call } => return Some(reference.decide(*session, &call.as_call(), *now)),
    }
    None
}

/// Replays a scenario: the place of every call in the events, and its answer.
pub fn run(scenario: &Scenario) -> Result<Vec<(usize, &'static str)>, String> {
    let mut reference = scenario.reference()?;
    let mut now = scenario.start_ns;
    let indices = 0..scenario.events.len();
    Ok(indices.filter_map(|i| Some((i, apply(&mut reference, &scenario.events, i, &mut now)?))).collect())
}
