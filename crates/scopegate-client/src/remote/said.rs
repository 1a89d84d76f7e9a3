//! What the plane said of a session's tools since their scope was lent.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use scopegate_core::{Denial, Name, Timestamp};

use super::lock;

/// Tools that are remembered of one session.
const MOST: usize = 256;

/// By tool.
#[derive(Default)]
pub(super) struct Said {
    /// Denials that last, until when.
    standing: Mutex<HashMap<Name, (Denial, Timestamp)>>,
    refused: Mutex<Refused>,
}

/// When the plane last permitted no call of a tool, on the monotonic clock.
#[derive(Default)]
struct Refused {
    tools: HashMap<Name, Duration>,
    /// The same for tools that found no room.
    others: Option<Duration>,
}

impl Said {
    /// The denial that still stands against a tool.
    pub(super) fn denied(&self, tool: &str, now: Timestamp) -> Option<Denial> {
        lock(&self.standing).get(tool).filter(|(_, until)| now < *until).map(|(denial, _)| denial.clone())
    }

    /// A denial that is repeated here until then.
    pub(super) fn deny(&self, tool: Name, denial: Denial, until: Timestamp) {
        let mut standing = lock(&self.standing);
        if standing.len() >= MOST {
            standing.clear();
        }
        standing.insert(tool, (denial, until));
    }

    /// The plane did not permit a call of this tool: what was lent before may be wider than what is so.
    pub(super) fn refuse(&self, tool: &Name, now: Duration) {
        let mut refused = lock(&self.refused);
        if refused.tools.len() < MOST || refused.tools.contains_key(tool) {
            refused.tools.insert(tool.clone(), now);
        } else {
            refused.others = Some(now);
        }
    }

    /// Whether the plane refused a call of this tool since its scope was lent.
    pub(super) fn was_refused(&self, tool: &str) -> bool {
        let refused = lock(&self.refused);
        refused.others.is_some() || refused.tools.contains_key(tool)
    }

    /// A scope is taken up that was asked for then: it knows of what was said before.
    pub(super) fn forget(&self, asked: Duration) {
        lock(&self.standing).clear();
        let mut refused = lock(&self.refused);
        refused.tools.retain(|_, at| *at >= asked);
        refused.others = refused.others.filter(|at| *at >= asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_refused_stays_so_until_a_later_scope_is_lent() {
        let said = Said::default();
        said.refuse(&"pay".into(), at(5));
        assert!(said.was_refused("pay") && !said.was_refused("read"));
        said.forget(at(5));
        assert!(said.was_refused("pay"), "the scope may have been read before");
        said.forget(at(6));
        assert!(!said.was_refused("pay"));
    }

    #[test]
    fn too_many_tools_are_all_tools() {
        let said = Said::default();
        (0..=MOST).for_each(|tool| said.refuse(&tool.to_string().into(), at(5)));
        assert!(said.was_refused("read"));
        said.forget(at(6));
        assert!(!said.was_refused("read") && !said.was_refused("0"));
    }
}
