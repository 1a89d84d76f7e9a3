//! Scopes as the plane lends them, taken up by the local engine.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{Name, Role, Timestamp};
use scopegate_engine::LocalEnforcer;
use serde::Deserialize;

use super::lease::{Lease, Moment};
use super::open::FailOpen;
use super::seat::{Seat, Terms};
use super::standing::{Heard, Standing};
use crate::wire::Epoch;

/// How far the plane's clock may be from ours: hours and ends of sessions are judged by ours.
const SKEW: Duration = Duration::from_secs(1);

/// A scope on the wire. What a later plane adds to a role is not understood, and then nothing is lent.
#[derive(Debug, Deserialize)]
pub(super) struct Lent {
    pub(super) owner: Name,
    pub(super) version: u64,
    /// The role, then its parents, nearest first; absent when the plane decides every call.
    pub(super) roles: Option<Vec<Role>>,
    pub(super) epoch: Epoch,
    pub(super) lease_ms: u64,
    pub(super) now: Timestamp,
}

/// A request under way: when it left, and what was known then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) at: Moment,
    pub(super) knew: Option<Epoch>,
    /// Of the lease. When everything is dropped meanwhile, the answer is older than that.
    generation: u64,
    /// Of the session that it asks for, if it asks for one.
    turn: u64,
}

impl Left {
    /// It asks for what this session is lent.
    pub(super) fn asks_for(self, seat: &Seat) -> Self {
        Self { turn: seat.turn(), ..self }
    }
}

/// What is known of the plane, and the roles that the engines hold.
pub(super) struct Scopes {
    local: LocalEnforcer,
    standing: Standing,
    lease: Arc<Lease>,
    held: HashMap<Name, Role>,
}

impl Scopes {
    pub(super) fn new(local: LocalEnforcer, lease: Arc<Lease>) -> Self {
        Self { local, standing: Standing::default(), lease, held: HashMap::new() }
    }

    /// To be asked before a request leaves.
    pub(super) fn leaving(&self, at: Moment) -> Left {
        Left { at, knew: self.standing.known(), generation: self.lease.generation(), turn: 0 }
    }

    /// What an answer says of now: the lease is extended, or what was kept is dropped. False when it
    /// says nothing.
    pub(super) fn confirm(
        &mut self,
        left: Left,
        back: Moment,
        told: Epoch,
        lent: (Duration, Timestamp),
    ) -> bool {
        let (length, now) = lent;
        let overtaken = self.lease.generation() != left.generation;
        let heard = self.standing.answered(left.knew, told);
        self.act_on(heard);
        if overtaken || heard == Heard::Late || !agrees(left, back, now) {
            return false;
        }
        self.lease.extend(left.at, length);
        true
    }

    /// What an event says. Anything may have changed when one that names nothing comes next.
    pub(super) fn hear(&mut self, told: Epoch, names: bool) {
        match self.standing.event(told) {
            Heard::Next if !names => self.act_on(Heard::Gap),
            heard => self.act_on(heard),
        }
    }

    /// Something was said that is neither yes nor silence: nothing that was lent so far holds.
    pub(super) fn shut(&mut self) {
        self.lease.drop_all();
        self.lease.end();
    }

    /// Nothing is lent any more, whatever is answered.
    pub(super) fn close(&mut self) {
        self.lease.close();
    }

    fn act_on(&mut self, heard: Heard) {
        match heard {
            Heard::Same | Heard::Next | Heard::Late => {}
            Heard::Gap => self.lease.drop_all(),
            Heard::Restored => {
                tracing::warn!("the plane is another, or an older copy: everything it lent is over");
                self.shut();
            }
        }
    }

    /// Takes up what was lent for a session, unless the answer was overtaken. False when its calls are
    /// the plane's; then what it was lent before is over too.
    pub(super) fn take_up(
        &mut self,
        seat: &Arc<Seat>,
        lent: Lent,
        moments: (Left, Moment),
        open: Option<&FailOpen>,
    ) -> bool {
        let taken_up = self.try_take_up(seat, lent, moments, open);
        if !taken_up {
            seat.take_back();
        }
        taken_up
    }

    fn try_take_up(
        &mut self,
        seat: &Arc<Seat>,
        lent: Lent,
        (left, back): (Left, Moment),
        open: Option<&FailOpen>,
    ) -> bool {
        let length = Duration::from_millis(lent.lease_ms);
        if !self.confirm(left, back, lent.epoch, (length, lent.now)) {
            return false;
        }
        let Some(roles) = lent.roles.filter(|roles| is_lineage(roles, &seat.role)) else { return false };
        for role in roles.iter().rev() {
            if let Err(error) = self.put(role, open) {
                tracing::warn!(role = %role.name, %error, "this version cannot decide the calls of a role");
                return false;
            }
        }
        let terms = Terms {
            owner: lent.owner,
            version: lent.version,
            lineage: roles.iter().map(|role| role.name.clone()).collect(),
            limited: roles.iter().any(is_limited),
        };
        if let Err(error) = seat.settle(terms, left.at, &self.local, open) {
            tracing::warn!(%error, "a session cannot be taken up");
            return false;
        }
        seat.lend_under(self.lease.generation(), left.turn)
    }

    /// Gives a role to the engines. The local one counts nothing: what limits give is lent apart.
    fn put(&mut self, role: &Role, open: Option<&FailOpen>) -> Result<(), scopegate_core::PolicyError> {
        if self.held.get(&role.name) == Some(role) {
            return Ok(());
        }
        self.held.remove(&role.name);
        let uncounted = Role { rate_limit_per_minute: 0, rate_limit_per_hour: 0, ..role.clone() };
        self.local.put_role(uncounted)?;
        if let Some(open) = open {
            open.put_role(role.clone())?;
        }
        self.held.insert(role.name.clone(), role.clone());
        Ok(())
    }
}

/// Whether these are a role and all its parents, each behind the one that names it.
fn is_lineage(roles: &[Role], role: &str) -> bool {
    let mut named = Some(role);
    let follow = roles.iter().all(|role| {
        let expected = named.is_some_and(|named| *role.name == *named);
        named = role.parent_role_id.as_deref();
        expected
    });
    follow && named.is_none()
}

fn is_limited(role: &Role) -> bool {
    role.rate_limit_per_minute > 0 || role.rate_limit_per_hour > 0
}

/// Whether the plane's clock, read while the request was under way, can be ours.
fn agrees(left: Left, back: Moment, plane: Timestamp) -> bool {
    let agrees = plane.after(SKEW) >= left.at.wall && plane <= back.wall.after(SKEW);
    if !agrees {
        tracing::warn!(ours = %back.wall, %plane, "the clocks differ, so the plane decides every call");
    }
    agrees
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_names_each_parent_and_ends() {
        let role = |name: &'static str, parent: Option<&'static str>| Role {
            parent_role_id: parent.map(Name::from),
            ..Role::new(name)
        };
        let (a, b, alone) = (|| role("a", Some("b")), || role("b", Some("c")), || role("c", None));
        for (roles, whole) in [
            (vec![a(), b(), alone()], true),
            (vec![], false),
            (vec![a(), b()], false),
            (vec![a(), alone()], false),
            (vec![b(), alone()], false),
            (vec![a(), b(), alone(), alone()], false),
        ] {
            assert_eq!(is_lineage(&roles, "a"), whole, "{roles:?}");
        }
    }

    #[test]
    fn clocks_that_differ_are_told() {
        let at = |millis: u64| Timestamp::from_nanos((1_000_000 + millis) * 1_000_000);
        let moment = |millis| Moment { wall: at(millis), monotonic: Duration::ZERO };
        let left = Left { at: moment(10_000), knew: None, generation: 1, turn: 0 };
        for (plane, expected) in
            [(8_999, false), (9_000, true), (10_000, true), (10_050, true), (11_100, true), (11_101, false)]
        {
            assert_eq!(agrees(left, moment(10_100), at(plane)), expected, "{plane}");
        }
    }
}
