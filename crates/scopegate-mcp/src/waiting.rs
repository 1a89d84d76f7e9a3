//! Questions that wait for an answer. What a client holds of one is its number, 128 random bits: it
//! cannot be made up or changed into another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scopegate_core::{CallDigest, Name, Principal, ToolCall};
use tokio::time::Instant;

/// Most questions that wait; the oldest makes room.
const MANY: usize = 1024;

/// Questions, each with what it is about. Clones share them.
pub(crate) struct Waiting<T> {
    questions: Arc<Mutex<BTreeMap<(Instant, u128), T>>>,
    /// How long an answer is taken.
    waits: Duration,
}

/// A call of somebody's.
#[derive(Clone, PartialEq)]
pub(crate) struct About {
    principal: Principal,
    tool: Name,
    server: Option<Name>,
    args: CallDigest,
}

impl About {
    /// `None` for arguments that cannot be judged.
    pub(crate) fn of(principal: &Principal, call: &ToolCall) -> Option<Self> {
        let args = CallDigest::of_args(call)?;
        let (tool, server) = (call.tool.clone(), call.server.clone());
        Some(Self { principal: principal.clone(), tool, server, args })
    }
}

impl<T> Waiting<T> {
    pub(crate) fn at_most(waits: Duration) -> Self {
        Self { questions: Arc::default(), waits }
    }

    /// The number of a new question.
    pub(crate) fn put(&self, question: T) -> Option<u128> {
        let number = random()?;
        let mut questions = self.questions();
        while questions.len() >= MANY {
            questions.pop_first();
        }
        questions.insert((Instant::now(), number), question);
        Some(number)
    }

    /// The question, which is over then.
    pub(crate) fn take(&self, number: u128) -> Option<T> {
        let mut questions = self.questions();
        let key = self.find(&questions, number)?;
        questions.remove(&key)
    }

    /// Looks at the question, which goes on.
    pub(crate) fn look<R>(&self, number: u128, look: impl FnOnce(&T) -> R) -> Option<R> {
        let questions = self.questions();
        let key = self.find(&questions, number)?;
        questions.get(&key).map(look)
    }

    fn find(&self, questions: &BTreeMap<(Instant, u128), T>, number: u128) -> Option<(Instant, u128)> {
        let key = *questions.keys().find(|(_, other)| *other == number)?;
        (key.0.elapsed() < self.waits).then_some(key)
    }

    fn questions(&self) -> MutexGuard<'_, BTreeMap<(Instant, u128), T>> {
        // Nothing here panics half-way.
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Waiting<T> {
    fn clone(&self) -> Self {
        Self { questions: self.questions.clone(), waits: self.waits }
    }
}

/// A request state that holds a number.
pub(crate) fn state(prefix: &str, number: u128) -> String {
    format!("{prefix}:{number:032x}")
}

/// The number in a request state with this prefix; the outer `None` for other states.
pub(crate) fn number(prefix: &str, state: &str) -> Option<Option<u128>> {
    let hex = state.strip_prefix(prefix)?.strip_prefix(':')?;
    let plain = hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    Some(if plain { u128::from_str_radix(hex, 16).ok() } else { None })
}

fn random() -> Option<u128> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(u128::from_le_bytes(bits))
}
