//! How a scenario is made up.

use crate::decide::{Reference, SECOND};
use crate::generate::calls::Hints;
use crate::generate::{CREDENTIALS, ENVS, Gen, GeneratedCall, OWNERS};
use crate::scenario::{Event, Scenario, apply};

/// The scenario of a seed: about sixty calls over a few sessions.
pub fn scenario(seed: u64) -> Scenario {
    let mut random = Gen::new(seed);
    let policy = random.policy();
    let env = if random.chance(25) { Some(random.pick(&ENVS).to_string()) } else { None };
    let credentials = random.some(&CREDENTIALS, 90).into_iter().map(str::to_string).collect();
    // Within a year from 2026-01-01, to the nanosecond.
    let start_ns = 1_767_225_600_000_000_000 + random.below(365 * 86_400 * 1_000_000_000);
    let made = Scenario { policy, env, credentials, start_ns, events: Vec::new() };
    let Ok(reference) = made.reference() else { return made };
    let mut roles: Vec<String> = reference.roles().keys().cloned().collect();
    roles.sort();
    let mut story = Story {
        now: start_ns,
        roles,
        reference,
        sessions: Vec::new(),
        grants: 0,
        held: Vec::new(),
        permitted: Vec::new(),
        events: Vec::new(),
        random,
    };
    let sessions = story.random.range(1, 3);
    for _ in 0..sessions {
        story.open();
    }
    for _ in 0..60 {
        story.step();
    }
    Scenario { events: story.events, ..made }
}

/// The same, where most sessions have budgets.
pub fn budgeted(seed: u64) -> Scenario {
    let mut made = scenario(seed);
    // The same story, so that no budget changes what happens beside it.
    let mut random = Gen::new(!seed);
    for event in &mut made.events {
        if let Event::Open { max_calls, .. } | Event::Child { max_calls, .. } = event {
            *max_calls = random.chance(70).then(|| random.below(12));
        }
    }
    made
}

/// A scenario as it is being made up, with a reference that shows what has come of it so far.
struct Story {
    random: Gen,
    reference: Reference,
    now: u64,
    events: Vec<Event>,
    /// The roles that are left, by name.
    roles: Vec<String>,
    /// Session, parent.
    sessions: Vec<Option<usize>>,
    /// How many grants there were.
    grants: usize,
    /// Places of calls that were held.
    held: Vec<usize>,
    /// Places of calls that were permitted.
    permitted: Vec<usize>,
}

impl Story {
    fn happens(&mut self, event: Event) -> Option<&'static str> {
        self.events.push(event);
        apply(&mut self.reference, &self.events, self.events.len() - 1, &mut self.now)
    }

    fn ttl(&mut self) -> u64 {
        self.random.pick(&[30, 600, 3600, 86_400, 86_400, 604_800])
    }

    fn open(&mut self) {
        if self.roles.is_empty() {
            return;
        }
        let role = self.random.pick_ref(&self.roles).clone();
        let owner = self.random.pick(&OWNERS).to_string();
        let ttl_s = self.ttl();
        if !self.reference.is_suspended(&owner) {
            self.sessions.push(None);
            self.happens(Event::Open { role, owner, ttl_s, max_calls: None });
        }
    }

    fn live(&self) -> Vec<usize> {
        (0..self.sessions.len()).filter(|session| self.reference.in_service(*session, self.now)).collect()
    }

    fn child(&mut self) {
        let live = self.live();
        if live.is_empty() {
            return;
        }
        let parent = self.random.pick(&live);
        if self.reference.handles(parent).len() >= 4 {
            return;
        }
        let role = self.random.pick_ref(&self.roles).clone();
        let ttl_s = self.ttl();
        self.sessions.push(Some(parent));
        self.happens(Event::Child { parent, role, ttl_s, max_calls: None });
    }

    /// Perhaps something else happens, then a call.
    fn step(&mut self) {
        if self.random.chance(35) {
            let unit = self.random.pick(&[
                1,
                1_000_000,
                50_000_000,
                SECOND,
                SECOND,
                15 * SECOND,
                60 * SECOND,
                600 * SECOND,
            ]);
            let ns = unit * self.random.range(1, 20) + self.random.below(2);
            self.happens(Event::Advance { ns });
        }
        match self.random.below(1000) {
            0..=9 => {
                let session = self.random.below(self.sessions.len().max(1) as u64) as usize;
                if session < self.sessions.len() {
                    self.happens(Event::Revoke { session });
                }
            }
            10..=14 => {
                let owner = self.random.pick(&OWNERS).to_string();
                self.happens(Event::Suspend { owner });
            }
            15..=20 => self.remove_role(),
            21..=43 => self.child(),
            44..=48 => {
                self.happens(Event::Advance { ns: 3600 * SECOND });
            }
            49..=58 => self.reach_the_end_of_a_session(),
            59..=64 => self.reach_an_hour(),
            65..=75 => self.many_sessions(),
            76..=105 => self.grant(),
            106..=110 if self.grants > 0 => {
                let grant = self.random.below(self.grants as u64) as usize;
                self.happens(Event::EndGrant { grant });
            }
            _ => {}
        }
        if self.live().is_empty() && self.random.chance(70) {
            self.open();
        }
        if !self.held.is_empty() && self.random.chance(30) {
            self.answer();
        } else {
            self.call();
        }
    }

    fn grant(&mut self) {
        let glass = self.random.chance(40);
        let agent = self.random.pick(&OWNERS).to_string();
        let globs = ["*", "*", "pay", "re*", "*_file", "db:*", "unknown_tool", "s*"];
        let count = self.random.range(1, 2);
        let scopes = (0..count).map(|_| self.random.pick(&globs).to_string()).collect();
        let minutes = self.random.pick(&[1, 15, 60, 120]);
        let uses = if self.random.chance(30) { Some(self.random.range(1, 3)) } else { None };
        self.grants += 1;
        self.happens(Event::Grant { glass, agent, scopes, minutes, uses });
    }

    fn remove_role(&mut self) {
        let roles = self.reference.roles();
        let is_parent = |name: &str| roles.values().any(|role| role.parent.as_deref() == Some(name));
        let leaves: Vec<String> = self.roles.iter().filter(|name| !is_parent(name)).cloned().collect();
        if self.roles.len() < 2 || leaves.is_empty() {
            return;
        }
        let role = self.random.pick_ref(&leaves).clone();
        self.roles.retain(|name| *name != role);
        self.happens(Event::RemoveRole { role });
    }

    fn call(&mut self) {
        let live = self.live();
        let session = match self.random.below(1000) {
            0..=4 => None,
            5..=34 if !self.sessions.is_empty() => {
                Some(self.random.below(self.sessions.len() as u64) as usize)
            }
            _ if live.is_empty() => self.sessions.len().checked_sub(1),
            _ => Some(self.random.pick(&live)),
        };
        let hints = session.and_then(|session| Hints::of(&self.reference, session, self.now));
        let call = self.random.call(hints.as_ref());
        self.send(Event::Call { session, call });
    }

    fn send(&mut self, event: Event) {
        let place = self.events.len();
        match self.happens(event) {
            Some("HOLD") => self.held.push(place),
            Some("PERMIT") => self.permitted.push(place),
            Some("RATE_LIMIT_EXCEEDED" | "MCP_RATE_LIMIT_EXCEEDED") if self.random.chance(25) => {
                self.wait_and_repeat(place)
            }
            _ => {}
        }
    }

    /// The refused call comes again when there is rate left, or a nanosecond too early.
    fn wait_and_repeat(&mut self, place: usize) {
        let Event::Call { session: Some(session), call } = self.events[place].clone() else { return };
        let wait = self.reference.rate_wait(session, &call.tool, call.server.as_deref(), self.now);
        let early = self.random.below(2);
        self.happens(Event::Advance { ns: wait.saturating_sub(early) });
        self.happens(Event::Call { session: Some(session), call });
    }

    /// Moves time to that point, or a nanosecond next to it.
    fn move_near(&mut self, point: u64) {
        let target = point + self.random.below(3) - 1;
        self.happens(Event::Advance { ns: target.saturating_sub(self.now) });
    }

    /// Moves to where a session ends, and calls with it or a child of it.
    fn reach_the_end_of_a_session(&mut self) {
        let live = self.live();
        if live.is_empty() {
            return;
        }
        let ending = self.random.pick(&live);
        self.move_near(self.reference.expires(ending));
        let below = |session: &usize| self.reference.handles(*session).contains(&ending);
        let concerned: Vec<usize> = (0..self.sessions.len()).filter(below).collect();
        let session = self.random.pick(&concerned);
        let hints = Hints::of(&self.reference, session, self.now);
        let call = self.random.call(hints.as_ref());
        self.send(Event::Call { session: Some(session), call });
    }

    /// Moves to a full hour of the next day.
    fn reach_an_hour(&mut self) {
        let hours = self.random.range(1, 24);
        self.move_near((self.now / (3600 * SECOND) + hours) * 3600 * SECOND);
    }

    /// Repeats a call that was permitted, in many sessions of one owner and role with a limit per session.
    fn many_sessions(&mut self) {
        let limited: Vec<(GeneratedCall, String, String)> = self
            .permitted
            .iter()
            .filter_map(|place| match &self.events[*place] {
                Event::Call { session: Some(session), call } => Some((*session, call)),
                _ => None,
            })
            .filter(|(session, _)| self.reference.in_service(*session, self.now))
            .filter(|(session, _)| self.sessions[*session].is_none())
            .filter_map(|(session, call)| {
                let (role, owner) = self.reference.identity(session);
                let limits = &self.reference.roles()[role];
                let of_server = call.server.as_ref().and_then(|server| limits.mcp_rates.get(server));
                let mut all = [&limits.rate_per_minute, &limits.rate_per_hour].into_iter().chain(of_server);
                let small = all.any(|n| (1..=2).contains(n));
                (limits.rate_by_session && small).then(|| (call.clone(), role.to_string(), owner.to_string()))
            })
            .collect();
        if limited.is_empty() || self.sessions.len() > 12 {
            return;
        }
        let (call, role, owner) = self.random.pick_ref(&limited).clone();
        for _ in 0..11 {
            let session = Some(self.sessions.len());
            self.sessions.push(None);
            self.happens(Event::Open {
                role: role.clone(),
                owner: owner.clone(),
                ttl_s: 600,
                max_calls: None,
            });
            for _ in 0..2 {
                self.happens(Event::Call { session, call: call.clone() });
            }
        }
    }

    /// A person answers a held call, or nobody does; then it comes again.
    fn answer(&mut self) {
        let at = self.random.below(self.held.len() as u64) as usize;
        let call_index = self.held[at];
        let approve = self.random.chance(75);
        if self.random.chance(85) {
            self.happens(Event::Resolve { call_index, approve });
            self.held.retain(|place| *place != call_index);
        }
        if self.random.chance(10) {
            let ns = SECOND * self.random.pick(&[4, 5, 60, 899, 900]);
            self.happens(Event::Advance { ns });
        }
        for _ in 0..self.random.range(1, 2) {
            let event = self.events[call_index].clone();
            self.send(event);
        }
    }
}
