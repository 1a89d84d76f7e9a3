//! Whose a task is that a call has become.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use scopegate_core::Principal;

/// Most tasks that are remembered; the oldest makes room.
const MANY: usize = 4096;

/// The tasks that calls of different principals have become. One that is not among them is nobody's.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<VecDeque<(String, Principal)>>>);

impl Tasks {
    /// A call of this principal has become a task.
    pub(crate) fn begun(&self, task: &str, owner: Principal) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.len() >= MANY {
            tasks.pop_front();
        }
        tasks.push_back((task.to_owned(), owner));
    }

    /// Whether the task is this principal's. Should two have one name, it is neither's.
    pub(crate) fn belongs(&self, task: &str, principal: &Principal) -> bool {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut owners = tasks.iter().filter(|(name, _)| name == task).map(|(_, owner)| owner).peekable();
        owners.peek().is_some() && owners.all(|owner| owner == principal)
    }
}
