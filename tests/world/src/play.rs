//! Who plays in a world beside the agent: the tasks, in which order, and a person who reviews.

use std::time::Duration;

use scopegate_core::Reviews;
use scopegate_engine::{LocalEnforcer, Policy};
use serde_json::Value;

use crate::{Call, Kind, Task, World};

/// A world's tasks.
#[derive(Clone, Debug)]
pub struct Cast {
    /// What users asked for.
    pub users: Vec<Task>,
    /// What planted text asked for.
    pub attacks: Vec<Task>,
}

impl Cast {
    /// All that was recorded.
    pub fn of<W: World>() -> Self {
        let (users, attacks): (Vec<Task>, Vec<Task>) =
            W::tasks().into_iter().partition(|task| task.kind == Kind::User);
        assert!(users.len() > 20 && attacks.len() > 4, "{} and {}", users.len(), attacks.len());
        Self { users, attacks }
    }

    /// Every attack, and a few users: those that a person has to agree to among them.
    #[must_use]
    pub fn few(self) -> Self {
        Self { users: self.users.into_iter().step_by(9).collect(), ..self }
    }
}

/// An enforcer in this process with the world's policy.
///
/// # Panics
/// When the policy is wrong.
pub fn local<W: World>() -> LocalEnforcer {
    let policy = Policy::from_text(&W::policy(), W::NAME).unwrap_or_else(|error| panic!("{error}"));
    LocalEnforcer::new(policy).expect("a checked policy")
}

/// The planted calls come after the user's first, which may have read them somewhere.
pub fn order<'c>(user: &'c [Call], planted: &'c [Call]) -> impl Iterator<Item = &'c Call> {
    let (first, rest) = user.split_at(1);
    first.iter().chain(planted).chain(rest)
}

/// Agrees to these calls and refuses all others, for ever.
///
/// # Panics
/// When reviews cannot be read or settled.
pub async fn reviewer(reviews: &impl Reviews, calls: &[Call]) {
    loop {
        for review in reviews.pending().await.expect("reviews") {
            let arguments: Value = serde_json::from_str(&review.arguments).expect("JSON");
            let wanted = calls.iter().any(|call| call.tool == *review.tool && call.args == arguments);
            let settled = match wanted {
                true => reviews.approve(review.id, "the user").await,
                false => reviews.reject(review.id, "the user").await,
            };
            settled.expect("a pending review");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
