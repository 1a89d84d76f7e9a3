//! Reviews: a person's answer to one exact call.

use std::collections::HashMap;

/// The call a review is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReviewKey {
    /// The session that asks: within one process an approval is bound to it.
    pub session: usize,
    /// The owner of the session.
    pub owner: String,
    /// The session's own role.
    pub role: String,
    /// The tool called.
    pub tool: String,
    /// The call's action.
    pub action: Option<String>,
    /// The call's resource.
    pub resource: Option<String>,
    /// The call's own env.
    pub env: Option<String>,
    /// The call's MCP server.
    pub server: Option<String>,
    /// Through whose hands it came.
    pub via: Vec<String>,
    /// The canonical arguments.
    pub args: String,
}

/// What the review of a call says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nobody has answered yet.
    Pending,
    /// The next such call may run once.
    Approved,
    /// The call is refused until the review's time is over.
    Rejected,
}

/// All reviews that are not consumed.
#[derive(Debug, Default)]
pub struct Reviews(HashMap<ReviewKey, (Answer, u64)>);

impl Reviews {
    /// The review in force: `None` if there is none or its time is over.
    pub fn answer(&self, key: &ReviewKey, now: u64) -> Option<Answer> {
        self.0.get(key).filter(|(_, until)| now < *until).map(|(answer, _)| *answer)
    }

    /// Opens a review, in the place of an expired one.
    pub fn open(&mut self, key: ReviewKey, until: u64) {
        self.0.insert(key, (Answer::Pending, until));
    }

    /// A person answers; only a pending review can be answered.
    pub fn resolve(&mut self, key: &ReviewKey, approve: bool) {
        if let Some((answer @ Answer::Pending, _)) = self.0.get_mut(key) {
            *answer = if approve { Answer::Approved } else { Answer::Rejected };
        }
    }

    /// Consumes an approval.
    pub fn consume(&mut self, key: &ReviewKey) {
        self.0.remove(key);
    }
}
