//! What more roles and more tools cost.

use scopegate_core::{AccessRequest, Enforcer, Principal, Provision, Quick, ToolCall};
use scopegate_engine::{LocalEnforcer, RecordsSpec};

use super::agent::{self, Agent, CALLS_OF_AN_AGENT, permits};
use crate::Result;
use crate::harness::Item;
use crate::workload::{self, Case};

/// Many roles.
pub(super) const MANY: usize = 100_000;

pub(super) fn items() -> Vec<Item> {
    vec![
        repeated("ours/roles/1/repeated", 1, 3),
        repeated("ours/roles/100000/repeated", MANY, 3),
        random("ours/roles/1/random", 1),
        random("ours/roles/10000/random", 10_000),
        random("ours/roles/100000/random", MANY),
        repeated("ours/tools/3", 1, 3),
        repeated("ours/tools/200", 1, 200),
        publish(),
    ]
}

/// The same role each time, from the middle.
fn repeated(name: &str, roles: usize, tools: usize) -> Item {
    let build = move || {
        let all = (0..roles).map(|index| agent::role(index, tools));
        let enforcer = agent::enforcer(all, RecordsSpec::None)?;
        Agent::new(enforcer, workload::role(roles / 2), agent::call(Case::Allow))
    };
    Item::refreshed(name, build, Agent::ask, permits, (CALLS_OF_AN_AGENT, Agent::replace))
}

/// Another session of another role each time, in no order; as many sessions as roles.
fn random(name: &str, roles: usize) -> Item {
    let build = move || {
        let enforcer = agent::enforcer((0..roles).map(|index| agent::role(index, 3)), RecordsSpec::None)?;
        let mut crowd =
            Crowd { enforcer, sessions: Vec::new(), call: agent::call(Case::Allow), state: 1, asked: 0 };
        crowd.replace(0)?;
        Ok(crowd)
    };
    // Every role has an owner of its own; only where one role answers all calls are its limits in reach.
    let renew = |crowd: &mut Crowd| {
        crowd.asked += 1;
        if crowd.sessions.len() == 1 {
            // Without a session nothing is permitted any more, which the answers would show.
            let _ = crowd.replace(crowd.asked);
        }
    };
    let right = |answer: &Option<Quick>| answer.as_ref().is_some_and(permits);
    Item::refreshed(name, build, Crowd::ask, right, (CALLS_OF_AN_AGENT, renew))
}

struct Crowd {
    enforcer: LocalEnforcer,
    sessions: Vec<Principal>,
    call: ToolCall,
    state: u64,
    asked: u64,
}

impl Crowd {
    fn replace(&mut self, generation: u64) -> Result<()> {
        let roles = self.enforcer.roles();
        let open =
            |role| Ok(self.enforcer.open(Provision::new(role, format!("agent-{generation}")))?.principal);
        self.sessions = roles.into_iter().map(open).collect::<Result<_>>()?;
        Ok(())
    }

    fn ask(&mut self) -> Option<Quick> {
        // xorshift64: a few instructions, and no order that a processor could guess.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let session = self.sessions.get(self.state as usize % self.sessions.len())?;
        Some(self.enforcer.try_enforce(&AccessRequest::new(session.as_ref(), &self.call)))
    }
}

/// Changes one role of many.
fn publish() -> Item {
    let build = || {
        let enforcer = agent::enforcer((0..MANY).map(|index| agent::role(index, 3)), RecordsSpec::None)?;
        Ok((enforcer, 0))
    };
    let put = |(enforcer, next): &mut (LocalEnforcer, usize)| {
        *next = (*next + 7_919) % MANY;
        let mut role = agent::role(*next, 3);
        role.max_rows += 1;
        enforcer.put_role(role).is_ok()
    };
    Item::new("ours/roles/100000/publish", build, put, |put| *put)
}
