//! The epoch of a tenant, and whoever follows it.

use std::sync::Mutex;

use scopegate_core::{Name, SessionId};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::tenant::lock;
use crate::store::Epoch;

/// Changes that a slow follower may be behind; then it is told that it missed some.
const BEHIND: usize = 256;

/// What a change touched, of what clients keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// A role, and whatever inherits from it.
    Role(Name),
    /// A session.
    Session(SessionId),
    /// Everyone who acts for an owner.
    Owner(Name),
    /// What an MCP server offers.
    Server(Name),
    /// Policies, which stand against everyone.
    Policies,
}

/// What a follower hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The epoch is this one from now on, and that is why.
    Changed(Epoch, Touched),
    /// Something was missed: the epoch is this one now.
    Missed(Epoch),
}

/// Counts the changes that clients must see, and tells of them.
pub(crate) struct Epochs {
    now: Mutex<Epoch>,
    followers: Mutex<Option<broadcast::Sender<(Epoch, Touched)>>>,
}

/// Hears of every change until it is dropped.
pub(crate) struct Follower(Option<broadcast::Receiver<(Epoch, Touched)>>);

impl Epochs {
    pub(super) fn new(now: Epoch) -> Self {
        Self { now: Mutex::new(now), followers: Mutex::new(Some(broadcast::channel(BEHIND).0)) }
    }

    pub(super) fn now(&self) -> Epoch {
        *lock(&self.now)
    }

    /// Starts another count.
    pub(super) fn begin(&self, epoch: Epoch) {
        *lock(&self.now) = epoch;
    }

    /// Counts a change that has been made, and tells of it. What is told can only end what clients
    /// were lent, so it need not wait until the change is kept.
    pub(super) fn bump(&self, touched: Touched) -> Epoch {
        let mut now = lock(&self.now);
        now.counter += 1;
        if let Some(followers) = &*lock(&self.followers) {
            // Nobody may follow.
            let _ = followers.send((*now, touched));
        }
        *now
    }

    pub(super) fn follow(&self) -> Follower {
        Follower(lock(&self.followers).as_ref().map(broadcast::Sender::subscribe))
    }

    pub(super) fn hang_up(&self) {
        *lock(&self.followers) = None;
    }
}

impl Follower {
    /// The next change; `None` once the plane stops. `now` tells the epoch when some were missed.
    pub(crate) async fn next(&mut self, now: impl FnOnce() -> Epoch) -> Option<Told> {
        match self.0.as_mut()?.recv().await {
            Ok((epoch, touched)) => Some(Told::Changed(epoch, touched)),
            Err(RecvError::Lagged(_)) => Some(Told::Missed(now())),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_follower_hears_every_change_or_that_it_missed_some() {
        let begun = Epoch { incarnation: 7, counter: 0 };
        let epochs = Epochs::new(begun);
        let mut follower = epochs.follow();
        let role = || Touched::Role("r".into());
        assert_eq!(epochs.bump(role()).counter, 1);
        let told = follower.next(|| epochs.now()).await;
        assert_eq!(told, Some(Told::Changed(Epoch { counter: 1, ..begun }, role())));

        (0..=BEHIND).for_each(|_| _ = epochs.bump(role()));
        let last = 2 + BEHIND as u64;
        let told = follower.next(|| epochs.now()).await;
        assert_eq!(told, Some(Told::Missed(Epoch { counter: last, ..begun })));

        epochs.hang_up();
        while follower.next(|| epochs.now()).await.is_some() {}
        assert_eq!(epochs.follow().next(|| epochs.now()).await, None);
        assert_eq!(epochs.bump(role()).counter, last + 1, "it counts on");
    }
}
