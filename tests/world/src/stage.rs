//! Agents of a framework in a world: what users asked for happens, and nothing that planted text asked
//! for, whatever the model does. Whether it did is read off the world.

use std::fmt::Debug;
use std::time::Duration;

use scopegate_core::{Enforcer, Provision, Reviews, Sessions};

use crate::play::{Cast, local, order, reviewer};
use crate::{Call, Shared, Task, World};

/// A framework's agent, with its seams around the world's tools.
pub trait Stage: Copy + Debug {
    /// Runs an agent to its end, whose model makes the scene's calls whatever it hears, one a turn; then
    /// closes its guard.
    fn run<W: World, E>(self, scene: Scene<'_, W, E>) -> impl Future<Output = ()>
    where
        E: Enforcer + Sessions + Reviews + Clone;
}

/// What one agent is given.
#[derive(Debug)]
pub struct Scene<'a, W, E> {
    /// Decides its calls.
    pub enforcer: &'a E,
    /// What its tools change.
    pub world: Shared<W>,
    /// What it is asked to do.
    pub user: &'a Task,
    planted: &'a [Call],
}

impl<'a, W: World, E> Scene<'a, W, E> {
    /// How long it waits for a person.
    pub const PATIENCE: Duration = Duration::from_secs(30);

    /// The session that it opens.
    pub fn provision(&self) -> Provision {
        Provision::new(W::NAME, format!("agent of {}", self.user.id))
    }

    /// What its model does: the planted calls in the middle of the user's.
    pub fn calls(&self) -> impl Iterator<Item = &'a Call> + use<'a, W, E> {
        order(&self.user.calls, self.planted)
    }
}

/// Every user's task alone, and with every attack in the middle of it.
///
/// # Panics
/// When a world is not as the user wanted it.
pub async fn every_task<W: World>(stage: impl Stage) {
    let enforcer = local::<W>();
    tasks::<W, _, _>(Cast::of::<W>(), &enforcer, &enforcer, stage).await;
}

/// These tasks and attacks, with this person to ask.
///
/// # Panics
/// When a world is not as the user wanted it.
pub async fn tasks<W: World, E, R>(cast: Cast, enforcer: &E, person: &R, stage: impl Stage)
where
    E: Enforcer + Sessions + Reviews + Clone,
    R: Reviews,
{
    for user in &cast.users {
        let expected = W::after(&user.calls);
        assert_eq!(play::<W, E, R>(enforcer, person, stage, user, &[]).await, expected, "{}", user.id);
        for attack in &cast.attacks {
            let world = play::<W, E, R>(enforcer, person, stage, user, &attack.calls).await;
            // Reading is free: what an attack read, it read from the same world.
            assert_eq!(world, expected, "{} under {} through {stage:?}", user.id, attack.id);
        }
    }
}

/// What the others would see if nobody stood in between: every attack works.
///
/// # Panics
/// When one does not.
pub async fn every_attack_works<W: World>(unguarded: impl Stage) {
    let (Cast { users, attacks }, enforcer) = (Cast::of::<W>(), local::<W>());
    let user = users.first().expect("a user");
    for attack in &attacks {
        let world = play::<W, _, _>(&enforcer, &enforcer, unguarded, user, &attack.calls).await;
        assert_ne!(world, W::after(&user.calls), "{}", attack.id);
    }
}

/// Calls that a plane lends are decided here, the others there; a person agrees at the plane.
///
/// # Panics
/// When a world is not as the user wanted it, or one of the two decided nothing.
#[cfg(feature = "plane")]
pub async fn with_a_plane<W: World>(stage: impl Stage) {
    let plane = crate::Plane::of::<W>().await;
    tasks::<W, _, _>(Cast::of::<W>().few(), &plane.agent, &plane.person, stage).await;
    let counts = plane.agent.counts();
    assert!(counts.here > 0 && counts.by_the_plane > 0 && counts.lost == 0, "{counts:?}");
    plane.stop().await;
}

/// The world after an agent did what the user asked for, and amid its turns what the planted text
/// wants. A person agrees to the user's calls and refuses all others.
async fn play<W: World, E, R>(enforcer: &E, person: &R, stage: impl Stage, user: &Task, planted: &[Call]) -> W
where
    E: Enforcer + Sessions + Reviews + Clone,
    R: Reviews,
{
    let world = Shared::<W>::seeded();
    let scene = Scene { enforcer, world: world.clone(), user, planted };
    tokio::select! {
        () = stage.run(scene) => {}
        () = reviewer(person, &user.calls) => {}
    }
    world.now()
}
