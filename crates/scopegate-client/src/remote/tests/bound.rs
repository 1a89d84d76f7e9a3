//! Revocation while a client decides by itself, over many interleavings: never honoured past the bound,
//! and not at all once it was heard. Time is the test's own, and so is the network.

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{Name, SessionId, SessionWatch, Timestamp};
use serde_json::{Value, json};

use super::super::clocks::{Clocks, ManualClocks};
use super::super::events::Event;
use super::super::lease::{LONGEST, Moment};
use super::super::scope::Left;
use super::super::seat::Seat;
use super::super::seats::Touched;
use super::super::{RemoteEnforcer, lock};
use super::scene::{Hands, at_once};
use crate::client::Client;
use crate::wire::{Epoch, Token};

/// Nothing that was taken back is honoured this long after that.
const BOUND: u64 = 5_000;
const SESSIONS: usize = 4;
const SEEDS: u64 = 250;
const STEPS: usize = 400;

/// Numbers from a seed (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % most
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// On its way to the client.
enum Message {
    Confirm(Left, Epoch, Timestamp),
    Scope(usize, Left, Value, u64),
    Rate(usize, Moment, u64, u64),
    Heard(Event),
}

/// Something that was taken back, and when it became so.
#[derive(Clone, Copy)]
struct Gone {
    at: u64,
    epoch: Epoch,
}

/// The plane, as far as it lends. Even sessions are of `free`, odd ones of `limited`; the first two are
/// ann's, the others bob's.
struct Plane {
    epoch: Epoch,
    revoked: [Option<Gone>; SESSIONS],
    suspended: [Option<Gone>; 2],
    narrowed: [Option<Gone>; 2],
    versions: [u64; 2],
}

struct World {
    chance: Chance,
    quiet: bool,
    now: u64,
    clocks: Hands,
    enforcer: RemoteEnforcer,
    seats: Vec<Arc<Seat>>,
    plane: Plane,
    /// When it arrives, and whether that is by the stream, which keeps its order.
    wires: Vec<(u64, bool, Message)>,
    /// The stream is there, and the last thing on it arrives then.
    stream: Option<u64>,
    /// Versions that sessions are lent on; calls that were counted on each, and permits.
    lent: [u64; SESSIONS],
    counted: std::collections::HashMap<(usize, u64), u64>,
    seen: Seen,
}

/// What happened, so that nobody takes nothing for success.
#[derive(Default)]
struct Seen {
    permits: u64,
    unheard: u64,
    oldest: u64,
}

fn role(session: usize) -> usize {
    session % 2
}

fn owner(session: usize) -> usize {
    session / 2
}

const ROLES: [&str; 2] = ["free", "limited"];
const OWNERS: [&str; 2] = ["ann", "bob"];

impl World {
    fn new(seed: u64) -> Self {
        let clocks = Hands(Arc::new(ManualClocks::new(Timestamp::from_secs(1_800_000_000))));
        let client = Client::builder().url("http://127.0.0.1:1").api_key("sb-agent-x");
        let enforcer = RemoteEnforcer::builder(client).clocks(clocks.clone()).build().unwrap();
        let seat = |number: usize| {
            let (id, token) = (SessionId::from_bits(number as u128 + 1), Token::new(format!("t{number}")));
            let expires_at = clocks.wall().after(Duration::from_secs(1_000_000));
            let (watch, lease) = (SessionWatch::default(), enforcer.inner.lease.clone());
            let seat = Arc::new(Seat::new(id, token, ROLES[role(number)].into(), expires_at, watch, lease));
            enforcer.inner.seats.put(seat.clone(), clocks.wall());
            seat
        };
        let seats = (0..SESSIONS).map(seat).collect();
        let epoch = Epoch { incarnation: 1, counter: 0 };
        let plane = Plane {
            epoch,
            revoked: [None; SESSIONS],
            suspended: [None; 2],
            narrowed: [None; 2],
            versions: [1; 2],
        };
        Self {
            chance: Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            quiet: seed.is_multiple_of(2),
            now: 0,
            clocks,
            enforcer,
            seats,
            plane,
            wires: Vec::new(),
            stream: None,
            lent: [0; SESSIONS],
            counted: std::collections::HashMap::new(),
            seen: Seen::default(),
        }
    }

    fn run(&mut self) {
        for _ in 0..STEPS {
            let pause = if self.chance.one_in(3) { self.chance.below(1_500) } else { self.chance.below(60) };
            self.pass(pause);
            match self.chance.below(12) {
                // Some clients hear little.
                0..=6 if self.quiet && !self.chance.one_in(4) => {}
                0 | 1 => self.ask_epoch(),
                2..=4 => self.ask_scope(),
                5 | 6 => self.ask_rate(),
                7 => self.change(),
                8 => self.stream(),
                9 if self.chance.one_in(4) => self.jump(),
                10 if self.chance.one_in(8) => self.cut_off(),
                _ => {}
            }
            (0..SESSIONS).for_each(|session| self.call(session));
        }
    }

    /// Time passes, and what arrives meanwhile does, in its order; calls are made in between.
    fn pass(&mut self, millis: u64) {
        let until = self.now + millis;
        while let Some(next) =
            (0..self.wires.len()).filter(|at| self.wires[*at].0 <= until).min_by_key(|at| self.wires[*at].0)
        {
            let (at, _, message) = self.wires.remove(next);
            self.advance(at.max(self.now));
            self.deliver(message);
            (0..SESSIONS).for_each(|session| self.call(session));
        }
        while self.now < until {
            self.advance(until.min(self.now + 25));
            (0..SESSIONS).for_each(|session| self.call(session));
        }
    }

    fn advance(&mut self, now: u64) {
        self.clocks.0.advance(Duration::from_millis(now - self.now));
        self.now = now;
    }

    fn deliver(&mut self, message: Message) {
        let inner = &self.enforcer.inner;
        match message {
            Message::Confirm(left, epoch, now) => {
                let back = Moment::now(&self.clocks);
                lock(&inner.scopes).confirm(left, back, epoch, (LONGEST, now));
            }
            Message::Scope(session, left, scope, version) => {
                if inner.take_up(&self.seats[session], scope, left) {
                    self.lent[session] = version;
                }
            }
            Message::Rate(session, left, calls, version) => self.seats[session].credit(calls, version, left),
            Message::Heard(event) => inner.hear(&event),
        }
    }

    /// Sends an answer that the plane gives now, or loses it.
    fn send(&mut self, message: Message) {
        if !self.chance.one_in(6) {
            let way = if self.chance.one_in(8) { self.chance.below(6_000) } else { self.chance.below(80) };
            self.wires.push((self.now + way, false, message));
        }
    }

    /// A request is on its way for a while before the plane reads it.
    fn reach_plane(&mut self) {
        let way = if self.chance.one_in(6) { self.chance.below(1_000) } else { self.chance.below(40) };
        self.pass(way);
    }

    fn ask_epoch(&mut self) {
        let left = self.enforcer.inner.leaving();
        self.reach_plane();
        let (epoch, now) = (self.plane.epoch, self.wall());
        self.send(Message::Confirm(left, epoch, now));
    }

    fn ask_scope(&mut self) {
        let session = self.chance.below(SESSIONS as u64) as usize;
        if self.seats[session].is_lent() && !self.chance.one_in(4) {
            return;
        }
        let left = self.enforcer.inner.leaving().asks_for(&self.seats[session]);
        self.reach_plane();
        let (scope, version) = (self.plane.lend(session, self.wall()), self.plane.versions[role(session)]);
        self.send(Message::Scope(session, left, scope, version));
    }

    fn ask_rate(&mut self) {
        let session = self.chance.below(SESSIONS as u64) as usize;
        if !self.seats[session].wants_rate() {
            return;
        }
        let left = Moment::now(&self.clocks);
        self.reach_plane();
        let (calls, version) = (self.chance.below(6), self.plane.versions[role(session)]);
        *self.counted.entry((session, version)).or_default() += calls;
        let way = self.chance.below(3_000);
        self.wires.push((self.now + way, false, Message::Rate(session, left, calls, version)));
    }

    /// The plane's clock, which nobody sets.
    fn wall(&self) -> Timestamp {
        Timestamp::from_secs(1_800_000_000).after(Duration::from_millis(self.now))
    }

    fn change(&mut self) {
        let (pick, session) = (self.chance.below(8), self.chance.below(SESSIONS as u64) as usize);
        if pick == 0 {
            // It starts again: the stream ends, and another count begins.
            self.plane.epoch =
                Epoch { incarnation: self.plane.epoch.incarnation + 1, counter: self.chance.below(9) };
            self.break_stream();
            return;
        }
        self.plane.epoch.counter += 1;
        let gone = Gone { at: self.now, epoch: self.plane.epoch };
        let turn = |was: &mut Option<Gone>| *was = if was.is_none() { Some(gone) } else { None };
        let touched = match pick {
            1 => {
                let revoked = &mut self.plane.revoked[session];
                *revoked = Some(revoked.unwrap_or(gone));
                Touched::Session(self.seats[session].id)
            }
            2 => {
                turn(&mut self.plane.suspended[owner(session)]);
                Touched::Owner(OWNERS[owner(session)].into())
            }
            _ => {
                turn(&mut self.plane.narrowed[role(session)]);
                self.plane.versions[role(session)] += 1;
                Touched::Role(ROLES[role(session)].into())
            }
        };
        let event = Event::Change(self.plane.epoch, touched);
        self.tell(event);
    }

    /// The stream is lost, or there again; it begins with the epoch.
    fn stream(&mut self) {
        match self.stream {
            Some(_) if self.chance.one_in(2) => self.break_stream(),
            Some(_) => {}
            None => {
                self.stream = Some(self.now);
                self.tell(Event::Epoch(self.plane.epoch));
            }
        }
    }

    fn tell(&mut self, event: Event) {
        let way = if self.chance.one_in(5) { self.chance.below(5_000) } else { self.chance.below(50) };
        if let Some(last) = &mut self.stream {
            *last = (*last).max(self.now + way);
            self.wires.push((*last, true, Message::Heard(event)));
        }
    }

    /// What was on it may have arrived, all before it or none after it.
    fn break_stream(&mut self) {
        self.stream = None;
        let cut = self.now + self.chance.below(500);
        self.wires.retain(|(at, stream, _)| !stream || *at <= cut);
    }

    /// Everything was lent a moment ago; something is taken back, and nobody hears anything for a while.
    fn cut_off(&mut self) {
        self.clocks.0.set_wall(self.wall());
        for session in 0..SESSIONS {
            let left = self.enforcer.inner.leaving().asks_for(&self.seats[session]);
            let (scope, version) =
                (self.plane.lend(session, self.wall()), self.plane.versions[role(session)]);
            self.deliver(Message::Scope(session, left, scope, version));
        }
        self.pass(1);
        let (left, epoch, now) = (self.enforcer.inner.leaving(), self.plane.epoch, self.wall());
        self.deliver(Message::Confirm(left, epoch, now));
        let pause = self.chance.below(20);
        self.pass(pause);
        self.change();
        self.wires.clear();
        self.stream = None;
        self.pass(7_000);
    }

    /// Somebody sets the client's wall clock, or sets it right.
    fn jump(&mut self) {
        let wall = match self.chance.below(3) {
            0 => self.wall().after(Duration::from_millis(self.chance.below(20_000))),
            1 => Timestamp::from_nanos(self.wall().nanos() - self.chance.below(20_000) * 1_000_000),
            _ => self.wall(),
        };
        self.clocks.0.set_wall(wall);
    }

    /// A call, and what has to be so if it is permitted.
    fn call(&mut self, session: usize) {
        let knew = self.enforcer.inner.leaving().knew;
        let seat = &self.seats[session];
        let taken_back = [
            self.plane.revoked[session],
            self.plane.suspended[owner(session)],
            self.plane.narrowed[role(session)],
        ];
        let heard = |gone: &Gone| {
            knew.is_some_and(|knew| {
                (knew.incarnation, knew.counter) >= (gone.epoch.incarnation, gone.epoch.counter)
            })
        };
        let gone = || taken_back.iter().flatten();
        // A narrowed role is lent again, narrowed: that is the last known scope then.
        let ended = || taken_back[..2].iter().flatten();
        assert!(
            !(seat.is_last_known() && ended().any(heard)),
            "{session}: what ended is the last known no more"
        );
        let Some(principal) = seat.local().cloned() else { return };
        if at_once(&self.enforcer, &principal, "read") != Some("PERMIT") {
            return;
        }
        assert!(!gone().any(heard), "{session}: permitted after its end was heard");
        let oldest = gone().map(|gone| self.now - gone.at).max();
        assert!(
            oldest.is_none_or(|age| age < BOUND),
            "{session}: permitted {oldest:?} ms after it was taken back"
        );
        if role(session) == 1 {
            let left = self.counted.entry((session, self.lent[session])).or_default();
            *left = left.checked_sub(1).expect("a permit that no version of the role has counted");
        }
        self.seen.permits += 1;
        self.seen.unheard += u64::from(oldest.is_some());
        self.seen.oldest = self.seen.oldest.max(oldest.unwrap_or(0));
    }
}

impl Plane {
    fn lend(&self, session: usize, now: Timestamp) -> Value {
        let role = role(session);
        let lent = self.revoked[session].is_none() && self.suspended[owner(session)].is_none();
        let tools: &[&str] = if self.narrowed[role].is_none() { &["read", "list"] } else { &["list"] };
        let limit = if role == 1 { 600 } else { 0 };
        let name = Name::from(ROLES[role]);
        let roles = json!([{ "name": name, "allowed_tools": tools, "rate_limit_per_minute": limit }]);
        json!({ "owner": OWNERS[owner(session)], "version": self.versions[role], "lease_ms": 5_000, "now": now,
            "epoch": self.epoch, "roles": if lent { roles } else { Value::Null } })
    }
}

#[test]
fn what_was_taken_back_is_honoured_no_longer_than_the_bound_and_not_once_it_was_heard() {
    let mut seen = Seen::default();
    for seed in 1..=SEEDS {
        let mut world = World::new(seed);
        world.run();
        seen.permits += world.seen.permits;
        seen.unheard += world.seen.unheard;
        seen.oldest = seen.oldest.max(world.seen.oldest);
    }
    // The bound is needed, and nearly met: otherwise nothing would have been shown.
    assert!(seen.permits > 10_000, "{} permits", seen.permits);
    assert!(seen.unheard > 500, "{} of them while the end was not heard of", seen.unheard);
    assert!(seen.oldest > 4_900, "at most {} ms after it", seen.oldest);
}
